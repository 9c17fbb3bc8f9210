"""A response object to the neutral form: https://platform.openai.com/docs/api-reference/responses/object."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.carrier import with_call_seals
from havuz_gateway.protocols.neutral.content import ToolCall
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.extensions import kept
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice, Logprobs, TokenLogprob
from havuz_gateway.protocols.neutral.usage import Usage
from havuz_gateway.protocols.openai.token_usage import read_usage
from havuz_gateway.protocols.openai_responses.errors import read_failure
from havuz_gateway.protocols.openai_responses.finish import read_finish, write_finish
from havuz_gateway.protocols.openai_responses.read_items import read_answer_item, take_tokens
from havuz_gateway.protocols.openai_responses.response_object import default_members
from havuz_gateway.protocols.openai_responses.usage import write_usage
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, answer_members

_OBJECT = "response"


def decode_response(body: Mapping[str, Any]) -> ChatResponse:
    """The answer in a decoded body. Raises `AnswerUnreadable`, or `AnswerFailed` for a response that failed."""
    error = read_failure(body)
    if error is not None:
        raise AnswerFailed(error)
    fields = answer_members(body, "")
    output = fields.array("output")
    if output is None:
        raise fields.wrong("output", None, "an array of items")
    items, tokens = _without_tokens(output)
    parts = with_call_seals(
        part for index, item in enumerate(items) for part in read_answer_item(answer_members(item, f"output[{index}]"))
    )
    response, finish = read_object(fields, calls=any(isinstance(part, ToolCall) for part in parts))
    choice = Choice(parts, finish, logprobs=Logprobs(tokens) if tokens else None)
    return replace(response, choices=(choice,))


def read_object(fields: Members, *, calls: bool) -> tuple[ChatResponse, Finish | None]:
    """What a response says beside its output, and why it ended."""
    fields.take("output")
    spelled: dict[str, Any] = {}
    kind, created = fields.take("object"), fields.number("created_at")
    if kind != _OBJECT:
        spelled["object"] = kind
    if created is not None and type(created) is not int:
        spelled["created_at"] = created
    details = fields.mapping("incomplete_details")
    finish = _finish(fields, details, spelled, calls=calls)
    usage = _usage(fields, spelled)
    response_id, model, tier = fields.text("id") or "", fields.text("model") or "", fields.text("service_tier")
    default = default_members({"usage": usage, "incomplete_details": details})
    response = ChatResponse(
        id=response_id,
        model=model,
        choices=(),
        usage=usage,
        created=None if created is None else int(created),
        service_tier=tier,
        extensions=kept(PROTOCOL, fields.rest(), default=default, spelled=spelled),
    )
    return response, finish


def _finish(
    fields: Members, details: dict[str, Any] | None, spelled: dict[str, Any], *, calls: bool
) -> Finish | None:  # fmt: skip
    status, sequence = fields.text("status"), fields.text("stop_sequence")
    finish = read_finish(status, details, calls=calls)
    if finish is not None and sequence is not None:
        finish = replace(finish, stop_sequence=sequence)
    written = write_finish(finish)
    if status is not None and status != written["status"]:
        spelled["status"] = status
    if details != written["incomplete_details"]:
        spelled["incomplete_details"] = details
    return finish


def _usage(fields: Members, spelled: dict[str, Any]) -> Usage | None:
    raw = fields.take("usage")
    usage = read_usage(raw)
    if raw is not None and (usage is None or write_usage(usage) != raw):
        spelled["usage"] = raw
    return usage


def _without_tokens(output: Sequence[Any]) -> tuple[list[Any], tuple[TokenLogprob, ...]]:
    """The items, the first text without its log probabilities, and those of all texts."""
    items: list[Any] = []
    found: tuple[TokenLogprob, ...] = ()
    first = True
    for item in output:
        content = item.get("content") if isinstance(item, Mapping) and item.get("type") == "message" else None
        if not isinstance(content, list):
            items.append(item)
            continue
        parts = []
        for part in content:
            if isinstance(part, Mapping) and part.get("type") == "output_text":
                stripped, tokens = take_tokens(part)
                found += tokens
                parts.append(stripped if first and tokens else part)
                first = False
            else:
                parts.append(part)
        items.append({**item, "content": parts})
    return items, found
