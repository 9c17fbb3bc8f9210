"""The spans of one traced request: SERVER, under it one CLIENT span for the logical call, under that one per attempt.

Usage is on the logical call alone: on both levels it would count twice in sums.
"""

from collections.abc import Mapping
from contextvars import Token
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry import names

_MAX_WORD = 256
_DEFAULT_PORTS = {"https": 443, "http": 80}


class RequestTrace:
    """A traced request. Every `end…` may be called again; the first one counts."""

    __slots__ = ("_call", "_server", "_stream", "_tracer")

    def __init__(self, tracer: Tracer, parent: Context, *, method: str, path: str) -> None:
        self._tracer = tracer
        self._call: Span | None = None
        self._stream = False
        self._server = tracer.start_span(
            f"{method} {path}",
            context=parent,
            kind=SpanKind.SERVER,
            attributes={
                names.HTTP_METHOD: method,
                names.HTTP_ROUTE: path,
                names.URL_PATH: path,
                names.URL_SCHEME: "http",
            },
        )

    @property
    def trace_id(self) -> str:
        """The trace's id, as logs and headers show it: 32 hex digits."""
        return f"{self._server.get_span_context().trace_id:032x}"

    def begin_call(self, *, operation: str, model: str, stream: bool, parameters: Mapping[str, Any]) -> None:
        """Start the logical call. `model` is the public id; of `parameters`, only numbers and known words are kept."""
        self._stream = stream
        attributes: dict[str, AttributeValue] = {names.OPERATION: operation, names.REQUEST_MODEL: model}
        if stream:
            attributes[names.REQUEST_STREAM] = True
        if operation in names.OUTPUT_OF_ACTION:
            attributes[names.OUTPUT_TYPE] = names.OUTPUT_OF_ACTION[operation]
        attributes.update(request_attributes(parameters))
        self._call = self._tracer.start_span(
            f"{operation} {model}", context=_under(self._server), kind=SpanKind.CLIENT, attributes=attributes
        )

    def begin_attempt(
        self, *, number: int, provider: str, url: str, upstream_key: str, upstream_model: str
    ) -> "AttemptTrace":
        """Start the span of one call to an upstream. `number` counts from 1; of `url`, host and port are kept."""
        parent = self._call or self._server
        if self._call is not None:
            self._call.set_attribute(names.PROVIDER, provider)
        attributes: dict[str, AttributeValue] = {
            names.HTTP_METHOD: "POST",
            names.ATTEMPT: number,
            names.UPSTREAM_KEY: upstream_key,
            names.UPSTREAM_MODEL: upstream_model,
            **_server_attributes(url),
        }
        if number > 1:
            attributes[names.HTTP_RESEND_COUNT] = number - 1
        return AttemptTrace(self._tracer.start_span("POST", context=_under(parent), attributes=attributes))

    def end_call(
        self,
        *,
        provider: str | None,
        response_id: str | None,
        response_model: str | None,
        finish_reasons: tuple[str, ...],
        usage: Usage | None,
        time_to_first_chunk: float | None,
        error_type: str | None,
    ) -> None:
        """End the logical call with what the answer said. Times are seconds."""
        span, self._call = self._call, None
        if span is None:
            return
        attributes: dict[str, AttributeValue] = {}
        if provider is not None:
            attributes[names.PROVIDER] = provider
        if response_id:
            attributes[names.RESPONSE_ID] = response_id[:_MAX_WORD]
        if response_model:
            attributes[names.RESPONSE_MODEL] = response_model[:_MAX_WORD]
        if finish_reasons:
            attributes[names.FINISH_REASONS] = [reason[:_MAX_WORD] for reason in finish_reasons]
        if usage is not None:
            attributes.update(_usage_attributes(usage))
        if time_to_first_chunk is not None and self._stream:
            attributes[names.TIME_TO_FIRST_CHUNK] = time_to_first_chunk
        span.set_attributes(attributes)
        _end(span, error_type)

    def end(self, *, status: int | None, error_type: str | None) -> None:
        """End the request. A 4xx is the client's own: it does not make the server span an error."""
        if self._call is not None:
            _end(self._call, error_type)
            self._call = None
        if status is not None:
            self._server.set_attribute(names.HTTP_STATUS, status)
        fault = error_type if status is None or status >= 500 or error_type == "cancelled" else None
        _end(self._server, fault)


class AttemptTrace:
    """One call to an upstream. As a context manager it is the current span, so that the HTTP client's nests in it."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Context] | None = None

    def __enter__(self) -> "AttemptTrace":
        self._token = contexts.attach(_under(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            contexts.detach(self._token)
            self._token = None

    def end(self, *, status: int | None, verdict: str | None, error_type: str | None, committed: bool) -> None:
        """End the attempt. `verdict` is "ok" or the reason it failed for, None where nobody could tell."""
        attributes: dict[str, AttributeValue] = {names.COMMITTED: committed}
        if status is not None:
            attributes[names.HTTP_STATUS] = status
        if verdict is not None:
            attributes[names.VERDICT] = verdict
        self._span.set_attributes(attributes)
        _end(self._span, error_type)


def request_attributes(parameters: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """`gen_ai.request.*` from a body's fields: numbers and known words, never text that a client wrote."""
    found: dict[str, AttributeValue] = {}
    for name, value in parameters.items():
        attribute = names.REQUEST_NUMBERS.get(name)
        if attribute is not None and isinstance(value, int | float) and not isinstance(value, bool):
            found[attribute] = value
        elif name in names.REQUEST_WORDS and isinstance(value, str):
            attribute, words = names.REQUEST_WORDS[name]
            if value in words:
                found[attribute] = value
    form = parameters.get("response_format")
    kind = names.OUTPUT_TYPES.get(str(form.get("type"))) if isinstance(form, dict) else None
    if kind is not None:
        found[names.OUTPUT_TYPE] = kind
    return found


def _usage_attributes(usage: Usage) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {names.USAGE_INPUT: usage.input, names.USAGE_OUTPUT: usage.output}
    if usage.cache_read:
        attributes[names.USAGE_CACHE_READ] = usage.cache_read
    if usage.cache_write:
        attributes[names.USAGE_CACHE_WRITE] = usage.cache_write
    if usage.reasoning:
        attributes[names.USAGE_REASONING] = usage.reasoning
    return attributes


def _server_attributes(url: str) -> dict[str, AttributeValue]:
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        port = None
    attributes: dict[str, AttributeValue] = {}
    if parts.hostname:
        attributes[names.SERVER_ADDRESS] = parts.hostname
    if port is not None:
        attributes[names.SERVER_PORT] = port
    return attributes


def _under(span: Span) -> Context:
    """A context of this span and nothing else: neither baggage nor state of another request leaks into a call."""
    return set_span_in_context(span, Context())


def _end(span: Span, error_type: str | None) -> None:
    if not span.is_recording():
        return
    word = names.error_word(error_type)
    if word is not None:
        span.set_attribute(names.ERROR_TYPE, word)
        span.set_status(Status(StatusCode.ERROR))
    span.end()
