"""Reading requests for speech and transcriptions: the few fields the gateway acts on, after a check of all it knows.

https://platform.openai.com/docs/api-reference/audio/createSpeech and …/audio/createTranscription
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from havuz_gateway.protocols.openai.complaints import missing, wrong
from havuz_gateway.protocols.openai.fields import (
    Check,
    boolean,
    check_fields,
    number,
    one_of,
    required_text,
    text,
)
from havuz_gateway.protocols.openai.forms import Kind
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.protocols.wire import Answers

PROTOCOL = "openai_audio"
FORM_KINDS: Mapping[str, Kind] = {"temperature": "number", "stream": "boolean", "timeout": "integer"}
MAX_SPOKEN = 4_096  # characters
_TEXTS = ("text", "srt", "vtt")


@dataclass(frozen=True, slots=True)
class AudioFields:
    """What the gateway acts on. `timeout` is seconds."""

    model: str
    stream: bool
    timeout: float | None
    answers: Answers


def read_speech(fields: Mapping[str, Any]) -> AudioFields:
    """Check a decoded body. Raises `InvalidRequest`, whose `param` names the field."""
    model = required_text(fields, "model")
    spoken = required_text(fields, "input")
    if len(spoken) > MAX_SPOKEN:
        raise wrong("input", spoken, f"at most {MAX_SPOKEN} characters, and it has {len(spoken)}")
    if fields.get("voice") is None:
        raise missing("voice", _VOICE)
    check_fields(fields, SPEECH)
    stream = fields.get("stream_format") == "sse"
    return AudioFields(model, stream, read_own(fields).timeout, "json" if stream else "bytes")


def read_transcription(fields: Mapping[str, Any], files: Mapping[str, int]) -> AudioFields:
    """Check the fields of a form; `files` are the numbers of its files by name. Raises `InvalidRequest`."""
    model = required_text(fields, "model")
    if files.get("file") != 1:
        raise missing("file", "one file: sound as flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav or webm")
    check_fields(fields, TRANSCRIPTION)
    as_text = fields.get("response_format") in _TEXTS
    stream = fields.get("stream") is True
    return AudioFields(model, stream, read_own(fields).timeout, "text" if as_text else "json")


_VOICE = "the name of a voice such as 'alloy', or an object with the id of one"


def _voice(path: str, value: Any) -> None:
    if type(value) is dict and type(value.get("id")) is str and value["id"]:
        return
    if type(value) is not str or not value:
        raise wrong(path, value, _VOICE)


def _granularities(path: str, value: Any) -> None:
    for index, one in enumerate(value if type(value) is list else [value]):
        if one not in ("word", "segment"):
            raise wrong(f"{path}[{index}]" if type(value) is list else path, one, "'word' or 'segment'")


SPEECH: dict[str, Check] = {
    "voice": _voice,
    "instructions": text,
    "response_format": one_of("mp3", "opus", "aac", "flac", "wav", "pcm"),
    "speed": number(0.25, 4),
    "stream_format": one_of("audio", "sse"),
}
TRANSCRIPTION: dict[str, Check] = {
    "language": text,
    "prompt": text,
    "response_format": one_of("json", "text", "srt", "verbose_json", "vtt", "diarized_json"),
    "temperature": number(0, 1),
    "timestamp_granularities[]": _granularities,
    "stream": boolean,
}
