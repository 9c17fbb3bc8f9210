"""`POST …/audio/speech` and `…/audio/transcriptions`: https://platform.openai.com/docs/api-reference/audio."""

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.openai_audio.request import FORM_KINDS, PROTOCOL, read_speech, read_transcription
from havuz_gateway.protocols.openai_audio.wav import HEADER_BYTES, seconds_of
from havuz_gateway.surfaces.body import decode, decode_form
from havuz_gateway.surfaces.called import called
from havuz_gateway.surfaces.openai.chat import PROTOCOL as SURFACE_PROTOCOL
from havuz_gateway.transport.upload import Upload


def read_spoken(request: Request) -> Call:
    """The call of a speech's body. Raises `InvalidRequest`."""
    body = decode(request.body)
    fields = read_speech(body.fields)
    return Call(
        action="speech",
        protocol=PROTOCOL,
        model=fields.model,
        stream=fields.stream,
        body=body,
        timeout=fields.timeout,
        parameters=body.fields,
        answers=fields.answers,
    )


def read_heard(request: Request) -> Call:
    """The call of a transcription's form. Raises `InvalidRequest`."""
    upload = request.upload
    if upload is None:
        raise InvalidRequest("a transcription is asked for by a form: send multipart/form-data with 'file' and 'model'")
    body = decode_form(upload, FORM_KINDS)
    fields = read_transcription(body.fields, upload.files())
    return Call(
        action="transcription",
        protocol=PROTOCOL,
        model=fields.model,
        stream=fields.stream,
        body=body,
        timeout=fields.timeout,
        parameters=body.fields,
        answers=fields.answers,
        upload=upload,
        seconds=_seconds(upload),
    )


def _seconds(upload: Upload) -> float | None:
    sound = next(part for part in upload.parts if part.name == "file" and part.text is None)
    size = sound.content.end - sound.content.start
    return seconds_of(upload.read(sound, HEADER_BYTES), size)


speech = called("speech", SURFACE_PROTOCOL, read_spoken)
transcriptions = called("transcription", SURFACE_PROTOCOL, read_heard)
