"""Seals of one provider's reasoning inside the opaque fields of another protocol.

A client that speaks Anthropic's protocol hands `signature` and `data` back unchanged, whatever they hold. So the seal
of another provider travels there with a note of where it belongs, `havuz:<origin>:<id>:<kind>:<seal>`: on the next
turn it reaches its own provider again, and never a foreign one, which would refuse the whole conversation.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from havuz_gateway.protocols.neutral.content import Part, ToolCall
from havuz_gateway.values import frozen

GEMINI = "gemini"  # the only protocol that seals tool calls
_MARK = "havuz"


@frozen
class Sealed:
    """A seal and where it belongs. `origin` is a protocol, `id` the provider's id of what is sealed.

    `kind` tells whole thinking, a summary of it, redacted thinking and tool calls apart.
    """

    origin: str | None
    id: str | None
    kind: Literal["thinking", "summary", "redacted", "call"]
    seal: str


def pack(sealed: Sealed) -> str:
    """The text for the opaque field."""
    return f"{_MARK}:{sealed.origin or ''}:{_escape(sealed.id or '')}:{sealed.kind}:{sealed.seal}"


def unpack(opaque: str) -> Sealed | None:
    """What `pack` put in, or None for a field that holds the protocol's own seal."""
    mark, *fields = opaque.split(":", 4)
    if mark != _MARK or len(fields) != 4:
        return None
    origin, item, kind, seal = fields
    match kind:
        case "thinking" | "summary" | "redacted" | "call":
            return Sealed(origin or None, _unescape(item) or None, kind, seal)
        case _:
            return None


def with_call_seals(parts: Iterable[Part | Sealed]) -> tuple[Part, ...]:
    """The parts, with each seal on the tool call that it belongs to."""
    seals: dict[str, str] = {}
    found: list[Part] = []
    for part in parts:
        match part:
            case Sealed():
                seals[part.id or ""] = part.seal
            case ToolCall() if part.id in seals:
                found.append(replace(part, signature=seals[part.id]))
            case _:
                found.append(part)
    return tuple(found)


def _escape(item: str) -> str:
    return item.replace("%", "%25").replace(":", "%3A")


def _unescape(item: str) -> str:
    return item.replace("%3A", ":").replace("%25", "%")
