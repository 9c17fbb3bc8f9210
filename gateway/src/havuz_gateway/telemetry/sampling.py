"""The decision whether a request is traced, taken before anything is made for it.

W3C trace context: https://www.w3.org/TR/trace-context/.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.trace import SpanContext, TraceFlags, TraceState

_SAMPLED = 0x01
_MAX_TRACESTATE = 512
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class Sampler:
    """`ratio` (0 to 1) of the requests is traced; with `parent_based`, a valid traceparent's flag decides instead."""

    ratio: float
    parent_based: bool
    rng: random.Random

    def decide(self, headers: Mapping[str, str]) -> bool:
        """Whether to trace a request with these headers (lower-case names)."""
        if self.parent_based:
            traceparent = headers.get("traceparent")
            if traceparent is not None:
                parent = read_traceparent(traceparent)
                if parent is not None:
                    return bool(parent.trace_flags & _SAMPLED)
        return self.ratio > 0.0 and (self.ratio >= 1.0 or self.rng.random() < self.ratio)


def read_traceparent(text: str, tracestate: str | None = None) -> SpanContext | None:
    """The caller's span, or None where the header is not valid (then a new trace begins)."""
    match = _TRACEPARENT.fullmatch(text.strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more):
        return None
    context = SpanContext(
        trace_id=int(trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16) & _SAMPLED),
        trace_state=_tracestate(tracestate),
    )
    return context if context.is_valid else None


def _tracestate(text: str | None) -> TraceState | None:
    return TraceState.from_header([text]) if text and len(text) <= _MAX_TRACESTATE else None
