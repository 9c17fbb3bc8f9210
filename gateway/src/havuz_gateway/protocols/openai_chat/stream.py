"""A chat completion stream as it is relayed: the first content, usage, finish reasons, `[DONE]`, errors."""

from typing import Any

from havuz_gateway.protocols.answer import text_or_none
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.openai.token_usage import read_chat_usage
from havuz_gateway.protocols.openai_chat.answer import finish_reasons
from havuz_gateway.protocols.tap import Findings, StreamRules, decode_event

_DONE = b"[DONE]"
_CONTENT_MEMBERS = (
    "content", "tool_calls", "function_call", "refusal", "reasoning_content", "reasoning", "audio", "images",
)  # fmt: skip


def _note(found: Findings, data: bytes, strip_usage: bool) -> bool:
    if data.strip() == _DONE:
        if not found.committed:
            raise AnswerUnreadable("the provider ended the stream before it said anything")
        found.done = True
        return True
    fields = decode_event(data)
    found.error = found.error or read_stream_error(fields)
    found.id = found.id or text_or_none(fields.get("id"))
    found.model = found.model or text_or_none(fields.get("model"))
    found.finish_reasons += finish_reasons(fields)
    usage = read_chat_usage(fields.get("usage"))
    if usage is not None:
        found.usage = usage
    choices = fields.get("choices")
    if not found.committed and found.error is None and isinstance(choices, list):
        found.committed = any(_has_content(choice) for choice in choices)
    return not (strip_usage and usage is not None and choices == [])


def _has_content(choice: Any) -> bool:
    if not isinstance(choice, dict):
        return False
    delta = choice.get("delta")
    if isinstance(delta, dict) and any(delta.get(name) for name in _CONTENT_MEMBERS):
        return True
    return choice.get("finish_reason") is not None


STREAM = StreamRules(
    marks=(b'"prompt_tokens"', _DONE, b'"error"', b'"finish_reason":"', b'"finish_reason": "'),
    note=_note,
)
