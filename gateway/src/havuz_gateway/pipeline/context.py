"""The state of one request: made when it arrives, closed at settle."""

from dataclasses import dataclass, field
from typing import Literal

from havuz_gateway.metering.meter import Admission
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Attempt, Call, Identity, Plan
from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry.recorder import RequestTrace


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
    admission: Admission | None = None
    attempts: list[Attempt] = field(default_factory=list)
    dropped: tuple[str, ...] = ()
    usage: Usage | None = None
    response_id: str | None = None
    response_model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    first_content_at: float | None = None
    status: int | None = None  # what the client was told
    error_type: str | None = None
    ended: Literal["ok", "error", "cancelled"] = "ok"

    def answer_headers(self) -> dict[str, str]:
        """Headers that tell of the way the request took."""
        headers = {"x-havuz-attempts": str(len(self.attempts))}
        if self.dropped:
            headers["x-havuz-dropped"] = ",".join(self.dropped)
        return headers
