"""One candidate of an encoded stream: the events of its blocks as parts, which follow one another on the wire."""

from collections.abc import Iterator
from typing import Any

from havuz_gateway.protocols.gemini.encode_parts import Wire
from havuz_gateway.protocols.gemini.encode_response import say, write_ending, write_sources
from havuz_gateway.protocols.gemini.seals import boundary, write_thinking
from havuz_gateway.protocols.gemini.wire import PROTOCOL, written
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Audio, Base64Source, Citation, Thinking, ToolCall
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions, merged
from havuz_gateway.protocols.neutral.response import Logprobs, TokenLogprob

_Blocks = (
    ev.TextStart | ev.TextDelta | ev.CitationDelta | ev.TextEnd | ev.ThinkingStart | ev.ThinkingDelta
    | ev.ThinkingEnd | ev.RefusalStart | ev.RefusalDelta | ev.RefusalEnd
)  # fmt: skip


class CandidateWriter:
    """Writes the blocks of one candidate: those that stream hold back others, those that come whole wait for no one."""

    def __init__(self, index: int, dropped: Dropped) -> None:
        self.ended: ev.ChoiceEnd | None = None
        self._index = index
        self._dropped = dropped
        self._open: str | None = None
        self._waiting: list[ev.ChatEvent] = []  # of blocks that began while another was open
        self._own: Extensions = {}  # of the open block, told with its first part
        self._text: list[str] = []  # of the open text
        self._citations: list[Citation] = []  # of the open text
        self._cited: list[tuple[int, str, list[Citation]]] = []
        self._blocks = 0
        self._after_thought = False  # whether the last part is of an unsealed thought
        self._refused = False
        self._gathered: dict[str, tuple[ev.ToolInputStart | ev.AudioStart, list[str]]] = {}
        self._tokens: list[TokenLogprob] = []

    def feed(self, event: ev.ChatEvent) -> Iterator[list[Wire]]:
        """The parts that tell `event`, one list for each chunk."""
        block = getattr(event, "id", None)
        if isinstance(event, ev.ChoiceEnd):
            self.ended = event
        elif isinstance(event, ev.LogprobsDelta):
            self._tokens += event.logprobs.content or event.logprobs.refusal or ()
        elif self._open is not None and block != self._open:
            self._waiting.append(event)
        else:
            parts = self._told(event)
            if parts:
                yield parts
            if self._open is None and self._waiting:
                waiting, self._waiting = self._waiting, []
                for late in waiting:
                    yield from self.feed(late)

    def takes_text(self, delta: ev.TextDelta) -> bool:
        """Whether a delta is no more than text for the block that is open; it counts as told then."""
        if delta.id != self._open or self._own:
            return False
        self._text.append(delta.text)
        return True

    def last(self) -> dict[str, Any]:
        """The candidate of the last chunk. Raises `AnswerFailed` for an end that Google has no word for."""
        finish = None if self.ended is None else self.ended.finish
        extensions: Extensions = {} if self.ended is None else self.ended.extensions
        logprobs = Logprobs(tuple(self._tokens)) if self._tokens else None
        members = {
            "content": {"parts": [{"text": ""}], "role": "model"},  # as Google ends; clients read the first part
            **write_ending(finish, logprobs, refused=self._refused),
            "index": self._index,
            **write_sources(self._cited, extensions, self._dropped),
        }
        return written(members, {PROTOCOL: extensions.get(PROTOCOL, {})})

    def _told(self, event: ev.ChatEvent) -> list[Wire]:
        match event:
            case ev.ToolInputStart() | ev.AudioStart():
                self._gathered[event.id] = (event, [])
            case ev.ToolInputDelta():
                self._gathered[event.id][1].append(event.text)
            case ev.AudioDelta():
                self._gathered[event.id][1].append(event.data)
                if event.transcript:
                    return [{"text": event.transcript}]
            case ev.ToolInputEnd():
                return self._whole(event.id, event.extensions)
            case ev.AudioEnd():
                return self._whole(event.id, {})
            case ev.PartWhole():
                self._blocks += 1
                self._after_thought = False
                return say(event.part, self._dropped)
            case _:
                return self._piece(event)
        return []

    def _piece(self, event: ev.ChatEvent) -> list[Wire]:
        match event:
            case ev.TextStart() | ev.RefusalStart():
                self._open, self._after_thought = event.id, False
                self._own = event.extensions if isinstance(event, ev.TextStart) else {}
                self._refused = self._refused or isinstance(event, ev.RefusalStart)
            case ev.ThinkingStart():
                self._open, self._own = event.id, event.extensions
                return [boundary()] if self._after_thought else []
            case ev.TextDelta() | ev.RefusalDelta():
                self._text.append(event.text)
                return [self._first({"text": event.text})]
            case ev.ThinkingDelta():
                return [self._first({"text": event.text, "thought": True})]
            case ev.CitationDelta():
                self._citations.append(event.citation)
            case ev.TextEnd() | ev.RefusalEnd():
                return self._end_text(event.signature if isinstance(event, ev.TextEnd) else None)
            case ev.ThinkingEnd():
                return self._end_thought(event)
            case _:
                self._dropped.note(type(event).__name__)
        return []

    def _first(self, part: Wire) -> Wire:
        own, self._own = self._own, {}
        return written(part, own) if own else part

    def _end_text(self, signature: str | None) -> list[Wire]:
        if self._citations:
            self._cited.append((self._blocks, "".join(self._text), self._citations))
        self._open, self._text, self._citations = None, [], []
        self._blocks += 1
        return [] if signature is None else [self._first({"text": "", "thoughtSignature": signature})]

    def _end_thought(self, event: ev.ThinkingEnd) -> list[Wire]:
        seal = Thinking("", signature=event.signature, origin=event.origin, id=event.item, summary=event.summary)
        part = write_thinking(seal)
        self._open = None
        self._blocks += 1
        self._after_thought = "thoughtSignature" not in part
        return [] if self._after_thought else [self._first(part)]

    def _whole(self, block: str, extensions: Extensions) -> list[Wire]:
        """A block that was gathered, with what its end adds."""
        start, pieces = self._gathered.pop(block)
        self._blocks += 1
        self._after_thought = False
        if isinstance(start, ev.AudioStart):
            return say(Audio(Base64Source(start.media_type or "audio/*", "".join(pieces))), self._dropped)
        call = ToolCall(
            start.call_id, start.name, "".join(pieces), kind=start.kind, signature=start.signature,
            extensions=merged(start.extensions, extensions),
        )  # fmt: skip
        return say(call, self._dropped)
