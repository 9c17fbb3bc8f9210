"""Items that the model said to content parts, in answers and where a client hands them back.

Members of a message item that its texts do not have stay with its first text: `id`, `status` and `type` as spelling,
since no other protocol misses them, and what says more (`phase`) as the item's own extensions.
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.carrier import Sealed
from havuz_gateway.protocols.neutral.content import (
    Base64Source,
    Image,
    Part,
    ProviderContent,
    Refusal,
    Text,
    ToolCall,
)
from havuz_gateway.protocols.neutral.extensions import Extensions, kept, merged
from havuz_gateway.protocols.neutral.response import TokenLogprob
from havuz_gateway.protocols.openai_responses.citations import read_annotation
from havuz_gateway.protocols.openai_responses.reasoning import read_reasoning
from havuz_gateway.protocols.openai_responses.wire import (
    ITEM,
    ITEM_SPELLING,
    PROTOCOL,
    own_id,
    present,
    read_tokens,
    write_tokens,
)

PLAIN_TEXT: dict[str, Any] = {"annotations": [], "logprobs": []}  # what a text that cites nothing has
_BOOKKEEPING = ("type", "id", "status")


def read_item(item: Members) -> list[Part | Sealed]:
    """The parts in one item of the model's. An item of a hosted tool, or of an unknown kind, is kept as it is."""
    kind = item.needed_text("type")
    match kind:
        case "message" if item.peek("role") in (None, "assistant"):
            return list(read_message(item, kind))
        case "reasoning":
            return read_reasoning(item)
        case "function_call" | "custom_tool_call":
            return [read_call(item, kind)]
        case _:
            return [ProviderContent(PROTOCOL, {"type": kind, **item.rest()})]


def read_answer_item(item: Members) -> list[Part | Sealed]:
    """The same of an answer, whose pictures are content."""
    if item.peek("type") == "image_generation_call" and isinstance(item.peek("result"), str):
        return [read_image(item)]
    return read_item(item)


def read_image(item: Members) -> Image:
    """A picture that the model made."""
    picture = item.needed_text("result")
    kind = item.peek("output_format")
    source = Base64Source(f"image/{kind}" if isinstance(kind, str) else "image/png", picture)
    own = own_id(item.peek("id") if isinstance(item.peek("id"), str) else None)
    return Image(source, extensions={} if own is None else {ITEM_SPELLING: dict(item.rest())})


def read_message(item: Members, kind: str | None) -> tuple[Part, ...]:
    """The texts of an assistant's message, in its long form or its short one."""
    item.take("role")
    content = item.take("content")
    extensions = item_extensions(item, kind)
    if isinstance(content, str):
        said = {**extensions.get(ITEM_SPELLING, {}), "content": content}
        return (Text(content, extensions={**extensions, ITEM_SPELLING: said}),)
    if not isinstance(content, list):
        raise item.wrong("content", content, "a string or an array of parts")
    if not content:
        raw = {"role": "assistant", "content": [], **extensions.get(ITEM_SPELLING, {}), **extensions.get(ITEM, {})}
        return (ProviderContent(PROTOCOL, raw),)
    item.put_back("content", content)
    parts = [read_text(part) for part in item.each("content")]
    return (in_item(parts[0], extensions), *parts[1:])


def item_extensions(item: Members, kind: str | None) -> Extensions:
    """What a message item says beside its content; nothing of one that was made here."""
    rest = item.rest()
    made = isinstance(rest.get("id"), str) and own_id(rest["id"]) is None
    said: dict[str, Mapping[str, Any]] = {}
    if not made:
        typed = {} if kind is None else {"type": kind}
        said[ITEM_SPELLING] = typed | {name: rest[name] for name in _BOOKKEEPING if name in rest}
    more = {name: value for name, value in rest.items() if name not in _BOOKKEEPING}
    return said if not more else {**said, ITEM: more}


def in_item(part: Part, extensions: Extensions) -> Part:
    """The first part of an item, which carries what the item says."""
    match part:
        case Text():
            return Text(part.text, citations=part.citations, extensions=merged(part.extensions, extensions))
        case Refusal():
            return Refusal(part.text, extensions=merged(part.extensions, extensions))
        case _:
            return part


def read_text(part: Members) -> Text | Refusal:
    """One content part of the model's. One of a type newer than this gateway is a text that says nothing elsewhere."""
    kind, raw = part.needed_text("type"), part.peek("annotations")
    match kind:
        case "output_text":
            text = part.text("text") or ""
            citations = tuple(read_annotation(cited) for cited in part.array("annotations") or ())
            default = PLAIN_TEXT
            if citations:
                default = {"logprobs": []}
            elif raw == []:
                part.put_back("annotations", [])
            return Text(text, citations=citations, extensions=kept(PROTOCOL, part.rest(), default=default))
        case "refusal":
            return Refusal(part.text("refusal") or "", extensions=kept(PROTOCOL, part.rest()))
        case _:
            return Text("", extensions={PROTOCOL: {"type": kind, **part.rest()}})


def read_call(item: Members, kind: str) -> ToolCall:
    """A call of a function or of a custom tool."""
    custom = kind == "custom_tool_call"
    arguments = item.take("input" if custom else "arguments")
    text = arguments if isinstance(arguments, str) else dump(arguments if arguments is not None else {})
    call_id, name = item.text("call_id"), item.needed_text("name")
    item_id = item.text("id")
    if call_id is None:
        call_id = item_id  # of servers that have one id for both
    if call_id is None:
        raise item.wrong("call_id", None, "a string")
    status = item.take("status")
    spelled = {"id": item_id, "status": status} if item_id is None or own_id(item_id) else {}
    return ToolCall(
        call_id, name, text, kind="custom" if custom else "function",
        extensions=kept(PROTOCOL, item.rest(), spelled=present(spelled)),
    )  # fmt: skip


def take_tokens(part: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[TokenLogprob, ...]]:
    """A raw text without its log probabilities, where these say no more than the neutral form does, and the tokens."""
    raw = part.get("logprobs")
    tokens = read_tokens(raw) if part.get("type") == "output_text" else ()
    plain = bool(tokens) and write_tokens(tokens) == raw
    return {**part, "logprobs": []} if plain else dict(part), tokens
