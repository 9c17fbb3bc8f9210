"""A Messages stream as it is relayed: https://platform.claude.com/docs/en/build-with-claude/streaming.

The first delta commits, or the start of a message or block that has content in it (a tool call, redacted thinking);
only `message_stop` is a clean end.
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.answer import text_or_none
from havuz_gateway.protocols.anthropic.answer import stop_reasons
from havuz_gateway.protocols.anthropic.errors import read_stream_error
from havuz_gateway.protocols.anthropic.usage import merge_usage, read_usage
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.tap import Findings, StreamRules, decode_event

_EMPTY_AT_START = ("text", "thinking")


def _note(found: Findings, data: bytes, strip_usage: bool) -> bool:
    event = decode_event(data)
    match event.get("type"):
        case "message_start":
            _start(found, event.get("message"))
        case "content_block_start":
            block = event.get("content_block")
            kind = block.get("type") if isinstance(block, Mapping) else None
            found.committed = found.committed or kind not in _EMPTY_AT_START
        case "content_block_delta":
            found.committed = True
        case "message_delta":
            found.committed = True
            found.finish_reasons = stop_reasons(event.get("delta")) or found.finish_reasons
            _usage(found, event.get("usage"))
        case "message_stop" if not found.committed:
            raise AnswerUnreadable("the provider ended the stream before it said anything")
        case "message_stop":
            found.done = True
        case _:
            found.error = found.error or read_stream_error(event)
    return True


def _start(found: Findings, message: Any) -> None:
    if isinstance(message, Mapping):
        found.id = text_or_none(message.get("id"))
        found.model = text_or_none(message.get("model"))
        found.committed = found.committed or bool(message.get("content"))
        found.finish_reasons = found.finish_reasons or stop_reasons(message)
        _usage(found, message.get("usage"))


def _usage(found: Findings, usage: Any) -> None:
    if isinstance(usage, dict):
        found.raw_usage = merge_usage(found.raw_usage, usage)
        found.usage = read_usage(found.raw_usage)


STREAM = StreamRules(marks=(b'"message_delta"', b'"message_stop"', b'"error"'), note=_note)
