"""Neutral events to a generateContent stream, as server-sent events (`alt=sse`)."""

from typing import Any

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.gemini.candidate_writer import CandidateWriter
from havuz_gateway.protocols.gemini.decode_response import write_created
from havuz_gateway.protocols.gemini.encode_response import is_blocked, is_tier_lost
from havuz_gateway.protocols.gemini.errors import encode_error
from havuz_gateway.protocols.gemini.usage import write_usage
from havuz_gateway.protocols.gemini.wire import PROTOCOL, SPELLING, written
from havuz_gateway.protocols.json_text import dump, encode_json
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.errors import AnswerFailed, status_of
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions, merged
from havuz_gateway.protocols.usage import Usage


class GeminiStreamEncoder:
    """Writes one stream as SSE. There is no end marker: reasons and usage stand in the last chunk, and only there."""

    def __init__(self, stamp: Stamp, include_usage: bool = True) -> None:
        self._stamp = stamp
        self._head: dict[str, Any] = {}  # what every chunk says of the answer
        self._first: dict[str, Any] = {}  # what only the first says
        self._tail = "}"  # of a chunk: the head as text
        self._candidates: dict[int, CandidateWriter] = {}
        self._usage: Usage | None = None
        self._extensions: Extensions = {}
        self._dropped = Dropped(PROTOCOL)
        self._over = False

    def dropped(self) -> tuple[str, ...]:
        """The names of what could not be said so far."""
        return self._dropped.names()

    def fail(self, error: ProviderError) -> bytes:
        """The error that ends a stream which cannot go on."""
        if self._over:
            return b""
        self._over = True
        return self._frame(encode_error(status_of(error), error, None))

    def feed(self, event: ev.ChatEvent) -> bytes:
        """The chunk that tells `event`; b"" where there is nothing to say yet."""
        if self._over:
            return b""
        if isinstance(event, ev.TextDelta) and not self._first:
            writer = self._candidates.get(event.choice)
            if writer is not None and writer.takes_text(event):
                return self._text(event)
        match event:
            case ev.ResponseStart():
                return self._start(event)
            case ev.UsageReport():
                self._usage = event.usage
                self._extensions = merged(self._extensions, event.extensions)
                return b""
            case ev.ResponseEnd():
                return self._finish()
            case ev.ResponseError():
                return self.fail(event.error)
            case _:
                writer = self._candidates.setdefault(event.choice, CandidateWriter(event.choice, self._dropped))
                return b"".join(self._parts(event.choice, parts) for parts in writer.feed(event))

    def _start(self, event: ev.ResponseStart) -> bytes:
        self._head = {"modelVersion": self._stamp.model or event.model, "responseId": self._stamp.id or event.id}
        self._tail = dump(self._head)[1:]
        self._first = write_created(event.created)
        self._usage = event.usage
        spelled = event.extensions.get(SPELLING, {})
        self._first |= {name: value for name, value in spelled.items() if name != "usageMetadata"}
        self._first |= event.extensions.get(PROTOCOL, {})
        self._extensions = {SPELLING: {name: value for name, value in spelled.items() if name == "usageMetadata"}}
        if is_tier_lost(event.service_tier):
            self._dropped.note("service_tier")
        return b""

    def _parts(self, choice: int, parts: list[dict[str, Any]]) -> bytes:
        candidate = {"content": {"parts": parts, "role": "model"}, "index": choice}
        return self._chunk({"candidates": [candidate]})

    def _text(self, event: ev.TextDelta) -> bytes:
        """The most frequent chunk, without building its objects."""
        content = f'{{"parts":[{{"text":{dump(event.text)}}}],"role":"model"}}'
        return sse.encode(f'{{"candidates":[{{"content":{content},"index":{event.choice}}}],{self._tail}'.encode())

    def _chunk(self, members: dict[str, Any]) -> bytes:
        first, self._first = self._first, {}
        return self._frame({**members, **self._head, **first})

    def _finish(self) -> bytes:
        """The last chunk. A choice without a reason is no end."""
        ends = [writer.ended for writer in self._candidates.values()]
        if not ends or None in ends:
            return self.fail(ProviderError("the provider's stream ended without saying why"))
        try:
            candidates = [writer.last() for writer in self._candidates.values() if not _stands_for_none(writer)]
        except AnswerFailed as failed:
            return self.fail(failed.error)
        self._over = True
        members: dict[str, Any] = {"candidates": candidates} if candidates else {}
        if self._usage is not None:
            members["usageMetadata"] = write_usage(self._usage)
        return self._chunk(written(members, self._extensions))

    def _frame(self, chunk: dict[str, Any]) -> bytes:
        return sse.encode(encode_json(chunk))


def _stands_for_none(writer: CandidateWriter) -> bool:
    return writer.ended is not None and is_blocked(writer.ended.extensions)
