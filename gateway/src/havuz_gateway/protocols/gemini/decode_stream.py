"""A generateContent stream to neutral events: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent."""

from typing import Any

from havuz_gateway.protocols.gemini.candidate_stream import CandidateStream
from havuz_gateway.protocols.gemini.decode_response import BLOCKED, block_reason, read_created
from havuz_gateway.protocols.gemini.errors import read_stream_error
from havuz_gateway.protocols.gemini.finish import blocked
from havuz_gateway.protocols.gemini.usage import read_usage, spelled_usage
from havuz_gateway.protocols.gemini.wire import PROTOCOL, answer_members
from havuz_gateway.protocols.json_text import load_object
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.extensions import kept
from havuz_gateway.protocols.usage import Usage


class GeminiStreamDecoder:
    """Reads the chunks of one stream, each of them an answer with more parts.

    What commits is the first text, thought, call or other part; a chunk whose text is empty does not. There is no end
    marker: the end is clean if Google closes the stream after each candidate had its `finishReason`, or
    `promptFeedback` a `blockReason`. Only then do `end` and nothing before it tell why the answer ended, since older
    models repeat `finishReason` in every chunk.
    """

    __slots__ = ("_blocked", "_candidates", "_created", "_failed", "_id", "_raw_usage", "_rest", "_started", "_usage")

    def __init__(self) -> None:
        self._candidates: dict[int, CandidateStream] = {}
        self._blocked: str | None = None
        self._id = ""
        self._created: int | None = None
        self._raw_usage: Any = None
        self._usage: Usage | None = None
        self._rest: dict[str, Any] = {}
        self._started = self._failed = False

    def feed(self, data: bytes) -> list[ev.ChatEvent]:
        """The neutral events in one chunk."""
        if self._failed:
            return []
        chunk = load_object(data)
        if chunk is None:
            raise AnswerUnreadable("the provider's stream has an event that is no JSON object")
        error = read_stream_error(chunk)
        if error is not None:
            self._failed = True
            return [ev.ResponseError(error)]
        text = self._only_text(chunk)
        if text is not None:
            return [*text, *self._report(chunk.get("usageMetadata"))]
        return self._chunk(answer_members(chunk, ""))

    def end(self) -> list[ev.ChatEvent]:
        """The provider closed the stream. Raises `StreamTruncated` unless each candidate had its end."""
        if self._failed:
            return []
        if not self._started:
            raise StreamTruncated("the provider's stream stopped before its first chunk")
        if self._blocked is None and not self._candidates:
            raise StreamTruncated("the provider's stream stopped without a candidate")
        if self._blocked is None and not all(candidate.finished for candidate in self._candidates.values()):
            raise StreamTruncated("the provider's stream stopped before 'finishReason'")
        found = [event for candidate in self._candidates.values() for event in candidate.end(self._blocked)]
        if not self._candidates and self._blocked is not None:
            found.append(ev.ChoiceEnd(0, blocked(self._blocked), extensions=BLOCKED))
        if self._usage is not None:
            spelled = spelled_usage(self._raw_usage, self._usage)
            found.append(ev.UsageReport(self._usage, extensions=kept(PROTOCOL, self._rest, spelled=spelled)))
        return [*found, ev.ResponseEnd()]

    def _only_text(self, chunk: dict[str, Any]) -> list[ev.ChatEvent] | None:
        """The quick way of the most frequent chunk: one more text for one open block."""
        match chunk:
            case {"candidates": [{"content": {"parts": [{"text": str() as text, **other}]}, **rest}]} if not other:
                index = rest.get("index", 0)
                candidate = self._candidates.get(index) if type(index) is int else None
                if candidate is not None and rest.keys() <= {"index"} and "promptFeedback" not in chunk:
                    return candidate.more_text(text)
        return None

    def _chunk(self, fields: Members) -> list[ev.ChatEvent]:
        response_id, model = fields.text("responseId") or "", fields.text("modelVersion") or ""
        raw_usage = fields.take("usageMetadata")
        created, spelled = read_created(fields)
        candidates = fields.some("candidates")
        self._blocked = block_reason(fields.peek("promptFeedback")) or self._blocked
        found: list[ev.ChatEvent] = []
        if not self._started:
            self._started, self._id = True, response_id
            self._raw_usage, self._usage = raw_usage, read_usage(raw_usage)
            found.append(
                ev.ResponseStart(
                    response_id,
                    model,
                    created=created,
                    usage=self._usage,
                    extensions=kept(PROTOCOL, fields.rest(), spelled=spelled),
                )
            )
        else:
            self._rest |= fields.rest()
        for place, candidate in enumerate(candidates):
            index = candidate.whole("index")
            index = place if index is None else index
            stream = self._candidates.setdefault(index, CandidateStream(index, self._id))
            found += stream.feed(candidate)
        return found + self._report(raw_usage)

    def _report(self, raw: Any) -> list[ev.ChatEvent]:
        """Usage, where a chunk says something new of it."""
        if raw is None or raw == self._raw_usage:
            return []
        self._raw_usage, self._usage = raw, read_usage(raw)
        return [] if self._usage is None else [ev.UsageReport(self._usage)]
