"""How the streams begin that OpenAI's media endpoints send."""

from typing import Any

from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.tap import Findings, decode_event

DONE = b"[DONE]"


def note_event(found: Findings, data: bytes) -> dict[str, Any] | None:
    """Note what every event tells; the event's object, or None where it is an end or an error.

    Raises `AnswerUnreadable`.
    """
    if data == DONE:
        found.done = True
        return None
    fields = decode_event(data)
    found.error = found.error or read_stream_error(fields)
    if found.error is not None:
        return None
    found.committed = True
    return fields
