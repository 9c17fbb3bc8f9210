"""Step 4: one call to one upstream, up to the moment its answer may go to the client.

The outcome is a value: `Opened` (an answer is ready, or a stream has shown its first content) or `Failed` (a verdict).
Until `Opened`, nothing of this attempt has reached the client, so that another upstream can still be asked.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import NoReturn

from havuz_contract.snapshot.models import Failover
from havuz_gateway.pipeline.outgoing import Outgoing
from havuz_gateway.pipeline.patience import Patience
from havuz_gateway.pipeline.services import Bounds
from havuz_gateway.pipeline.types import Attempt
from havuz_gateway.pool import classify
from havuz_gateway.pool.verdict import Verdict
from havuz_gateway.protocols.answer import Answer
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.tap import Tap
from havuz_gateway.protocols.wire import Wire
from havuz_gateway.providers.base import ProviderCall
from havuz_gateway.transport.base import TransportFailure, UpstreamResponse

_MAX_ERROR_BYTES = 256 * 1024
_EVENT_STREAM = "text/event-stream"
_WORDS = ("application/json", "text/")  # types of an answer that is no sound


@dataclass(slots=True)
class Opened:
    """An answer that may go to the client: whole (`answer`), or a stream that has shown its first content.

    `body` is the whole answer, or the events held up to and with the first content; `rest` is what follows.
    """

    response: UpstreamResponse
    body: bytes = field(repr=False)
    answer: Answer | None = None
    tap: Tap | None = None
    rest: AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that the client has not seen. `error` and `body` are the provider's words, where it gave any."""

    verdict: Verdict
    error: ProviderError | None = None
    body: bytes | None = field(default=None, repr=False)


_Reading = Callable[..., Awaitable[Opened]]


class _Refused(Exception):
    """Carries a `Failed` out of the depth of an attempt; never leaves this module."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.verdict.reason)
        self.failed = failed


async def attempt(
    current: Attempt, sent: Outgoing, *, failover: Failover, bounds: Bounds, wall: float, now: Callable[[], float]
) -> Opened | Failed:
    """Call the upstream of `current` with what is `sent`. `wall` is unix seconds, for hints that name a date.

    What an upstream does never raises; only cancellation passes through, and then nothing is left open.
    """
    stream = sent.call.stream
    first_token = failover.first_token if stream else None
    response: UpstreamResponse | None = None
    try:
        async with Patience(first_token) as patience:
            response = await _send(current, sent)
            current.candidate.member.site.reached(now())
            if not 200 <= response.status < 300:
                patience.renew(failover.idle)
                await _refuse(response, sent.wire, wall=wall)
            reading = _reading(sent.call, response)
            return await reading(sent.wire, response, patience, failover=failover, bounds=bounds, wall=wall)
    except BaseException as error:
        if response is not None:
            response.close()
        match error:
            case _Refused():
                return error.failed
            case TransportFailure():
                return Failed(classify.classify_transport(error))
            case AnswerUnreadable():
                return Failed(classify.garbage(str(error)))
            case TimeoutError():
                return Failed(classify.first_token_timeout())
            case _:
                raise


def _reading(call: ProviderCall, response: UpstreamResponse) -> _Reading:
    """How the answer is read. A model that can't stream transcriptions answers as if nobody had asked for a stream."""
    if not call.stream:
        return _open_bytes if call.answers == "bytes" else _open_answer
    if call.action == "transcription" and not _is_stream(response):
        return _open_answer
    return _open_stream


def _is_stream(response: UpstreamResponse) -> bool:
    return response.headers.get("content-type", "").lower().startswith(_EVENT_STREAM)


async def _send(current: Attempt, sent: Outgoing) -> UpstreamResponse:
    member = current.candidate.member
    request = member.provider.request(member.upstream, sent.call)
    if current.trace is None:
        response = await member.transport.send(request)
    else:
        with current.trace:
            response = await member.transport.send(request, traced=True)
    current.status = response.status
    return response


async def _refuse(response: UpstreamResponse, wire: Wire, *, wall: float) -> NoReturn:
    body = await response.read(_MAX_ERROR_BYTES)
    error = wire.read_error(body)
    verdict = classify.classify_response(response.status, response.headers, error, wall)
    raise _Refused(Failed(verdict, error, body))


async def _open_answer(
    wire: Wire,
    response: UpstreamResponse,
    patience: Patience,
    *,
    failover: Failover,
    bounds: Bounds,
    wall: float,
) -> Opened:
    """Read a whole JSON answer. Silence in the middle of it is bounded as in a stream."""
    pieces: list[bytes] = []
    size = 0
    patience.renew(failover.idle)
    async for chunk in response.chunks():
        pieces.append(chunk)
        size += len(chunk)
        if size > bounds.max_response_bytes:
            raise _Refused(Failed(classify.too_large(bounds.max_response_bytes)))
        patience.renew(failover.idle)
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    answer = wire.read_answer(body)
    if answer.error is not None:
        _refuse_in_band(answer.error, response, body, wall=wall)
    return Opened(response=response, body=answer.body, answer=answer)


async def _open_stream(
    wire: Wire,
    response: UpstreamResponse,
    patience: Patience,
    *,
    failover: Failover,
    bounds: Bounds,
    wall: float,
) -> Opened:
    """Read up to the first content. `patience` bounds the wait for the first event, then the silence between events."""
    if not _is_stream(response):
        await _refuse_no_stream(wire, response, wall=wall)
    tap = wire.tap(max_event_bytes=bounds.max_event_bytes)
    found = tap.found
    rest = response.chunks()
    async for chunk in rest:
        held = tap.feed(chunk)
        if found.error is not None and not found.committed:
            _refuse_in_band(found.error, response, None, wall=wall)
        if found.committed:
            return Opened(response=response, body=held, tap=tap, rest=rest)
        if found.seen_event:
            patience.renew(failover.idle)
    held = tap.end()
    if found.error is not None and not found.committed:
        _refuse_in_band(found.error, response, None, wall=wall)
    if not found.done:
        raise TransportFailure("broken", "the provider closed the stream before its first content")
    return Opened(response=response, body=held, tap=tap, rest=rest)


async def _open_bytes(
    wire: Wire,
    response: UpstreamResponse,
    patience: Patience,
    *,
    failover: Failover,
    bounds: Bounds,
    wall: float,
) -> Opened:
    """Read up to the first byte of sound."""
    if response.headers.get("content-type", "").lower().startswith(_WORDS):
        await _refuse_no_stream(wire, response, wall=wall)
    tap = wire.tap(max_event_bytes=bounds.max_event_bytes)
    rest = response.chunks()
    async for chunk in rest:
        return Opened(response=response, body=tap.feed(chunk), tap=tap, rest=rest)
    raise AnswerUnreadable("the provider's answer is empty")


async def _refuse_no_stream(wire: Wire, response: UpstreamResponse, *, wall: float) -> NoReturn:
    body = await response.read(_MAX_ERROR_BYTES)
    if b'"error"' in body:
        _refuse_in_band(wire.read_error(body), response, body, wall=wall)
    kind = response.headers.get("content-type", "no type")
    raise AnswerUnreadable(f"the provider answered with {kind!r}, not with what was asked for")


def _refuse_in_band(error: ProviderError, response: UpstreamResponse, body: bytes | None, *, wall: float) -> NoReturn:
    """An error told under status 200."""
    raise _Refused(Failed(classify.classify_stream_error(error, response.headers, wall), error, body))
