"""A Responses stream to neutral events, in OpenAI's own words or in those of Open Responses.

https://platform.openai.com/docs/api-reference/responses-streaming, https://www.openresponses.org/specification

What comes before the first content, and so commits nothing: `response.created`, `.queued`, `.in_progress`,
`response.output_item.added`, `.content_part.added`, `.reasoning_summary_part.added` and the `.in_progress`,
`.searching` or `.generating` of hosted tools. The first content is the first event whose type ends in `.delta`, a
`response.output_item.done`, or an item that was added with text in it. The clean end is `response.completed` or
`response.incomplete` and nothing else: `[DONE]`, which Open Responses sends after it, says nothing.
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.json_text import load_object
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.extensions import Extensions
from havuz_gateway.protocols.openai_responses.decode_response import read_object
from havuz_gateway.protocols.openai_responses.errors import read_event_error, read_failure
from havuz_gateway.protocols.openai_responses.item_stream import (
    CallItem,
    Found,
    ItemStream,
    ReasoningItem,
    Shared,
    WholeItem,
)
from havuz_gateway.protocols.openai_responses.message_stream import MessageItem
from havuz_gateway.protocols.openai_responses.reasoning import Form
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, answer_members

_DONE = b"[DONE]"
_BEGINNINGS = ("response.created", "response.queued", "response.in_progress")
_ENDINGS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_NOT_YET = ("usage", "error", "incomplete_details", "completed_at")  # null in the beginning
_THOUGHTS: dict[str, Form] = {
    "response.reasoning_text.delta": "content",
    "response.reasoning.delta": "content",  # Open Responses
    "response.reasoning_summary_text.delta": "summary",
    "response.reasoning_summary.delta": "summary",
}
_ARGUMENTS = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")


class ResponsesStreamDecoder:
    """Reads the events of one stream. Events of unknown types say nothing: the whole item follows them."""

    def __init__(self) -> None:
        self._items: dict[Any, ItemStream] = {}
        self._ids: dict[str, Any] = {}  # of items, where an event does not tell the index
        self._done: set[Any] = set()
        self._shared = Shared()
        self._audio = False
        self._started = False
        self._ended = False

    def feed(self, data: bytes) -> Found:
        """The neutral events in one event's data. Raises `AnswerUnreadable`."""
        if self._ended or data.strip() == _DONE:
            return []
        event = load_object(data)
        if event is None:
            raise AnswerUnreadable("the provider's stream has an event that is no JSON object")
        kind = event.get("type")
        if kind == "response.output_text.delta":
            text = self._only_text(event)
            if text is not None:
                return [text]
        if kind == "error" or (kind is None and event.get("error")):
            self._ended = True
            return [ev.ResponseError(read_event_error(event))]
        if kind in _BEGINNINGS:
            return self._begin(event)
        if kind in _ENDINGS:
            return self._end(event)
        if not isinstance(kind, str) or not kind.startswith("response."):
            return []
        if not self._started:
            raise AnswerUnreadable(f"the provider's stream has a {kind[:60]!r} before its 'response.created'")
        return self._inside(kind, event)

    def end(self) -> Found:
        """The provider closed the stream. Raises `StreamTruncated` without an end or an error before."""
        if not self._ended:
            raise StreamTruncated("the provider's stream stopped before 'response.completed'")
        return []

    def _only_text(self, event: dict[str, Any]) -> ev.TextDelta | None:
        """The quick way of the most frequent event."""
        match event:
            case {"output_index": int() as place, "content_index": int() as index, "delta": str() as text} if text:
                item = self._items.get(place)
                if isinstance(item, MessageItem) and not event.get("logprobs"):
                    return item.more_text(index, text)
        return None

    def _begin(self, event: dict[str, Any]) -> Found:
        if self._started:
            return []
        response = _response(event)
        self._started = True
        head, _ = read_object(answer_members(response, "response"), calls=False)
        return [
            ev.ResponseStart(
                head.id, head.model, created=head.created, service_tier=head.service_tier,
                extensions=_so_far(head.extensions),
            )
        ]  # fmt: skip

    def _inside(self, kind: str, event: dict[str, Any]) -> Found:
        if kind == "response.output_item.added":
            return self._added(event)
        if kind == "response.output_item.done":
            return self._item_done(self._index(event), _item(event))
        if kind.startswith("response.audio."):
            return self._sound(kind, event)
        if kind.endswith(".delta") and self._index(event) in self._done:
            raise AnswerUnreadable("the provider's stream adds to an output item that has ended")
        match self._items.get(self._index(event)):
            case MessageItem() as message:
                return _in_message(kind, event, message)
            case ReasoningItem() as reasoning if kind in _THOUGHTS:
                index = _whole(event, "summary_index" if _THOUGHTS[kind] == "summary" else "content_index")
                return reasoning.delta(_THOUGHTS[kind], index, _text(event, "delta"))
            case CallItem() as call if kind in _ARGUMENTS:
                return call.delta(_text(event, "delta"))
            case None if kind.endswith(".delta") and "item_id" in event:
                raise AnswerUnreadable("the provider's stream adds to an output item that is not open")
            case _:
                return []

    def _index(self, event: dict[str, Any]) -> Any:
        """What the item is known by."""
        index, item_id = event.get("output_index"), event.get("item_id")
        known = self._ids.get(item_id) if isinstance(item_id, str) else None
        return index if type(index) is int else known

    def _added(self, event: dict[str, Any]) -> Found:
        if event.get("item") is None:
            return []
        index, item = event.get("output_index"), _item(event)
        if type(index) is not int:
            index = len(self._items)
        if index in self._items:
            raise AnswerUnreadable(f"the provider's stream adds the output item {index} twice")
        stream = self._items[index] = self._stream(f"item-{index}", item)
        if isinstance(item.get("id"), str):
            self._ids[item["id"]] = index
        return stream.begin()

    def _stream(self, name: str, item: Mapping[str, Any]) -> ItemStream:
        match item.get("type"):
            case "message" if item.get("role") in (None, "assistant"):
                return MessageItem(name, item, self._shared)
            case "reasoning":
                return ReasoningItem(name, item, self._shared)
            case "function_call" | "custom_tool_call":
                return CallItem(name, item, self._shared)
            case _:
                return WholeItem(name)

    def _item_done(self, index: Any, item: Mapping[str, Any]) -> Found:
        if index in self._done:
            return []
        stream, found = self._items.get(index), list[ev.ChatEvent]()
        if stream is None:
            index = len(self._items) if index is None else index
            stream = self._items[index] = self._stream(f"item-{index}", item)
            found += stream.begin()
        self._done.add(index)
        return found + stream.done(item)

    def _sound(self, kind: str, event: dict[str, Any]) -> Found:
        """Spoken answer: documented, though no item holds it."""
        found: Found = [] if self._audio else [ev.AudioStart(0, "audio")]
        match kind:
            case "response.audio.delta":
                found.append(ev.AudioDelta(0, "audio", data=_text(event, "delta")))
            case "response.audio.transcript.delta":
                found.append(ev.AudioDelta(0, "audio", transcript=_text(event, "delta")))
            case _:
                return []
        self._audio = True
        return found

    def _end(self, event: dict[str, Any]) -> Found:
        response = _response(event)
        error = read_failure(response)
        if error is not None or event["type"] == "response.failed":
            self._ended = True
            return [ev.ResponseError(error or read_event_error(event))]
        found = [] if self._started else self._begin(event)
        found += self._missing(response)
        if self._audio:
            found.append(ev.AudioEnd(0, "audio"))
        head, finish = read_object(answer_members(response, "response"), calls=self._shared.calls)
        if finish is None:
            raise AnswerUnreadable("the provider's stream ends with a response that has not ended")
        self._ended = True
        found.append(ev.ChoiceEnd(0, finish))
        if head.usage is not None:
            found.append(ev.UsageReport(head.usage, service_tier=head.service_tier, extensions=head.extensions))
        return [*found, ev.ResponseEnd()]

    def _missing(self, response: Mapping[str, Any]) -> Found:
        """What the whole response holds and no event told; items that even it does not end are cut."""
        found: Found = []
        output = response.get("output")
        for index, item in enumerate(output if isinstance(output, list) else ()):
            if isinstance(item, Mapping):
                item_id = item.get("id")
                known = self._ids.get(item_id, index) if isinstance(item_id, str) else index
                found += self._item_done(known, item)
        for index, stream in self._items.items():
            if index not in self._done:
                found += stream.cut()
        return found


def _in_message(kind: str, event: dict[str, Any], message: MessageItem) -> Found:
    index = _whole(event, "content_index")
    match kind:
        case "response.content_part.added":
            return message.part_added(index, _mapping(event, "part"))
        case "response.content_part.done":
            return message.part_done(index, _mapping(event, "part"))
        case "response.output_text.delta":
            return message.delta(index, _text(event, "delta"), tokens=event.get("logprobs"))
        case "response.refusal.delta":
            return message.delta(index, _text(event, "delta"), refusal=True)
        case "response.output_text.annotation.added":
            return message.cite(index, event.get("annotation"))
        case _:
            return []


def _so_far(extensions: Extensions) -> Extensions:
    """What the beginning says for good."""
    own = {name: value for name, value in extensions.get(PROTOCOL, {}).items() if name not in _NOT_YET}
    return {PROTOCOL: own} if own else {}


def _response(event: dict[str, Any]) -> dict[str, Any]:
    return _mapping(event, "response")


def _item(event: dict[str, Any]) -> dict[str, Any]:
    return _mapping(event, "item")


def _mapping(event: dict[str, Any], name: str) -> dict[str, Any]:
    found = answer_members(event, "").mapping(name)
    if found is None:
        raise answer_members(event, "").wrong(name, None, "an object")
    return found


def _text(event: dict[str, Any], name: str) -> str:
    return answer_members(event, "").text(name) or ""


def _whole(event: dict[str, Any], name: str) -> int:
    return max(answer_members(event, "").whole(name) or 0, 0)
