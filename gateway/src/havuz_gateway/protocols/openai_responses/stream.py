"""A Responses stream as it is relayed: the first content, the end with its usage, errors.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.answer import text_or_none
from havuz_gateway.protocols.openai.token_usage import read_usage
from havuz_gateway.protocols.openai_responses.answer import finish_reasons
from havuz_gateway.protocols.openai_responses.errors import read_event_error, read_failure
from havuz_gateway.protocols.tap import Findings, StreamRules, decode_event

_DONE = b"[DONE]"  # Open Responses servers end with it, OpenAI does not; the response has ended before
_LIFECYCLE = ("response.created", "response.in_progress", "response.queued")
_ENDS = ("response.completed", "response.incomplete")
# Items that begin before the model has said anything; every other kind is content by itself.
_EMPTY_ITEMS = ("message", "reasoning")


def _note(found: Findings, data: bytes, strip_usage: bool) -> bool:
    if data == _DONE:
        return True
    fields = decode_event(data)
    kind = fields.get("type")
    response = fields.get("response")
    if isinstance(response, Mapping):
        _note_response(found, response)
    match kind:
        case "error":
            found.error = read_event_error(fields)
        case None if fields.get("error"):  # of a proxy in between, which knows no events
            found.error = read_event_error(fields)
        case "response.failed":
            found.error = read_failure({"status": "failed", **(response if isinstance(response, Mapping) else {})})
        case _ if kind in _ENDS:
            found.done = True
        case _ if not found.committed:
            found.committed = _has_content(kind, fields)
        case _:
            pass
    return True


def _note_response(found: Findings, response: Mapping[str, Any]) -> None:
    found.id = found.id or text_or_none(response.get("id"))
    found.model = found.model or text_or_none(response.get("model"))
    found.finish_reasons = finish_reasons(response) or found.finish_reasons
    found.usage = read_usage(response.get("usage")) or found.usage


def _has_content(kind: Any, fields: Mapping[str, Any]) -> bool:
    """Whether the model has said something. An event of a kind that is not known counts: it may be content."""
    if kind in _LIFECYCLE:
        return False
    if kind == "response.output_item.added":
        item = fields.get("item")
        return not isinstance(item, Mapping) or item.get("type") not in _EMPTY_ITEMS
    if kind in ("response.content_part.added", "response.reasoning_summary_part.added"):
        return False
    return isinstance(kind, str)


STREAM = StreamRules(
    marks=(
        b'"response.completed"',
        b'"response.incomplete"',
        b'"response.failed"',
        b'"error"',
    ),
    note=_note,
)
