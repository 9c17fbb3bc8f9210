"""Finish reasons, by table: https://ai.google.dev/api/generate-content#FinishReason.

Gemini ends an answer with function calls by STOP too. It does not say which stop sequence was met: for its clients
havuz adds that as `stopSequence` beside `finishReason`.
"""

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.finish import Finish, Unified

_UNIFIED: dict[str, Unified] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content-filter",
    "RECITATION": "content-filter",
    "BLOCKLIST": "content-filter",
    "PROHIBITED_CONTENT": "content-filter",
    "SPII": "content-filter",
    "IMAGE_SAFETY": "content-filter",
    "IMAGE_PROHIBITED_CONTENT": "content-filter",
    "IMAGE_RECITATION": "content-filter",
    "MODEL_ARMOR": "content-filter",
    "JAILBREAK": "content-filter",
    "LANGUAGE": "other",
    "OTHER": "other",
    "IMAGE_OTHER": "other",
    "NO_IMAGE": "other",
    "ESCALATION": "other",
    "PUP_LIMITED_DISABLED": "other",
    "CONTINUATION": "other",
    "FINISH_REASON_UNSPECIFIED": "other",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
}
_WORDS: dict[Unified, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool-calls": "STOP",
    "content-filter": "SAFETY",
    "other": "OTHER",
}


def read_finish(reason: str, sequence: str | None, *, calls: bool) -> Finish:
    """`calls` says that the answer has function calls; `sequence` is the stop sequence that was met."""
    unified = _UNIFIED.get(reason, "other")
    if unified == "stop" and calls:
        unified = "tool-calls"
    return Finish(unified, reason, stop_sequence=sequence)


def blocked(reason: str) -> Finish:
    """How an answer ends that was not begun, because the prompt was blocked."""
    return Finish("content-filter", reason)


def write_finish(finish: Finish, *, refused: bool) -> str:
    """The word for a finish. Raises `AnswerFailed` for an error of another provider: no word of Google's says that."""
    if finish.raw in _UNIFIED or (finish.raw is not None and finish.raw.isupper()):
        return finish.raw
    if finish.unified == "error":
        raise AnswerFailed(ProviderError(f"the provider ended the answer with {finish.raw or 'an error'!r}"))
    if refused and finish.unified in ("stop", "other"):
        return "SAFETY"
    return _WORDS[finish.unified]
