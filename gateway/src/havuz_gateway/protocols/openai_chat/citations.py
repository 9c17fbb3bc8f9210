"""`annotations` of an answer: the web pages that its text cites, by character indexes into the whole text."""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.neutral.content import Citation
from havuz_gateway.protocols.openai_chat.wire import SPELLING


def read_annotations(value: Any) -> tuple[Citation, ...]:
    """The citations in `annotations`; one of an unknown type is kept for this protocol alone."""
    return tuple(_read(item) for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _read(item: dict[str, Any]) -> Citation:
    match item:
        case {
            "type": "url_citation",
            "url_citation": {"url": str() as url, "start_index": int() as start, "end_index": int() as end} as cited,
        }:
            title = cited.get("title")
            citation = Citation(url=url, title=title if isinstance(title, str) else None, start=start, end=end)
        case _:
            citation = Citation()
    if item == write_annotation(citation, 0, 0):
        return citation
    return Citation(
        url=citation.url, title=citation.title, start=citation.start, end=citation.end,
        extensions={SPELLING: {"annotation": item}},
    )  # fmt: skip


def write_annotation(citation: Citation, begin: int, end: int) -> dict[str, Any] | None:
    """One annotation, of the text from `begin` to `end` in the whole; None for a source that is no web page."""
    spelled = citation.extensions.get(SPELLING)
    if spelled is not None:
        return dict(spelled["annotation"])
    if citation.url is None:
        return None
    cited = {
        "start_index": begin if citation.start is None else begin + citation.start,
        "end_index": end if citation.end is None else begin + citation.end,
        "title": citation.title or "",
        "url": citation.url,
    }
    return {"type": "url_citation", "url_citation": cited}


def write_annotations(citations: Sequence[Citation], begin: int, end: int) -> list[dict[str, Any]]:
    """The annotations of one text block; sources that are no web pages are left out."""
    written = (write_annotation(citation, begin, end) for citation in citations)
    return [annotation for annotation in written if annotation is not None]
