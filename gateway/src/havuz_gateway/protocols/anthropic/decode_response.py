"""A Messages answer to the neutral form."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.anthropic.decode_messages import read_spoken
from havuz_gateway.protocols.anthropic.errors import read_stream_error
from havuz_gateway.protocols.anthropic.finish import is_known, read_finish
from havuz_gateway.protocols.anthropic.usage import read_tier, read_usage, write_usage
from havuz_gateway.protocols.anthropic.wire import PROTOCOL, answer_members
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.carrier import Sealed, with_call_seals
from havuz_gateway.protocols.neutral.content import Part, ProviderContent
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.extensions import Extensions, kept
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice

ENDING = ("container", "stop_details")  # of the choice: in a stream they come with its end


def decode_response(body: Mapping[str, Any]) -> ChatResponse:
    """The answer in a decoded body. Raises `AnswerUnreadable`, or `AnswerFailed` for an error under status 200."""
    error = read_stream_error(body)
    if error is not None:
        raise AnswerFailed(error)
    fields = answer_members(body, "")
    if not isinstance(fields.peek("content"), list):
        raise fields.wrong("content", fields.peek("content"), "an array of blocks")
    for name in ("type", "role"):
        fields.take(name)
    parts = with_call_seals(read_answer_block(block) for block in fields.each("content"))
    reason = fields.text("stop_reason")
    sequence = fields.text("stop_sequence")
    finish = None if reason is None else read_finish(reason, sequence)
    ending = {name: value for name in ENDING if (value := fields.take(name)) is not None}
    usage, tier, spelled = read_reported(fields.take("usage"))
    default: dict[str, Any] = {} if sequence is not None else {"stop_sequence": None}
    if reason is None:
        default["stop_reason"] = None
    return ChatResponse(
        id=fields.text("id") or "",
        model=fields.text("model") or "",
        choices=(Choice(parts, finish, extensions=finish_extensions(finish, ending)),),
        usage=usage,
        service_tier=tier,
        extensions=kept(PROTOCOL, fields.rest(), default=default, spelled=spelled),
    )


def finish_extensions(finish: Finish | None, ending: Mapping[str, Any]) -> Extensions:
    """What only this protocol says of an answer's end."""
    undocumented = finish is not None and finish.raw is not None and not is_known(finish.raw)
    spelled = {"stop_reason": finish.raw} if finish is not None and undocumented else {}
    return kept(PROTOCOL, ending, spelled=spelled)


def read_reported(raw: Any) -> tuple[Any, str | None, dict[str, Any]]:
    """Usage, service tier, and the usage's own spelling where it says more."""
    usage, tier = read_usage(raw), read_tier(raw)
    if usage is None or write_usage(usage, tier) == raw:
        return usage, tier, {}
    return usage, tier, {"usage": raw}


def read_answer_block(block: Members) -> Part | Sealed:
    """One block of an answer. One that only this protocol has, or of a type newer than this gateway, stays as it is.

    https://platform.claude.com/docs/en/api/versioning
    """
    kind = block.needed_text("type")
    part = read_spoken(block, kind)
    return part if part is not None else ProviderContent(PROTOCOL, {"type": kind, **block.rest()})
