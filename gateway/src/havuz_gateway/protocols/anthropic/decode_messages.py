"""Messages and content blocks of the Messages wire to the neutral form, for requests and for answers."""

from typing import Any

from havuz_gateway.protocols.anthropic.citations import read_citation
from havuz_gateway.protocols.anthropic.thinking import read_redacted, read_thinking
from havuz_gateway.protocols.anthropic.wire import (
    OPAQUE_BLOCKS,
    PROTOCOL,
    read_cache,
    read_input,
    read_source,
    request_members,
)
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.carrier import Sealed, with_call_seals
from havuz_gateway.protocols.neutral.content import (
    Content,
    Document,
    Image,
    Part,
    PartsSource,
    ProviderContent,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from havuz_gateway.protocols.neutral.errors import unknown_type
from havuz_gateway.protocols.neutral.extensions import kept
from havuz_gateway.protocols.neutral.request import Message

_IN_DOCUMENTS = frozenset({"text", "image"})
_IN_RESULTS = frozenset({"text", "image", "document"}) | OPAQUE_BLOCKS
_IN_SYSTEM = frozenset({"text"})


def read_system(fields: Members) -> Content | None:
    """`system`: a string or text blocks."""
    return read_content(fields, "system", allowed=_IN_SYSTEM)


def read_messages(messages: list[Members]) -> tuple[Message, ...]:
    """All of `messages`. One that repeats its predecessor's role is marked to stay a message of its own."""
    found: list[Message] = []
    for message in messages:
        role = message.needed_text("role")
        content = read_content(message)
        if content is None:
            raise message.wrong("content", None, "a string or an array of blocks")
        match role:
            case "user" | "assistant" | "system":
                own = {PROTOCOL: message.rest()}
                alone = role == "system" or bool(found and found[-1].role == role)
                extensions = own if alone else kept(PROTOCOL, message.rest())
                found.append(Message(role, content, extensions=extensions))
            case _:
                raise message.wrong("role", role, "'user', 'assistant' or 'system'")
    return tuple(found)


def read_content(holder: Members, name: str = "content", *, allowed: frozenset[str] | None = None) -> Content | None:
    """A string, or an array of blocks, of the `allowed` types if inside another. Raises `InvalidRequest`."""
    content = holder.take(name)
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise holder.wrong(name, content, "a string or an array of blocks")
    path = holder.at(name)
    blocks = [request_members(block, f"{path}[{index}]") for index, block in enumerate(content)]
    return with_call_seals(_read_block(block, allowed) for block in blocks)


def _read_block(block: Members, allowed: frozenset[str] | None) -> Part | Sealed:
    kind = block.needed_text("type")
    if allowed is not None and kind not in allowed:
        raise unknown_type(block.at("type"), kind, f"{PROTOCOL} at this place")
    part = read_spoken(block, kind)
    if part is not None:
        return part
    match kind:
        case "image":
            return _image(block)
        case "document":
            return _document(block)
        case "tool_result":
            return _tool_result(block)
        case _ if kind in OPAQUE_BLOCKS:
            return ProviderContent(PROTOCOL, {"type": kind, **block.rest()})
        case _:
            raise unknown_type(block.at("type"), kind, PROTOCOL)


def read_spoken(block: Members, kind: str) -> Part | Sealed | None:
    """A block that an answer can hold too; None for one of another kind. Its type is taken already."""
    match kind:
        case "text":
            text, mark = block.needed_text("text"), read_cache(block)
            cited = [item for item in block.array("citations") or [] if isinstance(item, dict)]
            citations = tuple(read_citation(item) for item in cited)
            return Text(text, citations=citations, cache=mark, extensions=kept(PROTOCOL, block.rest()))
        case "thinking":
            text, signature = block.needed_text("thinking"), block.text("signature") or ""
            return read_thinking(text, signature, kept(PROTOCOL, block.rest()))
        case "redacted_thinking":
            return read_redacted(block.needed_text("data"), kept(PROTOCOL, block.rest()))
        case "tool_use":
            call_id, name = block.needed_text("id"), block.needed_text("name")
            arguments, mark, spelled = read_input(block.mapping("input")), read_cache(block), take_caller(block)
            extensions = kept(PROTOCOL, block.rest(), spelled=spelled)
            return ToolCall(call_id, name, arguments, cache=mark, extensions=extensions)
        case _:
            return None


def take_caller(block: Members) -> dict[str, Any]:
    """Who called a tool: the model itself, which need not be said, or a tool of Anthropic's, which must."""
    return {"caller": block.take("caller")} if block.peek("caller") == {"type": "direct"} else {}


def _image(block: Members) -> Image:
    mark, source = read_cache(block), read_source(block)
    if source is None:
        raise block.wrong("source", block.peek("source"), "a source of the type base64, url or file")
    return Image(source, cache=mark, extensions=kept(PROTOCOL, block.rest()))


def _document(block: Members) -> Document:
    mark, source = read_cache(block), _document_source(block)
    title, context = block.text("title"), block.text("context")
    cited: bool | None = None
    match block.peek("citations"):
        case {"enabled": bool() as cited, **rest} if not rest:
            block.take("citations")
        case _:
            pass
    extensions = kept(PROTOCOL, block.rest())
    return Document(source, title=title, context=context, cited=cited, cache=mark, extensions=extensions)


def _document_source(block: Members) -> Source:
    source = read_source(block)
    if source is not None:
        return source
    inner = block.members("source")
    if inner is not None and inner.text("type") == "content":
        content = read_content(inner, allowed=_IN_DOCUMENTS)
        if content is not None and not inner.rest():
            return PartsSource(content)
    raise block.wrong("source", block.peek("source"), "a source of the type base64, text, content, url or file")


def _tool_result(block: Members) -> ToolResult:
    call_id, failed, mark = block.needed_text("tool_use_id"), block.flag("is_error"), read_cache(block)
    content = read_content(block, allowed=_IN_RESULTS)
    return ToolResult(call_id, content, is_error=failed, cache=mark, extensions=kept(PROTOCOL, block.rest()))


def leftovers(members: Members) -> dict[str, Any]:
    """What was not understood and says something."""
    return {name: value for name, value in members.rest().items() if value is not None}
