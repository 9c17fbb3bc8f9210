"""A stream of pictures as it is relayed: partial ones, whole ones, errors.

The protocol has no last event: a stream that ends after a whole picture has ended well.
https://platform.openai.com/docs/api-reference/images-streaming
"""

from havuz_gateway.protocols.openai.stream import DONE, note_event
from havuz_gateway.protocols.openai_images.answer import counted
from havuz_gateway.protocols.tap import Findings, StreamRules
from havuz_gateway.protocols.usage import Usage

_MOST_EVENT_BYTES = 64 * 1024 * 1024  # a picture of eight million pixels, as base64, can have half of that


def _note(found: Findings, data: bytes, _: bool) -> bool:
    fields = note_event(found, data)
    if fields is not None and str(fields.get("type")).endswith(".completed"):
        found.usage = _sum(found.usage, counted(fields.get("usage"), 1))
        found.finish_reasons += ("stop",)
    return True


def _sum(before: Usage | None, more: Usage) -> Usage:
    """Each picture's event tells what that picture used."""
    if before is None:
        return more
    return Usage(
        input=before.input + more.input,
        output=before.output + more.output,
        cache_read=before.cache_read + more.cache_read,
        cache_write=before.cache_write + more.cache_write,
        clamped=before.clamped or more.clamped,
        images=before.images + more.images,
    )


STREAM = StreamRules(
    marks=(b".completed", DONE, b'"error"'),
    note=_note,
    ends_at_eof=lambda found: found.usage is not None,
    event_bytes=_MOST_EVENT_BYTES,
)
