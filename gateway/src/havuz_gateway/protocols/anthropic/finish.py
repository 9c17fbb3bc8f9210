"""Stop reasons of Messages, by table: https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons."""

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.finish import Finish, Unified

_UNIFIED: dict[str, Unified] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool-calls",
    "refusal": "content-filter",
    "pause_turn": "other",
    "compaction": "other",
}
_WORDS: dict[Unified, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool-calls": "tool_use",
    "content-filter": "refusal",
    "other": "end_turn",
}


def read_finish(reason: str, sequence: str | None) -> Finish:
    """`sequence` is the stop sequence that was met."""
    return Finish(_UNIFIED.get(reason, "other"), reason, stop_sequence=sequence)


def is_known(reason: str) -> bool:
    """Whether the reason is in Anthropic's documents."""
    return reason in _UNIFIED


def write_finish(finish: Finish, *, calls: bool, refused: bool) -> str:
    """The word for a finish of an answer that has tool `calls` or was `refused`.

    Other providers end an answer with calls by "stop" where a tool was forced, and a refusal likewise.
    Raises `AnswerFailed` for an error: no word of this protocol says that.
    """
    if finish.raw in _UNIFIED:
        return finish.raw
    if finish.unified == "error":
        raise AnswerFailed(ProviderError(f"the provider ended the answer with {finish.raw or 'an error'!r}"))
    if finish.unified in ("stop", "other"):
        if calls:
            return "tool_use"
        if refused:
            return "refusal"
        if finish.stop_sequence is not None:
            return "stop_sequence"
    return _WORDS[finish.unified]
