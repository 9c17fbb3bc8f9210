"""What was seen of an attempt, as a verdict. Pure; the rules are tables, and the first that matches decides.

A client's own mistake must never speak against a key, so words are trusted only where a client's text can't stand: in
codes and types, and at the start of a message.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from havuz_gateway.pool.hints import retry_hint
from havuz_gateway.pool.phrases import (
    CONTEXT_CODES,
    CONTEXT_WORDS,
    EDGE_WORDS,
    IN_BAND_STATUS,
    KEY_WORDS,
    MISSING_CODES,
    MISSING_WORDS,
    OTHER_OBJECT_WORDS,
    POLICY_CODES,
    POLICY_WORDS,
    QUOTA_CODES,
    QUOTA_WORDS,
    REFUSED_WORDS,
    THIS_REQUEST_WORDS,
)
from havuz_gateway.pool.verdict import Next, Reason, Scope, Verdict
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.transport.base import TransportFailure

_MESSAGE_LIMIT = 300
_SECRET = re.compile(r"\b(?:(?:sk|pk|rk|gsk|xai|key)[-_]|AIza|Bearer )[\w*.-]{6,}|[A-Za-z0-9_-]{40,}", re.ASCII)

# Whom each reason is about, and what the request does next.
_CONSEQUENCES = {
    Reason.CONNECT: (Scope.UPSTREAM, Next.NEXT_KEY),
    Reason.TIMEOUT: (Scope.KEY, Next.NEXT_KEY),
    Reason.SERVER_ERROR: (Scope.KEY, Next.NEXT_KEY),
    Reason.RATE_LIMITED: (Scope.KEY_MODEL, Next.NEXT_KEY),
    Reason.EXHAUSTED: (Scope.KEY, Next.NEXT_KEY),
    Reason.REJECTED: (Scope.KEY, Next.NEXT_KEY),
    Reason.MODEL_MISSING: (Scope.KEY_MODEL, Next.NEXT_TARGET),
    Reason.CONTEXT_LENGTH: (Scope.REQUEST, Next.LARGER_WINDOW),
    Reason.CLIENT_ERROR: (Scope.REQUEST, Next.CLIENT),
    Reason.BROKEN: (Scope.KEY, Next.CLIENT),
}
_TRANSPORT = {
    "connect": Reason.CONNECT,
    "tls": Reason.CONNECT,
    "reset": Reason.CONNECT,
    "timeout": Reason.TIMEOUT,
    "protocol": Reason.SERVER_ERROR,
    "broken": Reason.SERVER_ERROR,
}
_STATUSES = {
    401: Reason.REJECTED,
    402: Reason.EXHAUSTED,
    403: Reason.REJECTED,
    404: Reason.MODEL_MISSING,
    408: Reason.TIMEOUT,
    429: Reason.RATE_LIMITED,
    498: Reason.RATE_LIMITED,  # Groq: no capacity left in this tier of service
}
# Google's quotas per day come with a delay of seconds, which is the one of the quota per minute.
_DAILY = re.compile(r"per ?day", re.IGNORECASE)


def classify_response(status: int, headers: Mapping[str, str], error: ProviderError, now_wall: float) -> Verdict:
    """The verdict of an answer that is no 2xx. `now_wall` is unix seconds, for hints that name a date."""
    reason = _reason(status, headers, error)
    hint = retry_hint(headers, error, now_wall)
    if reason is Reason.EXHAUSTED and _daily(error):
        hint = None
    message = error.message or f"HTTP status {status} without a word"
    verdict = _verdict(reason, message, status=status, retry_after=hint)
    if verdict.next is not Next.CLIENT and THIS_REQUEST_WORDS.match(error.message):
        return replace(verdict, scope=Scope.REQUEST)
    edge = reason is Reason.RATE_LIMITED and _from_edge(headers, error)
    return replace(verdict, scope=Scope.UPSTREAM) if edge else verdict


def classify_stream_error(error: ProviderError, headers: Mapping[str, str], now_wall: float) -> Verdict:
    """The verdict of an error told under status 200, as a stream's first event or as a whole answer."""
    return classify_response(_in_band_status(error), headers, error, now_wall)


def classify_transport(failure: TransportFailure) -> Verdict:
    """The verdict of a call that failed below HTTP."""
    verdict = _verdict(_TRANSPORT[failure.kind], str(failure))
    # a connection that was made and then reset may be about this one key, or this one request
    return replace(verdict, scope=Scope.KEY) if failure.kind == "reset" else verdict


def first_token_timeout() -> Verdict:
    """Nothing came in time."""
    return _verdict(Reason.TIMEOUT, "no answer within the time allowed for the first event")


def garbage(message: str) -> Verdict:
    """A 200 that is no answer: not JSON, or no event stream."""
    return _verdict(Reason.SERVER_ERROR, message)


def too_large(limit: int) -> Verdict:
    """A whole answer over `limit` bytes: as much as the client asked for, which is no fault of any key."""
    return _verdict(Reason.CLIENT_ERROR, f"the answer is larger than {limit} bytes: ask for less in one request")


def broken() -> Verdict:
    """The answer broke off after its first content had been sent on."""
    return _verdict(Reason.BROKEN, "the stream broke off after its first content")


def without_secrets(text: str) -> str:
    """`text` on one line, bounded, with everything that looks like a credential taken out."""
    return _SECRET.sub("[…]", " ".join(text[: 4 * _MESSAGE_LIMIT].split()))[:_MESSAGE_LIMIT]


def _verdict(reason: Reason, message: str, *, status: int | None = None, retry_after: float | None = None) -> Verdict:
    scope, following = _CONSEQUENCES[reason]
    return Verdict(reason, scope, following, retry_after, status, without_secrets(message))


def _reason(status: int, headers: Mapping[str, str], error: ProviderError) -> Reason:
    if status >= 500 or status < 400:  # a redirect is not followed: the base URL is wrong
        # some servers answer 500 for a prompt that is too long, which is no fault of theirs
        too_long = _words_of(error) & CONTEXT_CODES or CONTEXT_WORDS.match(error.message)
        return Reason.CONTEXT_LENGTH if too_long else Reason.SERVER_ERROR
    by_words = _by_words(status, error)
    if by_words is not None:
        return by_words
    if status == 403 and _from_edge(headers, error):
        return Reason.SERVER_ERROR  # a firewall in between spoke, which may have disliked this one prompt
    return _STATUSES.get(status, Reason.CLIENT_ERROR)


def _from_edge(headers: Mapping[str, str], error: ProviderError) -> bool:
    """Whether something in front of the provider spoke, such as a content network, which knows callers by address."""
    html = headers.get("content-type", "").lower().startswith("text/html")
    return html or EDGE_WORDS.match(error.message) is not None


def _by_words(status: int, error: ProviderError) -> Reason | None:
    """What the provider's own words say where they are more precise than its status."""
    words = _words_of(error)
    match status:
        case 400 | 402 | 413 | 422:
            return _by_words_of_a_refusal(words, error)
        case 403:
            return _by_words_of_a_ban(words, error)
        case 404:
            about_other = error.param not in (None, "model") or OTHER_OBJECT_WORDS.match(error.message)
            return Reason.CLIENT_ERROR if about_other and not words & MISSING_CODES else None
        case 429:
            return Reason.EXHAUSTED if _exhausted(words, error) else None
        case _:
            return None


def _by_words_of_a_refusal(words: frozenset[str], error: ProviderError) -> Reason | None:
    if words & CONTEXT_CODES or CONTEXT_WORDS.search(error.message):
        return Reason.CONTEXT_LENGTH
    if _exhausted(words, error):
        return Reason.EXHAUSTED
    if words & MISSING_CODES or MISSING_WORDS.match(error.message):
        return Reason.MODEL_MISSING
    bad_key = error.status == "INVALID_ARGUMENT" and KEY_WORDS.match(error.message)
    if bad_key or REFUSED_WORDS.match(error.message):
        return Reason.REJECTED
    if "rate_limit_exceeded" in words:
        return Reason.RATE_LIMITED
    return None


def _by_words_of_a_ban(words: frozenset[str], error: ProviderError) -> Reason | None:
    if words & POLICY_CODES or POLICY_WORDS.match(error.message):
        return Reason.CLIENT_ERROR
    if words & MISSING_CODES or MISSING_WORDS.match(error.message):
        return Reason.MODEL_MISSING
    return Reason.EXHAUSTED if _exhausted(words, error) else None


def _exhausted(words: frozenset[str], error: ProviderError) -> bool:
    if error.status == "RESOURCE_EXHAUSTED":
        return _daily(error)  # the sentence is the same for a quota per minute
    billing = any(word.startswith("billing_") for word in words)
    return billing or bool(words & QUOTA_CODES) or QUOTA_WORDS.match(error.message) is not None


def _daily(error: ProviderError) -> bool:
    if error.status != "RESOURCE_EXHAUSTED":
        return False
    return _DAILY.search(error.quota or error.message) is not None


def _words_of(error: ProviderError) -> frozenset[str]:
    return frozenset(word for word in (error.code, error.type) if isinstance(word, str))


def _in_band_status(error: ProviderError) -> int:
    """The HTTP status that an error under status 200 stands for; 500 where it does not say."""
    for word in (error.code, error.status, error.type):
        if isinstance(word, int) and 400 <= word < 600:
            return word
        if isinstance(word, str):
            if word.isdecimal() and 400 <= int(word[:9]) < 600:
                return int(word)
            if word in IN_BAND_STATUS:
                return IN_BAND_STATUS[word]
    return 500
