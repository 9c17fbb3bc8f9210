"""A generateContent stream as it is relayed: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent.

The first part with something in it commits. There is no end marker: the end is clean if Google closes the stream after
every candidate had its `finishReason`, or the prompt its `blockReason`. Every chunk repeats the usage, so that only the
first ones and those of an end are read for it.
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.answer import text_or_none
from havuz_gateway.protocols.gemini.decode_response import block_reason
from havuz_gateway.protocols.gemini.errors import read_stream_error
from havuz_gateway.protocols.gemini.usage import read_usage
from havuz_gateway.protocols.tap import Findings, StreamRules, decode_event

_EMPTY_WITHOUT_TEXT = {"text", "thought", "thoughtSignature"}


def _note(found: Findings, data: bytes, strip_usage: bool) -> bool:
    chunk = decode_event(data)
    found.error = found.error or read_stream_error(chunk)
    found.id = found.id or text_or_none(chunk.get("responseId"))
    found.model = found.model or text_or_none(chunk.get("modelVersion"))
    found.usage = read_usage(chunk.get("usageMetadata")) or found.usage
    candidates = chunk.get("candidates")
    for place, candidate in enumerate(candidates if isinstance(candidates, list) else ()):
        if isinstance(candidate, Mapping):
            _candidate(found, candidate, place)
    blocked = block_reason(chunk.get("promptFeedback"))
    if blocked is not None:
        found.choices = {index: reason or blocked for index, reason in (found.choices or {0: None}).items()}
    found.finish_reasons = tuple(reason for reason in found.choices.values() if reason is not None)
    return True


def _candidate(found: Findings, candidate: Mapping[str, Any], place: int) -> None:
    index = candidate.get("index", place)
    reason = text_or_none(candidate.get("finishReason"))
    if isinstance(index, int):
        found.choices[index] = reason or found.choices.get(index)
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, Mapping) else None
    if not found.committed and found.error is None and isinstance(parts, list):
        found.committed = any(_has_content(part) for part in parts)


def _has_content(part: Any) -> bool:
    return isinstance(part, Mapping) and bool(part.get("text") or part.keys() - _EMPTY_WITHOUT_TEXT)


def _ends(found: Findings) -> bool:
    return bool(found.choices) and None not in found.choices.values()


STREAM = StreamRules(
    # where there are several candidates, the second one shows that there is more than one end to wait for
    marks=(b'"finishReason"', b'"blockReason"', b'"error"', b'"index": 1', b'"index":1'),
    note=_note,
    ends_at_eof=_ends,
)
