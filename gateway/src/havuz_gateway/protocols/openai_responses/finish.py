"""Why a response ended: its `status` with `incomplete_details`, by table."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.finish import Finish, Unified

_REASONS: dict[str, Unified] = {
    "max_output_tokens": "length",
    "content_filter": "content-filter",
    "max_messages": "other",
    "steered": "other",
}
_WORDS: dict[Unified, str] = {"length": "max_output_tokens", "content-filter": "content_filter"}
RUNNING = ("queued", "in_progress")


def read_finish(status: str | None, details: Any, *, calls: bool) -> Finish | None:
    """The finish of a response with tool `calls` or without; None for one that still runs."""
    reason = details.get("reason") if isinstance(details, Mapping) else None
    match status:
        case "completed" | None:
            return Finish("tool-calls" if calls else "stop", status)
        case "incomplete" if isinstance(reason, str):
            return Finish(_REASONS.get(reason, "other"), reason)
        case _ if status in RUNNING:
            return None
        case _:
            return Finish("other", status)


def write_finish(finish: Finish | None) -> dict[str, Any]:
    """`status` and `incomplete_details`; an answer that does not say why it ended is not complete.

    Raises `AnswerFailed` for an error, which is told by `response.failed` or an error body.
    """
    if finish is None:
        return {"status": "incomplete", "incomplete_details": None}
    if finish.unified == "error":
        raise AnswerFailed(ProviderError(f"the provider ended the answer with {finish.raw or 'an error'!r}"))
    if finish.raw in ("incomplete", "cancelled"):
        return {"status": finish.raw, "incomplete_details": None}
    reason = finish.raw if finish.raw in _REASONS else _WORDS.get(finish.unified)
    if reason is None:
        return {"status": "completed", "incomplete_details": None}
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}
