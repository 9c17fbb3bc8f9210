"""A streamed answer as events: every block has a start, deltas and an end, and an id that is unique in its choice.

The order within a stream: `ResponseStart`; blocks, which may interleave; a `ChoiceEnd` per choice; `UsageReport`s,
each of which replaces the one before; `ResponseEnd`, which alone says that nothing is missing. A `ResponseError`
takes the place of whatever would have followed. The extensions of a block's end add to those of its start.
"""

from dataclasses import KW_ONLY, field
from typing import Literal

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.content import Citation, Part
from havuz_gateway.protocols.neutral.extensions import Extensions
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import Logprobs
from havuz_gateway.protocols.neutral.usage import Usage
from havuz_gateway.values import frozen


@frozen
class ResponseStart:
    """The answer begins. `usage` is what is known of the prompt's tokens by then."""

    id: str
    model: str
    _: KW_ONLY
    created: int | None = None
    service_tier: str | None = None
    usage: Usage | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class TextStart:
    """A text block begins."""

    choice: int
    id: str
    _: KW_ONLY
    extensions: Extensions = field(default_factory=dict)


@frozen
class TextDelta:
    """More text."""

    choice: int
    id: str
    text: str


@frozen
class CitationDelta:
    """A source of the text block `id`."""

    choice: int
    id: str
    citation: Citation


@frozen
class TextEnd:
    """The text block is whole."""

    choice: int
    id: str
    _: KW_ONLY
    signature: str | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class ThinkingStart:
    """A thinking block begins. What is known by then is said again at its end, which alone counts."""

    choice: int
    id: str
    _: KW_ONLY
    origin: str | None = None
    item: str | None = None
    summary: bool = False
    extensions: Extensions = field(default_factory=dict)


@frozen
class ThinkingDelta:
    """More thinking."""

    choice: int
    id: str
    text: str


@frozen
class ThinkingEnd:
    """The thinking block is whole; its seal comes with the end. `item` is the id that the provider gave it."""

    choice: int
    id: str
    _: KW_ONLY
    signature: str | None = None
    origin: str | None = None
    item: str | None = None
    summary: bool = False
    extensions: Extensions = field(default_factory=dict)


@frozen
class ToolInputStart:
    """A tool call begins. `call_id` is the id that its result will name."""

    choice: int
    id: str
    call_id: str
    name: str
    _: KW_ONLY
    kind: Literal["function", "custom"] = "function"
    signature: str | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class ToolInputDelta:
    """More of the call's arguments, as text."""

    choice: int
    id: str
    text: str


@frozen
class ToolInputEnd:
    """The call is whole."""

    choice: int
    id: str
    _: KW_ONLY
    extensions: Extensions = field(default_factory=dict)


@frozen
class RefusalStart:
    """A refusal begins."""

    choice: int
    id: str
    _: KW_ONLY
    extensions: Extensions = field(default_factory=dict)


@frozen
class RefusalDelta:
    """More of the refusal."""

    choice: int
    id: str
    text: str


@frozen
class RefusalEnd:
    """The refusal is whole."""

    choice: int
    id: str
    _: KW_ONLY
    extensions: Extensions = field(default_factory=dict)


@frozen
class AudioStart:
    """Spoken answer begins. `item` is the provider's id of it; `media_type` None is what the client asked for."""

    choice: int
    id: str
    item: str | None = None
    media_type: str | None = None


@frozen
class AudioDelta:
    """More sound (base64 of whole samples) or more of the transcript."""

    choice: int
    id: str
    data: str = ""
    transcript: str = ""


@frozen
class AudioEnd:
    """The sound is whole. `expires_at` is Unix seconds."""

    choice: int
    id: str
    expires_at: int | None = None


@frozen
class PartWhole:
    """A part that comes in one piece: redacted thinking, a picture, a provider's own content."""

    choice: int
    id: str
    part: Part


@frozen
class LogprobsDelta:
    """Log probabilities of the tokens since the last of these."""

    choice: int
    logprobs: Logprobs


@frozen
class ChoiceEnd:
    """Why this choice ended. All its blocks have ended before."""

    choice: int
    finish: Finish
    _: KW_ONLY
    extensions: Extensions = field(default_factory=dict)


@frozen
class UsageReport:
    """Tokens so far, cumulative."""

    usage: Usage
    _: KW_ONLY
    service_tier: str | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class ResponseEnd:
    """The provider said that its answer is complete."""


@frozen
class ResponseError:
    """The provider ended its stream with an error."""

    error: ProviderError


ChatEvent = (
    ResponseStart
    | TextStart
    | TextDelta
    | CitationDelta
    | TextEnd
    | ThinkingStart
    | ThinkingDelta
    | ThinkingEnd
    | ToolInputStart
    | ToolInputDelta
    | ToolInputEnd
    | RefusalStart
    | RefusalDelta
    | RefusalEnd
    | AudioStart
    | AudioDelta
    | AudioEnd
    | PartWhole
    | LogprobsDelta
    | ChoiceEnd
    | UsageReport
    | ResponseEnd
    | ResponseError
)
