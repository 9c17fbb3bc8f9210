"""Streams of transcriptions and of speech as they are relayed. Each ends with an event of its own that tells the usage.

https://platform.openai.com/docs/api-reference/audio/transcript-text-done-event and …/audio/speech-audio-done-event
"""

from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.openai_audio.answer import heard
from havuz_gateway.protocols.tap import Findings, StreamRules, decode_event

_DONE = b"[DONE]"
_ENDS = ("transcript.text.done", "speech.audio.done")


def _note(found: Findings, data: bytes, _: bool) -> bool:
    if data == _DONE:
        found.done = True
        return True
    fields = decode_event(data)
    found.error = found.error or read_stream_error(fields)
    if found.error is not None:
        return True
    found.committed = True
    if fields.get("type") in _ENDS:
        found.usage = heard(fields)
        found.finish_reasons = ("stop",)
        found.done = True
    return True


STREAM = StreamRules(marks=(b".done", _DONE, b'"error"'), note=_note)
