"""Streams of transcriptions and of speech as they are relayed. Each ends with an event of its own that tells the usage.

https://platform.openai.com/docs/api-reference/audio/transcript-text-done-event and …/audio/speech-audio-done-event
"""

from havuz_gateway.protocols.openai.stream import DONE, note_event
from havuz_gateway.protocols.openai_audio.answer import heard
from havuz_gateway.protocols.tap import Findings, StreamRules

_ENDS = ("transcript.text.done", "speech.audio.done")


def _note(found: Findings, data: bytes, _: bool) -> bool:
    fields = note_event(found, data)
    if fields is not None and fields.get("type") in _ENDS:
        found.usage = heard(fields)
        found.finish_reasons = ("stop",)
        found.done = True
    return True


STREAM = StreamRules(marks=(b".done", DONE, b'"error"'), note=_note)
