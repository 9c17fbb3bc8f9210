"""The state of one request: made when it arrives, closed at settle."""

from dataclasses import dataclass, field
from typing import Literal

from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.ticket import Ticket
from havuz_gateway.pipeline.types import Attempt, Call, Identity, Plan
from havuz_gateway.protocols import sse
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry.recorder import RequestTrace

_MOST_LISTED = 1_000  # characters: proxies refuse answers with large headers


def listed(names: tuple[str, ...]) -> str:
    """The names for a header or a log line: as many as fit, and how many more there are."""
    text = ",".join(names)
    if len(text) <= _MOST_LISTED:
        return text
    shown = text[: _MOST_LISTED + 1].rpartition(",")[0]
    return f"{shown}, and {len(names) - shown.count(',') - 1} more"


@dataclass(slots=True)
class Delivered:
    """How much of a stream went to the client: events, their bytes, and the bytes of an event without content.

    That is the first one, or `most_envelope` where the first one says much more than that.
    """

    events: int = 0
    size: int = 0
    envelope: int = 0
    most_envelope: int | None = None

    def count(self, complete: bytes) -> None:
        """Count whole events."""
        if not self.envelope:
            first = len(next(sse.events(complete), complete))
            self.envelope = first if self.most_envelope is None else min(first, self.most_envelope)
        self.events += complete.count(b"\ndata:") + complete.startswith(b"data:")
        self.size += len(complete)


@dataclass(slots=True)
class RequestContext:
    """What is known of a request so far. Times are monotonic seconds; `trace` is None for an unsampled request."""

    request: Request
    operation: str
    started_at: float
    trace: RequestTrace | None
    identity: Identity | None = None
    call: Call | None = None
    plan: Plan | None = None
    ticket: Ticket | None = None
    attempts: list[Attempt] = field(default_factory=list)
    dropped: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()  # dropped from a stream, which is known when its headers are long sent
    usage: Usage | None = None
    response_id: str | None = None
    response_model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    delivered: Delivered | None = None  # of a stream
    answer_tokens: int = 0  # of a whole answer that reports no usage, by its length
    draining: bool = False  # the client is gone, and the answer is read to its end all the same
    first_content_at: float | None = None
    status: int | None = None  # what the client was told
    error_type: str | None = None
    ended: Literal["ok", "error", "cancelled"] = "ok"

    def answer_headers(self) -> dict[str, str]:
        """Headers that tell of the way the request took."""
        headers = {"x-havuz-attempts": str(len(self.attempts))}
        if self.dropped:
            headers["x-havuz-dropped"] = listed(self.dropped)
        if self.ticket is not None:
            headers.update(self.ticket.admitted.headers)
        return headers
