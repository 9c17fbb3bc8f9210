"""Sound of the mock: speech is a quiet tone or silence, a transcription says what was not heard."""

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from havuz_gateway.providers.mock.chat import count_text
from havuz_gateway.providers.mock.sound import FORMATS

_CHARACTERS_PER_SECOND = 15
_TOKENS_PER_SECOND = 20
_PLAIN = "text/plain; charset=utf-8"
_TEXT = "This is a test transcription; no provider was called."


def spoken_type(fields: Mapping[str, Any]) -> str:
    """The content type of the sound."""
    return _format(fields)[0]


def speak(fields: Mapping[str, Any]) -> Iterator[bytes]:
    """The sound, a second at a time."""
    spoken = len(str(fields.get("input"))) / _CHARACTERS_PER_SECOND / (fields.get("speed") or 1)
    return _format(fields)[1](max(1, round(spoken)))


def speech_events(fields: Mapping[str, Any]) -> Iterator[bytes]:
    """The same sound as events, and what it used."""
    pieces = 0
    for piece in speak(fields):
        pieces += 1
        yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})
    read, made = count_text(str(fields.get("input"))), pieces * _TOKENS_PER_SECOND
    yield _event({"type": "speech.audio.done", "usage": _usage(read, made)})


def transcribed(fields: Mapping[str, Any], seconds: float) -> tuple[str, bytes]:
    """Content type and body of a whole transcription of a sound of so many seconds."""
    length = max(0.1, round(seconds, 2))
    match fields.get("response_format"):
        case "text":
            return _PLAIN, f"{_TEXT}\n".encode()
        case "srt":
            return _PLAIN, f"1\n00:00:00,000 --> {_clock(length, ',')}\n{_TEXT}\n\n".encode()
        case "vtt":
            return (
                "text/plain; charset=utf-8",
                f"WEBVTT\n\n00:00:00.000 --> {_clock(length, '.')}\n{_TEXT}\n\n".encode(),
            )
        case "verbose_json":
            segment = {"id": 0, "seek": 0, "start": 0.0, "end": length, "text": _TEXT, "tokens": [], "temperature": 0.0,
                       "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0}  # fmt: skip
            whole = {"task": "transcribe", "language": "english", "duration": length, "text": _TEXT,
                     "segments": [segment]}  # fmt: skip
        case _:
            whole = {"text": _TEXT}
    return "application/json", _dump({**whole, "usage": {"type": "duration", "seconds": math.ceil(length)}})


def transcript_events(seconds: float) -> Iterator[bytes]:
    """The transcription word by word, and what it used."""
    for word in _TEXT.split(" "):
        yield _event({"type": "transcript.text.delta", "delta": f"{word} "})
    usage = {"type": "tokens", **_usage(math.ceil(seconds * _TOKENS_PER_SECOND), count_text(_TEXT))}
    yield _event({"type": "transcript.text.done", "text": _TEXT, "usage": usage})


def _format(fields: Mapping[str, Any]) -> tuple[str, Callable[[int], Iterator[bytes]]]:
    return FORMATS[fields.get("response_format") or "mp3"]


def _usage(read: int, made: int) -> dict[str, int]:
    return {"input_tokens": read, "output_tokens": made, "total_tokens": read + made}


def _clock(seconds: float, comma: str) -> str:
    whole = int(seconds)
    milliseconds = int((seconds - whole) * 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{comma}{milliseconds:03d}"


def _event(members: Mapping[str, Any]) -> bytes:
    return b"data: " + _dump(members) + b"\n\n"


def _dump(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()
