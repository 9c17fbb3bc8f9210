"""The spans of one traced request: SERVER, under it one CLIENT span for the logical call, under that one per attempt,
and under that one for HTTP.

Usage is on the logical call alone: on both levels it would count twice in sums.
"""

from collections.abc import Mapping
from contextvars import Token
from functools import lru_cache
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry import names
from havuz_gateway.telemetry.recording import CLIENT, INTERNAL, SERVER, Recorder, SpanRecord, Value

_MAX_WORD = 256
_DEFAULT_PORTS = {"https": 443, "http": 80}


class RequestTrace:
    """A traced request. Every `end…` may be called again; the first one counts."""

    __slots__ = ("_call", "_http", "_recorder", "_server", "_stream")

    def __init__(
        self, recorder: Recorder, caller: SpanContext | None, *, http: Recorder, method: str, path: str
    ) -> None:
        self._recorder = recorder
        self._http = http
        self._call: SpanRecord | None = None
        self._stream = False
        attributes: dict[str, Value] = {
            names.HTTP_METHOD: method,
            names.HTTP_ROUTE: path,
            names.URL_PATH: path,
            names.URL_SCHEME: "http",
        }
        self._server = recorder.begin(f"{method} {path}", SERVER, attributes, caller=caller)

    @property
    def trace_id(self) -> str:
        """The trace's id, as logs and headers show it: 32 hex digits."""
        return f"{self._server.trace_id:032x}"

    def begin_call(self, *, operation: str, model: str, stream: bool, parameters: Mapping[str, Any]) -> None:
        """Start the logical call. `model` is the public id; of `parameters`, only numbers and known words are kept."""
        self._stream = stream
        attributes: dict[str, Value] = {names.OPERATION: operation, names.REQUEST_MODEL: model}
        if stream:
            attributes[names.REQUEST_STREAM] = True
        if operation in names.OUTPUT_OF_ACTION:
            attributes[names.OUTPUT_TYPE] = names.OUTPUT_OF_ACTION[operation]
        attributes.update(request_attributes(parameters))
        self._call = self._recorder.under(self._server, f"{operation} {model}", CLIENT, attributes)

    def begin_attempt(
        self, *, number: int, provider: str, url: str, upstream_key: str, upstream_model: str
    ) -> "AttemptTrace":
        """Start the span of one call to an upstream. `number` counts from 1; of `url`, host and port are kept."""
        parent = self._call or self._server
        if self._call is not None:
            self._call.attributes[names.PROVIDER] = provider
        attributes: dict[str, Value] = {
            names.HTTP_METHOD: "POST",
            names.ATTEMPT: number,
            names.UPSTREAM_KEY: upstream_key,
            names.UPSTREAM_MODEL: upstream_model,
            **_server_of(url)[1],
        }
        if number > 1:
            attributes[names.HTTP_RESEND_COUNT] = number - 1
        return AttemptTrace(self._recorder.under(parent, "POST", INTERNAL, attributes), self._http)

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
        attributes = span.attributes
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
        span.end(names.error_word(error_type))

    def end(self, *, status: int | None, error_type: str | None) -> None:
        """End the request. A 4xx is the client's own: it does not make the server span an error."""
        if self._call is not None:
            self._call.end(names.error_word(error_type))
            self._call = None
        if status is not None and not self._server.end_ns:
            self._server.attributes[names.HTTP_STATUS] = status
        fault = error_type if status is None or status >= 500 or error_type == "cancelled" else None
        self._server.end(names.error_word(fault))


class AttemptTrace:
    """One call to an upstream. As a context manager it is the current span of OpenTelemetry's API, for the
    instrumentation of an HTTP client that is not our own."""

    __slots__ = ("_http", "_span", "_token")

    def __init__(self, span: SpanRecord, http: Recorder) -> None:
        self._span = span
        self._http = http
        self._token: Token[Context] | None = None

    def __enter__(self) -> "AttemptTrace":
        own = SpanContext(
            self._span.trace_id, self._span.span_id, is_remote=False, trace_flags=TraceFlags(1),
            trace_state=self._span.state,
        )  # fmt: skip
        # a context of this span and nothing else: neither baggage nor state of another request leaks into a call
        self._token = contexts.attach(set_span_in_context(NonRecordingSpan(own), Context()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            contexts.detach(self._token)
            self._token = None

    def begin_http(self, method: str, url: str) -> "HttpTrace":
        """Start the span of one HTTP request. Of `url`, neither a user nor a query is kept."""
        full, server = _server_of(url)
        attributes: dict[str, Value] = {names.HTTP_METHOD: method, names.URL_FULL: full, **server}
        return HttpTrace(self._http.under(self._span, method, CLIENT, attributes))

    def end(self, *, status: int | None, verdict: str | None, error_type: str | None, committed: bool) -> None:
        """End the attempt. `verdict` is "ok" or the reason it failed for, None where nobody could tell."""
        attributes = self._span.attributes
        attributes[names.COMMITTED] = committed
        if status is not None:
            attributes[names.HTTP_STATUS] = status
        if verdict is not None:
            attributes[names.VERDICT] = verdict
        self._span.end(names.error_word(error_type))


class HttpTrace:
    """One HTTP request to an upstream, up to the head of its answer.

    https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client
    """

    __slots__ = ("_span",)

    def __init__(self, span: SpanRecord) -> None:
        self._span = span

    @property
    def headers(self) -> Mapping[str, str]:
        """What tells the upstream of the trace."""
        return self._span.headers()

    def answered(self, status: int) -> None:
        """A head has come. A status from 400 on is an error to whoever asked."""
        self._span.attributes[names.HTTP_STATUS] = status
        self._span.attributes[names.PROTOCOL_VERSION] = "1.1"
        self._span.end(str(status) if status >= 400 else None)

    def failed(self, error_type: str) -> None:
        """None has come. `error_type` is one of a few words."""
        self._span.end(error_type)


def request_attributes(parameters: Mapping[str, Any]) -> dict[str, Value]:
    """`gen_ai.request.*` from a body's fields: numbers and known words, never text that a client wrote."""
    found: dict[str, Value] = {}
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


def _usage_attributes(usage: Usage) -> dict[str, Value]:
    attributes: dict[str, Value] = {names.USAGE_INPUT: usage.input, names.USAGE_OUTPUT: usage.output}
    if usage.cache_read:
        attributes[names.USAGE_CACHE_READ] = usage.cache_read
    if usage.cache_write:
        attributes[names.USAGE_CACHE_WRITE] = usage.cache_write
    if usage.reasoning:
        attributes[names.USAGE_REASONING] = usage.reasoning
    return attributes


@lru_cache(maxsize=4096)
def _server_of(url: str) -> tuple[str, Mapping[str, Value]]:
    """A URL without user, query and fragment, and the attributes of its host and port."""
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        port = None
    attributes: dict[str, Value] = {}
    if parts.hostname:
        attributes[names.SERVER_ADDRESS] = parts.hostname
    if port is not None:
        attributes[names.SERVER_PORT] = port
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl(), attributes
