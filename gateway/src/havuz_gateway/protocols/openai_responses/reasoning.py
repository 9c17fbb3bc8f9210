"""Reasoning items, and the seals of other providers that travel in their `encrypted_content` (`neutral.carrier`).

An item's `content` is the reasoning itself, its `summary` what is shown of it, `encrypted_content` what a stateless
client hands back. https://platform.openai.com/docs/guides/reasoning
"""

from collections.abc import Mapping
from typing import Any, Literal

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.carrier import GEMINI, Sealed, pack, unpack
from havuz_gateway.protocols.neutral.content import Part, RedactedThinking, Thinking
from havuz_gateway.protocols.neutral.extensions import Extensions
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, SPELLING, own_id, present

GAP = "\n\n"  # between the parts of a summary
_BOOKKEEPING = ("id", "status")
Form = Literal["summary", "content"]


def read_reasoning(item: Members) -> list[Part | Sealed]:
    """The thinking in an item, its whole text before its summary; or the seal of the tool call that follows."""
    raw = {"type": "reasoning", **item.rest()}
    item_id, seal = own_id(item.text("id")), item.text("encrypted_content")
    content, summary = _joined(item, "content"), _joined(item, "summary")
    rest = {name: value for name, value in item.rest().items() if name not in _BOOKKEEPING and value not in (None, [])}
    sealed = None if seal is None else unpack(seal)
    if sealed is not None and sealed.kind == "call":
        return [sealed]
    if sealed is not None:
        return [_foreign(sealed, content or summary)]
    parts: list[Part | Sealed] = []
    if content:
        last = not summary
        parts.append(_thinking(content, item_id, seal if last else None, form="content"))
    if summary or not (content or seal):
        parts.append(_thinking(summary, item_id, seal, form="summary"))
    if not parts and seal is not None:
        parts.append(RedactedThinking(seal, origin=PROTOCOL, id=item_id))
    return _as_it_came(parts, raw, rest)


def _thinking(text: str, item_id: str | None, seal: str | None, *, form: Form) -> Thinking:
    sealed = seal is not None or item_id is not None
    return Thinking(
        text, signature=seal, origin=PROTOCOL if sealed else None, id=item_id, summary=form == "summary"
    )  # fmt: skip


def _foreign(sealed: Sealed, text: str) -> Part:
    if sealed.kind == "redacted":
        return RedactedThinking(sealed.seal, origin=sealed.origin, id=sealed.id)
    return Thinking(
        text, signature=sealed.seal or None, origin=sealed.origin, id=sealed.id, summary=sealed.kind == "summary"
    )


def _joined(item: Members, name: str) -> str:
    texts = [part.text("text") or "" for part in item.each(name)] if item.peek(name) else []
    return GAP.join(text for text in texts if text)


def _as_it_came(parts: list[Part | Sealed], raw: dict[str, Any], rest: dict[str, Any]) -> list[Part | Sealed]:
    """The parts, with the item beside them where it is not what would be written for them."""
    if raw.get("id") is not None and own_id(raw["id"]) is None:
        raw = {name: value for name, value in raw.items() if name != "id"}
    first = parts[0]
    if len(parts) == 1 and isinstance(first, Thinking | RedactedThinking) and not rest:
        canonical = write_reasoning(first, first.id)
        if canonical == raw:
            return parts
    extensions: dict[str, Mapping[str, Any]] = {SPELLING: {"item": raw}}
    if rest:
        extensions[PROTOCOL] = rest
    return [_extended(first, extensions), *(_extended(part, {SPELLING: {"told": True}}) for part in parts[1:])]


def _extended(part: Part | Sealed, extensions: Extensions) -> Part | Sealed:
    match part:
        case Thinking():
            return Thinking(
                part.text, signature=part.signature, origin=part.origin, id=part.id, summary=part.summary,
                extensions=extensions,
            )  # fmt: skip
        case RedactedThinking():
            return RedactedThinking(part.data, origin=part.origin, id=part.id, extensions=extensions)
        case _:
            return part


def write_reasoning(
    part: Thinking | RedactedThinking, item_id: str | None, form: Form | None = None
) -> dict[str, Any]:  # fmt: skip
    """The item under the id `item_id`; `form` is where its text was told already."""
    summary: list[dict[str, Any]] = []
    members: dict[str, Any] = {"type": "reasoning", **present({"id": item_id}), "summary": summary}
    if isinstance(part, RedactedThinking):
        own = part.origin == PROTOCOL and part.id == own_id(item_id)
        sealed = part.data if own else pack(Sealed(part.origin, part.id, "redacted", part.data))
        return {**members, "encrypted_content": sealed}
    form = form or form_of(part)
    if form == "summary" and part.text:
        summary.append({"type": "summary_text", "text": part.text})
    elif part.text:
        members["content"] = [{"type": "reasoning_text", "text": part.text}]
    return {**members, **present({"encrypted_content": _seal(part, item_id, form)})}


def form_of(part: Thinking) -> Form:
    """Where the text of thinking stands."""
    return "summary" if part.summary else "content"


def _seal(part: Thinking, item_id: str | None, form: Form) -> str | None:
    """What a client hands back; the item itself says all where it is OpenAI's own, or where there is nothing to say."""
    if form == form_of(part):
        if part.origin == PROTOCOL and part.id == own_id(item_id) and (part.id or part.signature):
            return part.signature
        if part.origin is None and part.id is None and part.signature is None:
            return None
    kind: Literal["summary", "thinking"] = "summary" if part.summary else "thinking"
    return pack(Sealed(part.origin, part.id, kind, part.signature or ""))


def write_call_seal(item_id: str, call_id: str, signature: str) -> dict[str, Any]:
    """The item that carries the seal of the tool call after it."""
    seal = pack(Sealed(GEMINI, call_id, "call", signature))
    return {"type": "reasoning", "id": item_id, "summary": [], "encrypted_content": seal}
