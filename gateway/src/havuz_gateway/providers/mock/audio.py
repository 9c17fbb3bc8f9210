"""Sound of the mock: speech is a quiet tone (WAV, PCM) or silence (MP3), a transcription says what was not heard."""

import base64
import json
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from havuz_gateway.providers.mock.chat import count_text

_RATE = 24_000  # samples a second, as OpenAI's PCM has
_CHARACTERS_PER_SECOND = 15
_TONE_HERTZ = 440
_LOUDNESS = 1_000
_TOKENS_PER_SECOND = 20
# MPEG-1 layer III at 128 kbit/s and 44.1 kHz: a frame without a bit of sound in it.
_MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(413)
_MP3_FRAME_SECONDS = 1152 / 44_100
_PLAIN = "text/plain; charset=utf-8"
_TEXT = "This is a test transcription; no provider was called."
TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm"}  # any other format is answered by a WAV


def spoken_type(fields: Mapping[str, Any]) -> str:
    """The content type of the sound."""
    return TYPES.get(fields.get("response_format") or "mp3", TYPES["wav"])


def speak(fields: Mapping[str, Any]) -> Iterator[bytes]:
    """The sound, a second at a time."""
    seconds = max(1, round(len(str(fields.get("input"))) / _CHARACTERS_PER_SECOND / (fields.get("speed") or 1)))
    kind = spoken_type(fields)
    if kind == TYPES["wav"]:
        yield _wav_header(seconds * _RATE * 2)
    second = _MP3_FRAME * round(1 / _MP3_FRAME_SECONDS) if kind == TYPES["mp3"] else _tone()
    for _ in range(seconds):
        yield second


def speech_events(fields: Mapping[str, Any]) -> Iterator[bytes]:
    """The same sound as events, and what it used."""
    seconds = 0
    for piece in speak(fields):
        seconds += 1
        yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})
    read, made = count_text(str(fields.get("input"))), seconds * _TOKENS_PER_SECOND
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


def _usage(read: int, made: int) -> dict[str, int]:
    return {"input_tokens": read, "output_tokens": made, "total_tokens": read + made}


def _tone() -> bytes:
    turn = 2 * math.pi * _TONE_HERTZ / _RATE
    return struct.pack(f"<{_RATE}h", *(int(_LOUDNESS * math.sin(turn * index)) for index in range(_RATE)))


def _wav_header(size: int) -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, 1, _RATE, 2 * _RATE, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)


def _clock(seconds: float, comma: str) -> str:
    whole = int(seconds)
    milliseconds = int((seconds - whole) * 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{comma}{milliseconds:03d}"


def _event(members: Mapping[str, Any]) -> bytes:
    return b"data: " + _dump(members) + b"\n\n"


def _dump(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()
