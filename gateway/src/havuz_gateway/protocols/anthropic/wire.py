"""Small things of the Messages wire that requests, answers and streams share.

https://platform.claude.com/docs/en/api/messages
"""

import base64
import binascii
from typing import Any

from havuz_gateway.protocols.json_text import dump, load_object
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import Base64Source, CacheMark, FileSource, Source, TextSource, UrlSource
from havuz_gateway.protocols.neutral.errors import wrong_answer, wrong_field
from havuz_gateway.protocols.neutral.extensions import spelling

PROTOCOL = "anthropic"
SPELLING = spelling(PROTOCOL)
# Cache lifetimes that other protocols name, as the shortest of Anthropic's that lasts as long.
_TTLS = {"5m": "5m", "1h": "1h", "30m": "1h", "12h": "1h"}
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
INVALID_ARGUMENTS = "INVALID_JSON"

# Documented blocks that only this protocol has: steps of tools that Anthropic itself runs, and what they return.
OPAQUE_BLOCKS = frozenset(
    {
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "advisor_tool_result",
        "mcp_tool_use",
        "mcp_tool_result",
        "mcp_tool_listing",
        "container_upload",
        "compaction",
        "fallback",
        "search_result",
        "tool_reference",
        "browser_state",
    }
)


def request_members(value: Any, path: str) -> Members:
    """An object of a request."""
    return Members(value, path, wrong_field)


def answer_members(value: Any, path: str) -> Members:
    """An object of an answer."""
    return Members(value, path, wrong_answer)


def read_cache(block: Members) -> CacheMark | None:
    """The cache breakpoint on an object."""
    match block.peek("cache_control"):
        case {"type": "ephemeral", "ttl": str() as ttl, **rest} if not rest:
            block.take("cache_control")
            return CacheMark(ttl)
        case {"type": "ephemeral", **rest} if not rest:
            block.take("cache_control")
            return CacheMark()
        case _:
            return None


def write_cache(mark: CacheMark | None) -> dict[str, Any]:
    """The member that carries a cache breakpoint, if there is one."""
    if mark is None:
        return {}
    ttl = _TTLS.get(mark.ttl or "")
    return {"cache_control": {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}}


def read_source(block: Members) -> Source | None:
    """The source of a picture or document that is one object of texts; None for another kind."""
    match block.peek("source"):
        case {"type": "base64", "media_type": str() as media_type, "data": str() as data, **rest} if not rest:
            source: Source = Base64Source(media_type, data)
        case {"type": "url", "url": str() as url, **rest} if not rest:
            source = UrlSource(url)
        case {"type": "file", "file_id": str() as file_id, **rest} if not rest:
            source = FileSource(file_id, PROTOCOL)
        case {"type": "text", "media_type": str() as media_type, "data": str() as data, **rest} if not rest:
            source = TextSource(data, media_type)
        case _:
            return None
    block.take("source")
    return source


def write_source(source: Source, *, picture: bool) -> dict[str, Any] | None:
    """The wire form of a picture's or document's source, None for one that Anthropic does not take."""
    match source:
        case Base64Source() if picture:
            media_type = "image/jpeg" if source.media_type == "image/jpg" else source.media_type
            known = media_type in _IMAGE_TYPES
            return {"type": "base64", "media_type": media_type, "data": source.data} if known else None
        case Base64Source(media_type="application/pdf"):
            return {"type": "base64", "media_type": "application/pdf", "data": source.data}
        case Base64Source() if source.media_type.startswith("text/"):
            text = _decoded(source.data)
            return None if text is None else {"type": "text", "media_type": "text/plain", "data": text}
        case UrlSource() if source.url.startswith(("https://", "http://")):
            return {"type": "url", "url": source.url}
        case FileSource(origin=origin) if origin == PROTOCOL:
            return {"type": "file", "file_id": source.id}
        case TextSource() if not picture:
            return {"type": "text", "media_type": source.media_type, "data": source.text}
        case _:
            return None


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def read_input(value: Any) -> str:
    """A tool call's arguments as JSON text."""
    match value:
        case {"INVALID_JSON": str() as text, **rest} if not rest:
            return text
        case _:
            return dump(value if value is not None else {})


def write_input(arguments: str) -> dict[str, Any]:
    """A tool call's arguments as an object. Text that is none is wrapped as Anthropic's documents advise.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    if not arguments.strip():
        return {}
    value = load_object(arguments)
    return {INVALID_ARGUMENTS: arguments} if value is None else value
