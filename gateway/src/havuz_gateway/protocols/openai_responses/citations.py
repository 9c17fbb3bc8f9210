"""`annotations` of a text: what it cites, by character indexes into that text."""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.neutral.content import Citation
from havuz_gateway.protocols.neutral.extensions import Dropped
from havuz_gateway.protocols.openai_responses.wire import SPELLING


def read_annotation(item: Any) -> Citation:
    """One annotation; a file that only OpenAI knows keeps its name, and the rest for this protocol alone."""
    match item:
        case {"type": "url_citation", "url": str() as url, "start_index": int() as start, "end_index": int() as end}:
            title = item.get("title")
            citation = Citation(url=url, title=title if isinstance(title, str) else None, start=start, end=end)
        case {"filename": str() as name}:
            citation = Citation(title=name)
        case _:
            citation = Citation()
    if write_annotation(citation, 0) == item:
        return citation
    return Citation(
        url=citation.url, title=citation.title, start=citation.start, end=citation.end,
        extensions={SPELLING: {"annotation": item}},
    )  # fmt: skip


def write_annotation(citation: Citation, length: int) -> dict[str, Any] | None:
    """One annotation of a text of `length` characters; None for a source that is no web page."""
    spelled = citation.extensions.get(SPELLING)
    if spelled is not None:
        return spelled["annotation"]  # type: ignore[no-any-return]
    if citation.url is None:
        return None
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title or "",
        "start_index": 0 if citation.start is None else citation.start,
        "end_index": length if citation.end is None else citation.end,
    }


def write_annotations(citations: Sequence[Citation], length: int, dropped: Dropped) -> list[dict[str, Any]]:
    """All that can be told of a text's sources."""
    written = [wire for citation in citations if (wire := write_annotation(citation, length)) is not None]
    if len(written) < len(citations):
        dropped.note("citations")
    return written
