"""Sources of an answer: `groundingMetadata` (search) and `citationMetadata` (recitation), as citations of its texts.

Google counts bytes of UTF-8 within one part, the neutral form characters. What Google said stays beside the choice
and is given back to its clients as it came.
https://ai.google.dev/api/generate-content#GroundingMetadata, https://ai.google.dev/api/generate-content#citationmetadata
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from havuz_gateway.protocols.neutral.content import Citation, Part, Text

GROUNDING, RECITED = "groundingMetadata", "citationMetadata"
_SOURCES = ("web", "maps", "retrievedContext", "image")
Place = tuple[int | None, Citation]  # the part that a citation belongs to, None for the first text


def read_citations(candidate: Mapping[str, Any]) -> list[Place]:
    """All citations of a candidate, their places still in bytes."""
    grounding, recited = candidate.get(GROUNDING), candidate.get(RECITED)
    found = list(_grounded(grounding)) if isinstance(grounding, Mapping) else []
    if isinstance(recited, Mapping):
        sources = _objects(recited.get("citations")) or _objects(recited.get("citationSources"))
        found += [(None, _citation(source, source)) for source in sources if _text(source, "uri")]
    return found


def _grounded(grounding: Mapping[str, Any]) -> Iterator[Place]:
    """Each support with each of its sources; sources that no support names have no place."""
    chunks = [_source(chunk) for chunk in _objects(grounding.get("groundingChunks"))]
    named: set[int] = set()
    for support in _objects(grounding.get("groundingSupports")):
        segment = support.get("segment")
        segment = segment if isinstance(segment, Mapping) else {}
        numbers = support.get("groundingChunkIndices")
        for number in numbers if isinstance(numbers, list) else ():
            if type(number) is int and 0 <= number < len(chunks):
                named.add(number)
                yield _index(segment, "partIndex"), _citation(chunks[number], segment)
    for number, chunk in enumerate(chunks):
        if number not in named and _text(chunk, "uri"):
            yield None, _citation(chunk, {})


def _source(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((source for name in _SOURCES if isinstance(source := chunk.get(name), Mapping)), {})


def _citation(source: Mapping[str, Any], segment: Mapping[str, Any]) -> Citation:
    """The start of a segment is left out where it is zero."""
    end = _index(segment, "endIndex")
    start = None if end is None else _index(segment, "startIndex") or 0
    return Citation(url=_text(source, "uri"), title=_text(source, "title"), start=start, end=end)


def cite(parts: Sequence[Part], places: Sequence[Place]) -> tuple[Part, ...]:
    """The parts with their citations."""
    found = list(parts)
    first = next((index for index, part in enumerate(parts) if isinstance(part, Text)), None)
    for place, citation in places:
        index = place if place is not None and place < len(found) and isinstance(found[place], Text) else first
        text = found[index] if index is not None else None
        if isinstance(text, Text) and index is not None:
            found[index] = replace(text, citations=(*text.citations, in_characters(citation, text.text)))
    return tuple(found)


def in_characters(citation: Citation, text: str) -> Citation:
    """The citation with its bytes counted as characters; without a place where it has none in `text`."""
    if citation.start is None or citation.end is None:
        return citation
    raw = text.encode("utf-8", "surrogatepass")
    if not citation.start <= citation.end <= len(raw):
        return replace(citation, start=None, end=None)
    start, end = (len(raw[:place].decode("utf-8", "replace")) for place in (citation.start, citation.end))
    return replace(citation, start=start, end=end)


def write_grounding(texts: Sequence[tuple[int, str, Sequence[Citation]]]) -> dict[str, Any]:
    """`groundingMetadata` of texts, each with its part's index; {} where no source has an address."""
    chunks: list[dict[str, Any]] = []
    supports: list[dict[str, Any]] = []
    for index, text, citations in texts:
        for citation in citations:
            if citation.url is None:
                continue
            web = {"uri": citation.url, "title": citation.title}
            chunk = {"web": {name: value for name, value in web.items() if value is not None}}
            if chunk not in chunks:
                chunks.append(chunk)
            if citation.start is not None and citation.end is not None:
                segment = _segment(index, text, citation.start, citation.end)
                supports.append({"segment": segment, "groundingChunkIndices": [chunks.index(chunk)]})
    if not chunks:
        return {}
    return {GROUNDING: {"groundingChunks": chunks, **({"groundingSupports": supports} if supports else {})}}


def _segment(index: int, text: str, start: int, end: int) -> dict[str, Any]:
    begin, stop = (len(text[:place].encode("utf-8", "surrogatepass")) for place in (start, end))
    place = {"partIndex": index} if index else {}
    return {**place, "startIndex": begin, "endIndex": stop, "text": text[start:end]}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(holder: Mapping[str, Any], name: str) -> str | None:
    value = holder.get(name)
    return value if isinstance(value, str) else None


def _index(holder: Mapping[str, Any], name: str) -> int | None:
    value = holder.get(name)
    return value if type(value) is int and value >= 0 else None
