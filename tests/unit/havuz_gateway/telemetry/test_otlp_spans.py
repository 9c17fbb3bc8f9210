"""Spans in protobuf, as the protobuf library reads them."""

import random

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from havuz_gateway.telemetry.otlp_spans import encode_request, encode_resource, encode_span
from havuz_gateway.telemetry.recording import CLIENT, INTERNAL, SERVER, Recorder, SpanRecord, Value

KINDS = {INTERNAL: SpanKind.INTERNAL, SERVER: SpanKind.SERVER, CLIENT: SpanKind.CLIENT}
TEXTS = st.text(max_size=300)
VALUES = st.one_of(
    TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.lists(TEXTS, max_size=3)
)
CALLERS = st.builds(
    SpanContext,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    is_remote=st.just(True),
    trace_flags=st.just(TraceFlags(1)),
    trace_state=st.sampled_from([None, TraceState([("vendor", "value"), ("other", "1")])]),
)


def by_the_sdk(span: SpanRecord, resource: Resource) -> ExportTraceServiceRequest:
    parent = None
    if span.parent_id is not None:
        parent = SpanContext(span.trace_id, span.parent_id, is_remote=span.parent_is_remote)
    readable = ReadableSpan(
        name=span.name,
        context=SpanContext(span.trace_id, span.span_id, is_remote=False, trace_state=span.state),
        parent=parent,
        resource=resource,
        attributes=span.attributes,
        kind=KINDS[span.kind],
        status=Status(StatusCode.ERROR if span.error else StatusCode.UNSET),
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=InstrumentationScope(span.scope),
    )
    return encode_spans([readable])


@given(
    name=TEXTS,
    kind=st.sampled_from(sorted(KINDS)),
    attributes=st.dictionaries(TEXTS, VALUES, max_size=5),
    caller=st.none() | CALLERS,
    failed=st.none() | TEXTS,
    clock=st.integers(1, 2**64 - 1),
    within=st.booleans(),
)
def test_a_span_reads_as_the_sdk_would_have_written_it(
    name: str,
    kind: int,
    attributes: dict[str, Value],
    caller: SpanContext | None,
    failed: str | None,
    clock: int,
    within: bool,
) -> None:
    ended: list[SpanRecord] = []
    recorder = Recorder("scope", ended=ended.append, rng=random.Random(1), clock=lambda: clock)
    span = recorder.begin(name, kind, attributes, caller=caller)
    if within:
        span = recorder.under(span, name, kind, attributes)
    span.end(failed)
    assert ended == [span]
    resource = Resource({"service.name": "havuz", "process.pid": 7, "list": ("a", "b")})
    written = encode_request(encode_resource(resource.attributes), {"scope": [encode_span(span)]})
    assert ExportTraceServiceRequest.FromString(written) == by_the_sdk(span, resource)


def test_requests_that_stand_behind_each_other_are_one() -> None:
    recorder = Recorder("scope", ended=print, rng=random.Random(1), clock=lambda: 1)
    spans = [encode_span(recorder.begin(name, INTERNAL, {}, caller=None)) for name in ("one", "two", "three")]
    one = encode_request(encode_resource({"a": "b"}), {"first": spans[:1], "second": spans[1:2]})
    other = encode_request(encode_resource({"c": "d"}), {"third": spans[2:]})
    read = ExportTraceServiceRequest.FromString(one + other)
    assert [
        (scope.scope.name, [span.name for span in scope.spans])
        for resource in read.resource_spans
        for scope in resource.scope_spans
    ] == [("first", ["one"]), ("second", ["two"]), ("third", ["three"])]
