"""A span while it is under way: made, told attributes, ended once, and then handed on.

The OpenTelemetry SDK's own spans, with their locks, limits and copies, cost several times as much as the request that
they tell of. They are for instrumentation of other people's; what is made here is exported beside them.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opentelemetry.trace import SpanContext, TraceState

Value = str | bool | int | float | list[str]
INTERNAL, SERVER, CLIENT = 1, 2, 3
"""Kinds, as OTLP numbers them: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto."""


class SpanRecord:
    """One span. `attributes` may be written to until `end`. Times are unix nanoseconds, ids whole numbers."""

    __slots__ = (
        "_recorder", "attributes", "end_ns", "error", "kind", "name", "parent_id", "parent_is_remote", "scope",
        "span_id", "start_ns", "state", "trace_id",
    )  # fmt: skip

    def __init__(self, recorder: "Recorder", name: str, kind: int, attributes: dict[str, Value]) -> None:
        self._recorder = recorder
        self.scope = recorder.scope
        self.name = name
        self.kind = kind
        self.attributes = attributes
        self.trace_id = 0
        self.span_id = recorder.new_id(64)
        self.parent_id: int | None = None
        self.parent_is_remote = False
        self.state: TraceState | None = None
        self.error = False
        self.start_ns = recorder.clock()
        self.end_ns = 0

    def end(self, error_type: str | None = None) -> None:
        """End it; only the first call counts. `error_type` is what failed, None where nothing did."""
        if self.end_ns:
            return
        if error_type is not None:
            self.attributes["error.type"] = error_type
            self.error = True
        self.end_ns = self._recorder.clock()
        self._recorder.ended(self)

    def headers(self) -> Mapping[str, str]:
        """What carries the trace on: https://www.w3.org/TR/trace-context/."""
        carried = {"traceparent": f"00-{self.trace_id:032x}-{self.span_id:016x}-01"}
        if self.state:
            carried["tracestate"] = self.state.to_header()
        return carried


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes the spans of one instrumentation scope and hands each to `ended`. `clock` gives unix nanoseconds."""

    scope: str
    ended: Callable[[SpanRecord], None]
    rng: random.Random
    clock: Callable[[], int]

    def new_id(self, bits: int) -> int:
        """A random id, which is never 0."""
        return self.rng.getrandbits(bits) or self.new_id(bits)

    def begin(self, name: str, kind: int, attributes: dict[str, Value], *, caller: SpanContext | None) -> SpanRecord:
        """The first span here: of the caller's trace, or of a new one."""
        span = SpanRecord(self, name, kind, attributes)
        if caller is None:
            span.trace_id = self.new_id(128)
        else:
            span.trace_id, span.parent_id, span.parent_is_remote = caller.trace_id, caller.span_id, True
            span.state = caller.trace_state
        return span

    def under(self, parent: SpanRecord, name: str, kind: int, attributes: dict[str, Value]) -> SpanRecord:
        """A span within another one."""
        span = SpanRecord(self, name, kind, attributes)
        span.trace_id, span.parent_id, span.state = parent.trace_id, parent.span_id, parent.state
        return span
