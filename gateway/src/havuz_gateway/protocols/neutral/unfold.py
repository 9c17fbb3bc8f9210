"""A whole answer to events: what a streaming client is given where the provider answered in one piece."""

from collections.abc import Iterator

from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Audio, Base64Source, Part, Refusal, Text, Thinking, ToolCall
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice


def unfold(response: ChatResponse) -> Iterator[ev.ChatEvent]:
    """The events of a stream that tells `response`, block by block."""
    yield ev.ResponseStart(
        response.id, response.model, created=response.created, service_tier=response.service_tier,
        usage=response.usage, extensions=response.extensions,
    )  # fmt: skip
    for choice in response.choices:
        yield from _choice(choice)
    if response.usage is not None:
        yield ev.UsageReport(response.usage, service_tier=response.service_tier)
    yield ev.ResponseEnd()


def _choice(choice: Choice) -> Iterator[ev.ChatEvent]:
    logprobs = choice.logprobs
    for number, part in enumerate(choice.content):
        for event in _part(choice.index, str(number), part):
            if logprobs is not None and isinstance(event, ev.TextEnd | ev.RefusalEnd):
                yield ev.LogprobsDelta(choice.index, logprobs)
                logprobs = None
            yield event
    if logprobs is not None:
        yield ev.LogprobsDelta(choice.index, logprobs)
    if choice.finish is not None:
        yield ev.ChoiceEnd(choice.index, choice.finish, extensions=choice.extensions)


def _part(choice: int, block: str, part: Part) -> Iterator[ev.ChatEvent]:
    match part:
        case Text():
            yield ev.TextStart(choice, block, extensions=part.extensions)
            if part.text:
                yield ev.TextDelta(choice, block, part.text)
            for citation in part.citations:
                yield ev.CitationDelta(choice, block, citation)
            yield ev.TextEnd(choice, block, signature=part.signature)
        case Thinking():
            yield ev.ThinkingStart(
                choice, block, origin=part.origin, item=part.id, summary=part.summary, extensions=part.extensions
            )
            if part.text:
                yield ev.ThinkingDelta(choice, block, part.text)
            yield ev.ThinkingEnd(
                choice, block, signature=part.signature, origin=part.origin, item=part.id, summary=part.summary
            )
        case ToolCall():
            yield ev.ToolInputStart(
                choice, block, part.id, part.name, kind=part.kind, signature=part.signature,
                extensions=part.extensions,
            )  # fmt: skip
            if part.arguments:
                yield ev.ToolInputDelta(choice, block, part.arguments)
            yield ev.ToolInputEnd(choice, block)
        case Refusal():
            yield ev.RefusalStart(choice, block, extensions=part.extensions)
            yield ev.RefusalDelta(choice, block, part.text)
            yield ev.RefusalEnd(choice, block)
        case Audio(source=Base64Source() as source):
            yield ev.AudioStart(choice, block, part.id, source.media_type)
            yield ev.AudioDelta(choice, block, source.data, part.transcript or "")
            yield ev.AudioEnd(choice, block, part.expires_at)
        case _:
            yield ev.PartWhole(choice, block, part)
