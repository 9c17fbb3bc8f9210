"""A neutral answer to a generateContent answer."""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.codec import Encoded, Stamp
from havuz_gateway.protocols.gemini.decode_response import write_created
from havuz_gateway.protocols.gemini.encode_parts import Wire, name_of, write_part
from havuz_gateway.protocols.gemini.finish import write_finish
from havuz_gateway.protocols.gemini.grounding import GROUNDING, RECITED, write_grounding
from havuz_gateway.protocols.gemini.logprobs import write_logprobs
from havuz_gateway.protocols.gemini.usage import write_usage
from havuz_gateway.protocols.gemini.wire import CONTENT, PROTOCOL, SPELLING, written
from havuz_gateway.protocols.neutral.content import Audio, Citation, Part, Refusal, Text, ToolCall
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice, Logprobs


def encode_response(response: ChatResponse, stamp: Stamp) -> Encoded:
    """The body of an answer. Raises `AnswerFailed` for one that ended in an error no word of Google's says."""
    dropped = Dropped(PROTOCOL)
    candidates = [_candidate(choice, dropped) for choice in response.choices if not is_blocked(choice.extensions)]
    body: dict[str, Any] = {"candidates": candidates} if candidates else {}
    if response.usage is not None:
        body["usageMetadata"] = write_usage(response.usage)
    body["modelVersion"] = stamp.model or response.model
    body |= write_created(response.created)
    if response_id := stamp.id or response.id:
        body["responseId"] = response_id
    if is_tier_lost(response.service_tier):
        dropped.note("service_tier")
    return Encoded(written(body, response.extensions), dropped.names())


def is_tier_lost(tier: str | None) -> bool:
    """Whether an answer was served otherwise than usual, which Google tells in a header only."""
    return tier not in (None, "default")


def is_blocked(extensions: Extensions) -> bool:
    """Whether a choice stands for no candidate, because the prompt was blocked."""
    return "blocked" in extensions.get(SPELLING, {})


def _candidate(choice: Choice, dropped: Dropped) -> dict[str, Any]:
    parts: list[Wire] = []
    cited: list[tuple[int, str, Sequence[Citation]]] = []
    for part in choice.content:
        if isinstance(part, Text) and part.citations:
            cited.append((len(parts), part.text, part.citations))
        parts += say(part, dropped)
    content = written({"parts": parts, "role": "model"}, choice.extensions, of=CONTENT)
    refused = any(isinstance(part, Refusal) for part in choice.content)
    members: dict[str, Any] = {
        "content": content,
        **write_ending(choice.finish, choice.logprobs, refused=refused),
        "index": choice.index,
        **write_sources(cited, choice.extensions, dropped),
    }
    return written(members, choice.extensions)


def say(part: Part, dropped: Dropped) -> list[Wire]:
    """A part of an answer; nothing for one that Gemini's clients can't be told, which is named."""
    if isinstance(part, ToolCall):
        dropped.foreign(part.extensions, "functionCall")
    found = write_part(part)
    if found is None:
        dropped.note(name_of(part))
        return []
    if isinstance(part, Audio) and part.transcript:
        return [{"text": part.transcript}, found]  # as in a stream
    return [found]


def write_ending(finish: Finish | None, logprobs: Logprobs | None, *, refused: bool) -> dict[str, Any]:
    """The members of a candidate that tell why it ended, and its log probabilities."""
    members: dict[str, Any] = {}
    if finish is not None:
        members["finishReason"] = write_finish(finish, refused=refused)
        if finish.stop_sequence is not None:
            members["stopSequence"] = finish.stop_sequence
    if logprobs is not None:
        members["logprobsResult"] = write_logprobs(logprobs)
    return members


def write_sources(
    cited: Sequence[tuple[int, str, Sequence[Citation]]], extensions: Extensions, dropped: Dropped
) -> dict[str, Any]:
    """The sources of a candidate's texts, unless Google itself said them, which is kept."""
    if any(name in extensions.get(PROTOCOL, {}) for name in (GROUNDING, RECITED)):
        return {}
    if any(citation.url is None for _, _, citations in cited for citation in citations):
        dropped.note("citations")
    return write_grounding(cited)
