"""Events to a whole answer: what a client that does not stream is given."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import (
    Audio,
    Base64Source,
    Citation,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from havuz_gateway.protocols.neutral.errors import AnswerFailed, AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.extensions import Extensions, merged
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice, Logprobs

_Start = ev.TextStart | ev.ThinkingStart | ev.ToolInputStart | ev.RefusalStart | ev.AudioStart
_Delta = ev.TextDelta | ev.CitationDelta | ev.ThinkingDelta | ev.ToolInputDelta | ev.RefusalDelta | ev.AudioDelta
_End = ev.TextEnd | ev.ThinkingEnd | ev.ToolInputEnd | ev.RefusalEnd | ev.AudioEnd


@dataclass(slots=True)
class _Block:
    start: _Start
    text: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    end: _End | None = None


@dataclass(slots=True)
class _Choice:
    blocks: dict[str, _Block | Part] = field(default_factory=dict)
    content: list[ev.LogprobsDelta] = field(default_factory=list)
    finish: Finish | None = None
    extensions: Extensions = field(default_factory=dict)


class Fold:
    """Takes events one by one; `response` is the answer once `ResponseEnd` came."""

    __slots__ = ("_choices", "_ended", "_extensions", "_response")

    def __init__(self) -> None:
        self._response: ChatResponse | None = None
        self._choices: dict[int, _Choice] = {}
        self._extensions: Extensions = {}
        self._ended = False

    def feed(self, event: ev.ChatEvent) -> None:
        """Add one event. Raises `AnswerFailed` for an error event, `AnswerUnreadable` for one out of order."""
        match event:
            case ev.ResponseStart():
                self._response = _started(event)
                self._extensions = merged(self._extensions, event.extensions)
            case ev.UsageReport():
                self._report(event)
            case ev.ResponseEnd():
                self._ended = True
            case ev.ResponseError():
                raise AnswerFailed(event.error)
            case _:
                self._in_choice(self._choices.setdefault(event.choice, _Choice()), event)

    def _report(self, event: ev.UsageReport) -> None:
        if self._response is None:
            raise AnswerUnreadable("the provider's stream reports usage before it starts")
        tier = event.service_tier or self._response.service_tier
        self._response = replace(self._response, usage=event.usage, service_tier=tier)
        self._extensions = merged(self._extensions, event.extensions)

    def _in_choice(self, choice: _Choice, event: ev.ChatEvent) -> None:
        match event:
            case ev.LogprobsDelta():
                choice.content.append(event)
            case ev.ChoiceEnd():
                choice.finish = event.finish
                choice.extensions = event.extensions
            case ev.PartWhole():
                choice.blocks[event.id] = event.part
            case (
                ev.TextStart() | ev.ThinkingStart() | ev.ToolInputStart() | ev.RefusalStart() | ev.AudioStart()
            ):  # fmt: skip
                choice.blocks[event.id] = _Block(event)
            case (
                ev.TextEnd() | ev.ThinkingEnd() | ev.ToolInputEnd() | ev.RefusalEnd() | ev.AudioEnd()
            ):  # fmt: skip
                _open_block(choice, event.id).end = event
            case (
                ev.TextDelta() | ev.CitationDelta() | ev.ThinkingDelta() | ev.ToolInputDelta()
                | ev.RefusalDelta() | ev.AudioDelta()
            ):  # fmt: skip
                _add(_open_block(choice, event.id), event)
            case _:
                raise AnswerUnreadable(f"the event {type(event).__name__} belongs to no choice")

    def response(self) -> ChatResponse:
        """The whole answer. Raises `StreamTruncated` if the stream has not ended by itself."""
        if self._response is None or not self._ended:
            raise StreamTruncated("the provider's stream stopped before its end")
        choices = tuple(_choice(index, self._choices[index]) for index in sorted(self._choices))
        return replace(self._response, choices=choices, extensions=self._extensions)


def fold(events: Iterable[ev.ChatEvent]) -> ChatResponse:
    """The answer that a whole stream tells. Raises like `Fold`."""
    folding = Fold()
    for event in events:
        folding.feed(event)
    return folding.response()


def _started(event: ev.ResponseStart) -> ChatResponse:
    return ChatResponse(
        id=event.id, model=event.model, choices=(), usage=event.usage, created=event.created,
        service_tier=event.service_tier,
    )  # fmt: skip


def _open_block(choice: _Choice, block_id: str) -> _Block:
    block = choice.blocks.get(block_id)
    if not isinstance(block, _Block) or block.end is not None:
        raise AnswerUnreadable(f"the stream adds to the block {block_id!r}, which is not open")
    return block


def _add(block: _Block, delta: _Delta) -> None:
    match delta:
        case ev.CitationDelta():
            block.citations.append(delta.citation)
        case ev.AudioDelta():
            block.data.append(delta.data)
            block.text.append(delta.transcript)
        case _:
            block.text.append(delta.text)


def _choice(index: int, choice: _Choice) -> Choice:
    return Choice(
        content=tuple(_part(block) for block in choice.blocks.values()),
        finish=choice.finish,
        index=index,
        logprobs=_logprobs(choice.content),
        extensions=choice.extensions,
    )


def _part(block: _Block | Part) -> Part:
    if not isinstance(block, _Block):
        return block
    text, said = "".join(block.text), _extensions(block)
    match block.start, block.end:
        case ev.TextStart() as start, ev.TextEnd() as end:
            cited = tuple(block.citations)
            return Text(text, citations=cited, signature=end.signature, extensions=said)
        case ev.ThinkingStart() as start, ev.ThinkingEnd() as end:
            return Thinking(
                text, signature=end.signature, origin=end.origin, id=end.item, summary=end.summary,
                extensions=said,
            )  # fmt: skip
        case ev.ToolInputStart() as start, ev.ToolInputEnd():
            return ToolCall(
                start.call_id, start.name, text, kind=start.kind, signature=start.signature,
                extensions=said,
            )  # fmt: skip
        case ev.RefusalStart(), ev.RefusalEnd():
            return Refusal(text, extensions=said)
        case ev.AudioStart() as start, ev.AudioEnd() as end:
            source = Base64Source(start.media_type or "audio/*", "".join(block.data))
            return Audio(source, id=start.item, transcript=text or None, expires_at=end.expires_at)
        case _:
            raise StreamTruncated("the provider's stream ended inside a block")


def _extensions(block: _Block) -> Extensions:
    """What the start said, and what the end adds."""
    match block.start, block.end:
        case ev.AudioStart(), _:
            return {}
        case start, None | ev.AudioEnd():
            return start.extensions
        case start, end:
            return merged(start.extensions, end.extensions)


def _logprobs(deltas: list[ev.LogprobsDelta]) -> Logprobs | None:
    if not deltas:
        return None
    contents = [delta.logprobs.content for delta in deltas if delta.logprobs.content is not None]
    refusals = [delta.logprobs.refusal for delta in deltas if delta.logprobs.refusal is not None]
    return Logprobs(
        content=tuple(token for run in contents for token in run) if contents else None,
        refusal=tuple(token for run in refusals for token in run) if refusals else None,
    )
