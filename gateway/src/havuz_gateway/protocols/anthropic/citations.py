"""Citations of text blocks: https://platform.claude.com/docs/en/build-with-claude/citations."""

from typing import Any

from havuz_gateway.protocols.anthropic.wire import SPELLING
from havuz_gateway.protocols.neutral.content import Citation
from havuz_gateway.protocols.neutral.extensions import Extensions


def read_citation(wire: dict[str, Any]) -> Citation:
    """One citation, with its own form kept: only a web page's is one that others can say."""
    extensions: Extensions = {SPELLING: {"citation": wire}}
    title = _text(wire.get("title")) or _text(wire.get("document_title"))
    cited = _text(wire.get("cited_text"))
    return Citation(url=_text(wire.get("url")), title=title, cited_text=cited, extensions=extensions)


def write_citation(citation: Citation) -> dict[str, Any] | None:
    """One citation for a client; None for a source that has no address."""
    spelled = citation.extensions.get(SPELLING)
    if spelled is not None:
        return dict(spelled["citation"])
    if citation.url is None:
        return None
    return {
        "type": "web_search_result_location",
        "cited_text": citation.cited_text or "",
        "url": citation.url,
        "title": citation.title,
        "encrypted_index": "",
    }


def is_own(citation: Citation) -> bool:
    """Whether Anthropic gave this citation, and so takes it back in a later request."""
    return SPELLING in citation.extensions


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
