"""An answer, in the words of no protocol."""

from dataclasses import KW_ONLY, field

from havuz_gateway.protocols.neutral.content import Part
from havuz_gateway.protocols.neutral.extensions import Extensions
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.usage import Usage
from havuz_gateway.values import frozen


@frozen
class TokenLogprob:
    """One token and how likely it was; `top` are the likeliest at its place. `bytes` is its UTF-8."""

    token: str
    logprob: float
    _: KW_ONLY
    bytes: tuple[int, ...] | None = None
    top: tuple["TokenLogprob", ...] = ()


@frozen
class Logprobs:
    """Of the text, and of a refusal's text. None where the provider gave none."""

    content: tuple[TokenLogprob, ...] | None = None
    refusal: tuple[TokenLogprob, ...] | None = None


@frozen
class Choice:
    """One of the answers. `finish` None is an answer whose provider did not say why it ended."""

    content: tuple[Part, ...]
    finish: Finish | None
    _: KW_ONLY
    index: int = 0
    logprobs: Logprobs | None = None
    extensions: Extensions = field(default_factory=dict)


@frozen
class ChatResponse:
    """A whole answer. `created` is Unix seconds, None where the protocol has no such thing."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    _: KW_ONLY
    usage: Usage | None = None
    created: int | None = None
    service_tier: str | None = None
    extensions: Extensions = field(default_factory=dict)
