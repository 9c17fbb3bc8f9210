"""A generateContent answer to the neutral form: https://ai.google.dev/api/generate-content#generatecontentresponse."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from havuz_gateway.protocols.gemini.calls import CallIds
from havuz_gateway.protocols.gemini.decode_parts import read_answer_part
from havuz_gateway.protocols.gemini.errors import read_stream_error
from havuz_gateway.protocols.gemini.finish import blocked, read_finish
from havuz_gateway.protocols.gemini.grounding import cite, read_citations
from havuz_gateway.protocols.gemini.logprobs import read_logprobs, write_logprobs
from havuz_gateway.protocols.gemini.usage import read_usage, spelled_usage
from havuz_gateway.protocols.gemini.wire import CONTENT, PROTOCOL, SPELLING, answer_members
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import Part, ToolCall
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.extensions import Extensions, kept
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice, Logprobs

BLOCKED: Extensions = {SPELLING: {"blocked": True}}  # of a choice that stands for no candidate


def decode_response(body: Mapping[str, Any]) -> ChatResponse:
    """The answer in a decoded body. Raises `AnswerUnreadable`, or `AnswerFailed` for an error under status 200."""
    error = read_stream_error(body)
    if error is not None:
        raise AnswerFailed(error)
    fields = answer_members(body, "")
    response_id = fields.text("responseId") or ""
    choices = tuple(_choice(candidate, index, response_id) for index, candidate in enumerate(fields.some("candidates")))
    if not choices:
        reason = block_reason(fields.peek("promptFeedback"))
        if reason is None:
            raise fields.wrong("candidates", None, "an array of candidates")
        choices = (Choice((), blocked(reason), extensions=BLOCKED),)
    raw_usage = fields.take("usageMetadata")
    usage = read_usage(raw_usage)
    created, spelled = read_created(fields)
    return ChatResponse(
        id=response_id,
        model=fields.text("modelVersion") or "",
        choices=choices,
        usage=usage,
        created=created,
        extensions=kept(PROTOCOL, fields.rest(), spelled={**spelled, **spelled_usage(raw_usage, usage)}),
    )


def block_reason(feedback: Any) -> str | None:
    """Why a prompt was blocked, None if it was not."""
    reason = feedback.get("blockReason") if isinstance(feedback, Mapping) else None
    return reason if isinstance(reason, str) and reason else None


def read_created(fields: Members) -> tuple[int | None, dict[str, Any]]:
    """`createTime` in Unix seconds, and as it was written where that says more."""
    raw = fields.text("createTime")
    if raw is None:
        return None, {}
    try:
        created = int(datetime.fromisoformat(raw).astimezone(UTC).timestamp())
        usual = _written(created) == raw
    except (ValueError, OverflowError, OSError):
        return None, {"createTime": raw}
    return created, {} if usual else {"createTime": raw}


def write_created(created: int | None) -> dict[str, Any]:
    """The member `createTime` for Unix seconds; none for a time that no calendar has."""
    try:
        return {} if created is None else {"createTime": _written(created)}
    except (ValueError, OverflowError, OSError):
        return {}


def _written(created: int) -> str:
    return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _choice(candidate: Members, place: int, response_id: str) -> Choice:
    spelled: dict[str, Any] = {}
    index = read_index(candidate, place, spelled)
    citations = read_citations(candidate.rest())
    content, inner = _content(candidate, CallIds(f"call_{response_id}_{index}"), spelled)
    parts = cite(content, citations)
    finish, logprobs = read_ending(candidate, spelled, calls=has_calls(parts))
    return Choice(
        parts,
        finish,
        index=index,
        logprobs=logprobs,
        extensions={**kept(PROTOCOL, candidate.rest(), spelled=spelled), **inner},
    )


def read_index(candidate: Members, place: int, spelled: dict[str, Any]) -> int:
    """The candidate's index, which Google leaves out where there is only one."""
    index = candidate.whole("index")
    if index is None:
        spelled["index"] = None
    return place if index is None else index


def has_calls(parts: tuple[Part, ...]) -> bool:
    """Whether the answer calls functions."""
    return any(isinstance(part, ToolCall) for part in parts)


def read_ending(
    candidate: Members, spelled: dict[str, Any], *, calls: bool
) -> tuple[Finish | None, Logprobs | None]:  # fmt: skip
    """Why a candidate ended, and its log probabilities."""
    reason = candidate.text("finishReason")
    sequence = candidate.text("stopSequence") if reason is not None else None
    raw_logprobs = candidate.peek("logprobsResult")
    logprobs = read_logprobs(raw_logprobs)
    if logprobs is not None:
        candidate.take("logprobsResult")
        if write_logprobs(logprobs) != raw_logprobs:
            spelled["logprobsResult"] = raw_logprobs
    return None if reason is None else read_finish(reason, sequence, calls=calls), logprobs


def _content(candidate: Members, ids: CallIds, spelled: dict[str, Any]) -> tuple[tuple[Part, ...], Extensions]:
    """The parts, and what else the content says."""
    content = candidate.members("content")
    if content is None:
        spelled["content"] = None
        return (), {}
    inner: dict[str, Any] = {}
    role = content.text("role")
    if role != "model":
        inner["role"] = role
    if content.peek("parts") is None:
        inner["parts"] = None
    parts = tuple(read_answer_part(part, ids) for part in content.each("parts"))
    return parts, kept(CONTENT, content.rest(), spelled=inner)
