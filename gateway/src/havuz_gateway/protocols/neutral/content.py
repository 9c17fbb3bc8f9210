"""Content parts: what messages and answers are made of."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, field
from typing import Any, Literal

from havuz_gateway.protocols.neutral.extensions import Extensions
from havuz_gateway.values import frozen


@frozen
class Base64Source:
    """Bytes in the message itself. `data` is base64 text, never decoded on the way."""

    media_type: str
    data: str


@frozen
class UrlSource:
    """Bytes at an address that the provider fetches."""

    url: str
    media_type: str | None = None


@frozen
class FileSource:
    """A file uploaded to a provider before. `origin` is the protocol in whose file store it lies."""

    id: str
    origin: str


@frozen
class TextSource:
    """A document that is plain text."""

    text: str
    media_type: str = "text/plain"


@frozen
class PartsSource:
    """A document made of content parts."""

    content: "Content"


Source = Base64Source | UrlSource | FileSource | TextSource | PartsSource


@frozen
class CacheMark:
    """The prompt up to and with this part is worth caching. `ttl` is in the words of the protocol it came by."""

    ttl: str | None = None


@frozen
class Citation:
    """Where a stretch of text comes from. `start` and `end` are character indexes into that text."""

    _: KW_ONLY
    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    start: int | None = None
    end: int | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class Text:
    """Plain text. `signature` is a thought signature that some providers attach to text (Gemini)."""

    text: str
    _: KW_ONLY
    citations: tuple[Citation, ...] = ()
    cache: CacheMark | None = None
    signature: str | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class Image:
    """A picture. `detail` is OpenAI's hint: low, high, auto."""

    source: Source
    _: KW_ONLY
    detail: str | None = None
    cache: CacheMark | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class Document:
    """A file to read, mostly PDF or text. `cited` asks for citations from it."""

    source: Source
    _: KW_ONLY
    title: str | None = None
    context: str | None = None
    cited: bool | None = None
    cache: CacheMark | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class Audio:
    """Sound, heard or spoken. An answer's has an `id`, a `transcript` and Unix seconds of its expiry."""

    source: Source
    _: KW_ONLY
    id: str | None = None
    transcript: str | None = None
    expires_at: int | None = None
    cache: CacheMark | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class Video:
    """Moving pictures."""

    source: Source
    _: KW_ONLY
    extensions: Extensions = field(default_factory=dict)


@frozen
class Thinking:
    """Reasoning that is shown, whole or as a `summary`.

    `signature` is the provider's seal over it (Anthropic's signature, OpenAI's encrypted content, Gemini's thought
    signature); only the protocol named in `origin` accepts it back, and only unchanged.
    """

    text: str
    _: KW_ONLY
    signature: str | None = None
    origin: str | None = None
    id: str | None = None
    summary: bool = False
    extensions: Extensions = field(default_factory=dict)


@frozen
class RedactedThinking:
    """Reasoning that is not shown: an opaque text to hand back unchanged to the protocol it came by."""

    data: str
    _: KW_ONLY
    origin: str | None = None
    id: str | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class ToolCall:
    """The model calls a tool. `arguments` is JSON text, or free text where `kind` is custom.

    `signature` is the thought signature that Gemini attaches to a call and wants back with it.
    """

    id: str
    name: str
    arguments: str
    _: KW_ONLY
    kind: Literal["function", "custom"] = "function"
    signature: str | None = None
    cache: CacheMark | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class ToolResult:
    """What a tool returned for the call `call_id`. `content` None is a result without any."""

    call_id: str
    content: "Content | None"
    _: KW_ONLY
    name: str | None = None
    is_error: bool | None = None
    kind: Literal["function", "custom"] = "function"
    cache: CacheMark | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class Refusal:
    """The model says that it will not answer."""

    text: str
    _: KW_ONLY
    extensions: Extensions = field(default_factory=dict)


@frozen
class ProviderContent:
    """A documented part that only one protocol has (the steps of a tool which the provider itself runs), as it came."""

    protocol: str
    wire: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What it is called where it cannot be said: its type, or its first member where parts have no types."""
        kind = self.wire.get("type")
        named = (name for name in self.wire if not name.startswith("thought"))
        return kind if isinstance(kind, str) else next(named, self.protocol)


Part = (
    Text
    | Image
    | Document
    | Audio
    | Video
    | Thinking
    | RedactedThinking
    | ToolCall
    | ToolResult
    | Refusal
    | ProviderContent
)
# A string is the short form of one text part in all protocols but Gemini's; which form was used is kept.
Content = str | tuple[Part, ...]


def parts_of(content: Content | None) -> tuple[Part, ...]:
    """The content in its long form."""
    if isinstance(content, str):
        return (Text(content),)
    return content or ()


def joined_text(parts: tuple[Part, ...]) -> str:
    """The text of all text parts, with nothing between them: that is how providers split it."""
    return "".join(part.text for part in parts if isinstance(part, Text))
