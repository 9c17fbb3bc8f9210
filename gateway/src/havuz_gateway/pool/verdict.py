"""Verdicts: what one attempt's outcome says, about whom, and what happens to the request.

The table of the documentation ("what happens when a provider fails") is here and nowhere else.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What was seen. The first seven are the failover reasons a ModelRoute may name."""

    CONNECT = "Connect"  # DNS, TCP, TLS, or a reset before the first byte
    TIMEOUT = "Timeout"  # 408, or no first event within firstToken
    RATE_LIMITED = "RateLimited"  # 429 that passes by itself
    SERVER_ERROR = "ServerError"  # 5xx, garbage, a body cut short
    REJECTED = "Rejected"  # 401, 403: the credential is refused
    EXHAUSTED = "Exhausted"  # quota or credit gone
    MODEL_MISSING = "ModelMissing"  # 404: not served there
    CONTEXT_LENGTH = "ContextLength"  # the prompt is too long for this target
    CLIENT_ERROR = "ClientError"  # any other 4xx: the request's own fault
    BROKEN = "Broken"  # cut after content was sent on


class Scope(StrEnum):
    """Whom a verdict is about."""

    KEY = "key"
    KEY_MODEL = "key-model"
    UPSTREAM = "upstream"  # the base URL, whichever key calls it
    REQUEST = "request"


class Next(StrEnum):
    """What the request does next."""

    NEXT_KEY = "next-key"
    NEXT_TARGET = "next-target"
    LARGER_WINDOW = "larger-window"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a failed attempt, classified. `retry_after` is the provider's own hint in seconds."""

    reason: Reason
    scope: Scope
    next: Next
    retry_after: float | None = None
    status: int | None = None  # the provider's HTTP status, where there was one
    message: str = ""  # the provider's words or the transport's, bounded, without secrets
