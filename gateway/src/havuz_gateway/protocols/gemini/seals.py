"""Thought parts, and the seals of other providers that travel in `thoughtSignature` (see `neutral.carrier`).

A signature is bytes on Google's wire, which its SDKs check: what havuz puts there is base64, like Google's own.
"""

import base64
import binascii
from typing import Any, Literal

from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.neutral.carrier import Sealed, pack, unpack
from havuz_gateway.protocols.neutral.content import RedactedThinking, Thinking
from havuz_gateway.protocols.neutral.extensions import Extensions

_MARK = base64.b64encode(b"havuz:").decode()  # six bytes are eight characters: the front of every carrier


def read_thought(text: str, signature: str | None, extensions: Extensions) -> Thinking | RedactedThinking:
    """A part that is marked as a thought, of whichever provider."""
    sealed = read_seal(signature)
    if sealed is None:
        origin = PROTOCOL if signature else None
        return Thinking(text, signature=signature or None, origin=origin, extensions=extensions)
    if sealed.kind == "redacted":
        return RedactedThinking(sealed.seal, origin=sealed.origin, id=sealed.id, extensions=extensions)
    return Thinking(
        text,
        signature=sealed.seal or None,
        origin=sealed.origin,
        id=sealed.id,
        summary=sealed.kind == "summary",
        extensions=extensions,
    )


def read_seal(signature: str | None) -> Sealed | None:
    """What another provider sealed; None for a signature of Gemini's own."""
    if not signature or not signature.startswith(_MARK):
        return None
    try:
        return unpack(base64.b64decode(signature.replace("-", "+").replace("_", "/")).decode("utf-8", "surrogatepass"))
    except (binascii.Error, ValueError):
        return None


def write_signature(thinking: Thinking) -> str | None:
    """What stands in `thoughtSignature`; None where nothing is sealed."""
    plain = thinking.id is None and not thinking.summary
    if plain and thinking.origin == PROTOCOL and thinking.signature:
        return thinking.signature
    if plain and thinking.origin is None and thinking.signature is None:
        return None
    kind: Literal["summary", "thinking"] = "summary" if thinking.summary else "thinking"
    return _carrier(Sealed(thinking.origin, thinking.id, kind, thinking.signature or ""))


def write_thinking(thinking: Thinking) -> dict[str, Any]:
    """The members of a thought part."""
    signature = write_signature(thinking)
    return {"text": thinking.text, "thought": True, **({"thoughtSignature": signature} if signature else {})}


def write_redacted(part: RedactedThinking) -> dict[str, Any]:
    """A thought part that shows nothing, for a client to hand back."""
    signature = _carrier(Sealed(part.origin, part.id, "redacted", part.data))
    return {"text": "", "thought": True, "thoughtSignature": signature}


def boundary() -> dict[str, Any]:
    """The part that ends an unsealed thought of a stream where another one follows at once."""
    return {"text": "", "thought": True, "thoughtSignature": _carrier(Sealed(None, None, "thinking", ""))}


def _carrier(sealed: Sealed) -> str:
    return base64.b64encode(pack(sealed).encode("utf-8", "surrogatepass")).decode()
