"""Thinking blocks, and the seals of other providers that travel in them (see `neutral.carrier`)."""

from typing import Any, Literal

from havuz_gateway.protocols.anthropic.wire import PROTOCOL
from havuz_gateway.protocols.neutral.carrier import GEMINI, Sealed, pack, unpack
from havuz_gateway.protocols.neutral.content import RedactedThinking, Thinking
from havuz_gateway.protocols.neutral.extensions import Extensions, restored


def read_thinking(text: str, signature: str, extensions: Extensions) -> Thinking:
    """A thinking block, of whichever provider."""
    sealed = unpack(signature)
    if sealed is not None:
        return Thinking(
            text,
            signature=sealed.seal or None,
            origin=sealed.origin,
            id=sealed.id,
            summary=sealed.kind == "summary",
            extensions=extensions,
        )
    if not signature:
        return Thinking(text, extensions=extensions)
    return Thinking(text, signature=signature, origin=PROTOCOL, extensions=extensions)


def read_redacted(data: str, extensions: Extensions) -> RedactedThinking | Sealed:
    """A redacted block; or the seal of a tool call that follows, which is no thinking at all."""
    sealed = unpack(data)
    if sealed is None:
        return RedactedThinking(data, origin=PROTOCOL, extensions=extensions)
    if sealed.kind == "call":
        return sealed
    return RedactedThinking(sealed.seal, origin=sealed.origin, id=sealed.id, extensions=extensions)


def write_signature(thinking: Thinking) -> str:
    """What stands in `signature` for a client; "" where nothing is sealed."""
    plain = thinking.id is None and not thinking.summary
    if plain and thinking.origin == PROTOCOL and thinking.signature:
        return thinking.signature
    if plain and thinking.origin is None and thinking.signature is None:
        return ""
    kind: Literal["summary", "thinking"] = "summary" if thinking.summary else "thinking"
    return pack(Sealed(thinking.origin, thinking.id, kind, thinking.signature or ""))


def write_redacted(part: RedactedThinking) -> dict[str, Any]:
    """A redacted block for a client."""
    own = part.origin == PROTOCOL and part.id is None
    data = part.data if own else pack(Sealed(part.origin, part.id, "redacted", part.data))
    return restored(PROTOCOL, {"type": "redacted_thinking", "data": data}, part.extensions)


def write_call_seal(call_id: str, signature: str) -> dict[str, Any]:
    """The block that carries the seal of the tool call after it."""
    return {"type": "redacted_thinking", "data": pack(Sealed(GEMINI, call_id, "call", signature))}
