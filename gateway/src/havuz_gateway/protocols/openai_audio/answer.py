"""Reading a whole transcription for what is billed; the bytes themselves are relayed."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from havuz_gateway.protocols.answer import Answer, decode_answer
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.openai.token_usage import read_usage
from havuz_gateway.protocols.usage import Usage

_ABSURD_SECONDS = 1_000_000
_NOTHING = Usage(input=0, output=0)


def read_transcription_answer(body: bytes) -> Answer:
    """Read a transcription that is JSON. Raises `AnswerUnreadable`."""
    fields = decode_answer(body)
    error = read_stream_error(fields) if fields.get("error") else None
    if error is None and not isinstance(fields.get("text"), str):
        raise AnswerUnreadable("the provider's answer has no 'text'")
    return Answer(body=body, usage=heard(fields), error=error)


def no_whole_speech(body: bytes) -> Answer:
    """Speech is never read as a whole."""
    raise AnswerUnreadable("speech is passed on as it comes")


def heard(fields: Mapping[str, Any]) -> Usage:
    """Tokens, or how long the sound was: by `usage` of either type, or by `duration`."""
    usage = fields.get("usage")
    seconds: Any = fields.get("duration")
    found = _NOTHING
    if isinstance(usage, Mapping):
        if usage.get("type") == "duration":
            seconds = usage.get("seconds", seconds)
        else:
            found = read_usage(usage) or _NOTHING
    return replace(found, **_counted(seconds))


def _counted(seconds: Any) -> dict[str, Any]:
    if seconds is None:
        return {}
    try:
        length = float(seconds)  # some servers of the protocol write a duration as text
    except (TypeError, ValueError):
        return {"clamped": True}
    if not 0 <= length <= _ABSURD_SECONDS:
        return {"clamped": True}
    return {"audio_ms": math.ceil(length * 1000)}
