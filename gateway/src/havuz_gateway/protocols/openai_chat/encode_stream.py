"""Neutral events to a Chat Completions stream."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.json_text import dump, encode_json
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import (
    Audio,
    Base64Source,
    Citation,
    Image,
    Part,
    ProviderContent,
    RedactedThinking,
    Thinking,
)
from havuz_gateway.protocols.neutral.errors import AnswerFailed, status_of
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions
from havuz_gateway.protocols.openai.error_body import encode_error
from havuz_gateway.protocols.openai_chat.citations import write_annotations
from havuz_gateway.protocols.openai_chat.encode_response import write_audio, write_image
from havuz_gateway.protocols.openai_chat.finish import write_finish
from havuz_gateway.protocols.openai_chat.reasoning import needs_detail, write_detail
from havuz_gateway.protocols.openai_chat.tools import write_signature
from havuz_gateway.protocols.openai_chat.wire import PROTOCOL, SPELLING, write_logprobs, write_usage

_DONE = sse.encode(b"[DONE]")


class _Choice:
    """What the encoder remembers of one choice."""

    __slots__ = ("block_begin", "calls", "citations", "deferred", "length", "thought_text", "thoughts", "tools")

    def __init__(self) -> None:
        self.tools: dict[str, tuple[int, str]] = {}  # block -> index on the wire, kind
        self.length = 0  # characters of text so far
        self.block_begin = 0
        self.citations: list[Citation] = []
        self.thought_text: list[str] = []
        self.thoughts = 0  # entries of reasoning_details so far
        self.deferred: Thinking | None = None


class OpenAIChatStreamEncoder:
    """Writes one stream. `include_usage` gives the client the last chunk with `usage`."""

    def __init__(self, stamp: Stamp, include_usage: bool) -> None:
        self._stamp = stamp
        self._include_usage = include_usage
        self._head = ""
        self._choices: dict[int, _Choice] = {}
        self._usage: dict[str, Any] | None = None
        self._spelled_usage: Any = None
        self._dropped = Dropped(PROTOCOL)
        self._over = False

    def dropped(self) -> tuple[str, ...]:
        """The names of what could not be said so far."""
        return self._dropped.names()

    def fail(self, error: ProviderError) -> bytes:
        """The error event that ends a stream which cannot go on; nothing follows it, no `[DONE]` either."""
        if self._over:
            return b""
        self._over = True
        return sse.encode(encode_json(encode_error(status_of(error), error, None)))

    def feed(self, event: ev.ChatEvent) -> bytes:
        """The SSE events that tell `event`."""
        if self._over:
            return b""
        if type(event) is ev.TextDelta and (open_choice := self._choices.get(event.choice)) is not None:
            open_choice.length += len(event.text)
            return self._text(event.choice, event.text)
        match event:
            case ev.ResponseStart():
                self._start(event)
                return b""
            case ev.UsageReport():
                self._usage = write_usage(event.usage)
                self._spell_usage(event.extensions)
                return b""
            case ev.ResponseEnd():
                return self._end()
            case ev.ResponseError():
                return self.fail(event.error)
            case _:
                return self._in_choice(event)

    def _start(self, event: ev.ResponseStart) -> None:
        chunk: dict[str, Any] = {
            "id": self._stamp.id or event.id,
            "object": "chat.completion.chunk",
            "created": self._stamp.created if event.created is None else event.created,
            "model": self._stamp.model or event.model,
        }
        if event.service_tier is not None:
            chunk["service_tier"] = event.service_tier
        chunk |= event.extensions.get(PROTOCOL, {})
        self._spell_usage(event.extensions)
        self._head = dump(chunk)[:-1]

    def _spell_usage(self, extensions: Extensions) -> None:
        self._spelled_usage = extensions.get(SPELLING, {}).get("usage", self._spelled_usage)

    def _end(self) -> bytes:
        self._over = True
        usage = self._spelled_usage or self._usage
        if not self._include_usage or usage is None:
            return _DONE
        return sse.encode(f'{self._head},"choices":[],"usage":{dump(usage)}}}'.encode()) + _DONE

    def _in_choice(self, event: ev.ChatEvent) -> bytes:
        match event:
            case ev.ResponseStart() | ev.UsageReport() | ev.ResponseEnd() | ev.ResponseError():
                return b""  # told already
            case _:
                index = event.choice
        role = b""
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
            content = None if isinstance(event, ev.ToolInputStart) else ""
            role = self._chunk(index, {"role": "assistant", "content": content, "refusal": None})
        if isinstance(event, ev.TextDelta):
            choice.length += len(event.text)
            return role + self._text(index, event.text)
        if isinstance(event, ev.ChoiceEnd):
            return role + self._finish(event)
        if isinstance(event, ev.LogprobsDelta):
            return role + self._chunk(index, {}, logprobs=write_logprobs(event.logprobs))
        deltas = self._delta(choice, event)
        return role + b"".join(self._chunk(index, delta) for delta in deltas)

    def _text(self, index: int, text: str) -> bytes:
        """The most frequent chunk, without building its objects."""
        choice = f'{{"index":{index},"delta":{{"content":{dump(text)}}},"logprobs":null,"finish_reason":null}}'
        usage = ',"usage":null' if self._include_usage else ""
        return f'data: {self._head},"choices":[{choice}]{usage}}}\n\n'.encode()

    def _chunk(self, index: int, delta: Mapping[str, Any], **members: Any) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None, **members}
        usage = ',"usage":null' if self._include_usage else ""
        return sse.encode(f'{self._head},"choices":[{dump(choice)}]{usage}}}'.encode())

    def _finish(self, event: ev.ChoiceEnd) -> bytes:
        own, spelled = event.extensions.get(PROTOCOL, {}), event.extensions.get(SPELLING, {})
        try:
            reason = spelled.get("finish_reason") or write_finish(event.finish)
        except AnswerFailed as failed:
            return self.fail(failed.error)
        members: dict[str, Any] = {"finish_reason": reason}
        if event.finish.stop_sequence is not None:
            members["stop_reason"] = event.finish.stop_sequence
        return self._chunk(event.choice, {}, **{**members, **own, **spelled})

    def _delta(self, choice: _Choice, event: ev.ChatEvent) -> list[dict[str, Any]]:
        match event:
            case ev.TextStart():
                choice.block_begin, choice.deferred = choice.length, None
                return []
            case ev.CitationDelta():
                choice.citations.append(event.citation)
                return []
            case ev.TextEnd():
                return self._text_end(choice, event)
            case ev.ThinkingStart():
                choice.thought_text = []
                return self._deferred(choice)
            case ev.ThinkingDelta():
                choice.thought_text.append(event.text)
                return [{"reasoning_content": event.text}]
            case ev.ThinkingEnd():
                return self._thinking_end(choice, event)
            case ev.RefusalDelta():
                choice.deferred = None
                return [{"refusal": event.text}]
            case ev.PartWhole():
                return self._whole(choice, event.part)
            case ev.AudioStart() | ev.AudioDelta() | ev.AudioEnd():
                return _audio(event)
            case _:
                return _tool(choice, event, self._dropped)

    def _text_end(self, choice: _Choice, event: ev.TextEnd) -> list[dict[str, Any]]:
        cited, choice.citations = choice.citations, []
        annotations = write_annotations(cited, choice.block_begin, choice.length)
        if len(annotations) < len(cited):
            self._dropped.note("citations")
        deltas: list[dict[str, Any]] = [{"annotations": annotations}] if annotations else []
        return deltas if event.signature is None else [*deltas, write_signature(event.signature)]

    def _thinking_end(self, choice: _Choice, event: ev.ThinkingEnd) -> list[dict[str, Any]]:
        thought = Thinking(
            "".join(choice.thought_text), signature=event.signature, origin=event.origin, id=event.item,
            summary=event.summary,
        )  # fmt: skip
        if needs_detail(thought):
            return [_details(choice, thought)]
        choice.deferred = thought  # told only if more thinking follows at once, or a reader would take both for one
        return []

    def _deferred(self, choice: _Choice) -> list[dict[str, Any]]:
        thought, choice.deferred = choice.deferred, None
        return [] if thought is None else [_details(choice, thought)]

    def _whole(self, choice: _Choice, part: Part) -> list[dict[str, Any]]:
        match part:
            case RedactedThinking():
                return [*self._deferred(choice), _details(choice, part)]
            case Image():
                image = write_image(part, self._dropped)
                return [{"images": [image]}] if image else []
            case Audio(source=Base64Source() as source):
                return [{"audio": write_audio(part, source)}]
            case ProviderContent():
                self._dropped.note(part.kind)
                return []
            case _:
                self._dropped.note(type(part).__name__.lower())
                return []


def _details(choice: _Choice, thought: Thinking | RedactedThinking) -> dict[str, Any]:
    choice.thoughts += 1
    return {"reasoning_details": [write_detail(thought, choice.thoughts - 1)]}


def _tool(choice: _Choice, event: ev.ChatEvent, dropped: Dropped) -> list[dict[str, Any]]:
    match event:
        case ev.ToolInputStart():
            dropped.foreign(event.extensions, "tool_calls")
            index, choice.deferred = len(choice.tools), None
            choice.tools[event.id] = (index, event.kind)
            text_name = "input" if event.kind == "custom" else "arguments"
            call = {
                "index": index, "id": event.call_id, "type": event.kind,
                event.kind: {"name": event.name, text_name: ""},
                **write_signature(event.signature), **event.extensions.get(PROTOCOL, {}),
            }  # fmt: skip
            return [{"tool_calls": [call]}]
        case ev.ToolInputDelta():
            index, kind = choice.tools[event.id]
            text_name = "input" if kind == "custom" else "arguments"
            return [{"tool_calls": [{"index": index, kind: {text_name: event.text}}]}]
        case _:
            return []


def _audio(event: ev.AudioStart | ev.AudioDelta | ev.AudioEnd) -> list[dict[str, Any]]:
    match event:
        case ev.AudioStart():
            return [{"audio": {"id": event.item}}] if event.item is not None else []
        case ev.AudioDelta():
            pieces = {"data": event.data, "transcript": event.transcript}
            return [{"audio": {name: text for name, text in pieces.items() if text}}]
        case ev.AudioEnd():
            return [{"audio": {"expires_at": event.expires_at}}] if event.expires_at is not None else []
