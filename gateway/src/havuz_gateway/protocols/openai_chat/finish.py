"""Finish reasons of Chat Completions, by table."""

from typing import Any

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.finish import Finish, Unified

_UNIFIED: dict[str, Unified] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
    "content_filter": "content-filter",
}
# Words of compatible servers, which clients do not know.
_DIALECTS: dict[str, Unified] = {
    "eos": "stop",
    "eos_token": "stop",
    "model_length": "length",  # Mistral
    "error": "error",
    "insufficient_system_resource": "error",  # DeepSeek gave up for want of capacity
}
_WORDS: dict[Unified, str] = {
    "stop": "stop",
    "length": "length",
    "tool-calls": "tool_calls",
    "content-filter": "content_filter",
    "other": "stop",
}


def read_finish(reason: str, stop_reason: Any = None) -> Finish:
    """`stop_reason` is vLLM's member: the stop sequence that was met."""
    sequence = stop_reason if isinstance(stop_reason, str) else None
    unified = _UNIFIED.get(reason) or _DIALECTS.get(reason, "other")
    return Finish(unified, reason, stop_sequence=sequence)


def spelled_finish(finish: Finish | None) -> dict[str, str]:
    """The choice's member where the provider's word is none of OpenAI's."""
    undocumented = finish is not None and finish.raw is not None and finish.raw not in _UNIFIED
    return {"finish_reason": finish.raw} if finish is not None and finish.raw and undocumented else {}


def write_finish(finish: Finish) -> str:
    """The word for a finish. Raises `AnswerFailed` for an error: no word of this protocol says that."""
    if finish.raw in _UNIFIED:
        return finish.raw
    if finish.unified == "error":
        raise AnswerFailed(ProviderError(f"the provider ended the answer with {finish.raw or 'an error'!r}"))
    return _WORDS[finish.unified]
