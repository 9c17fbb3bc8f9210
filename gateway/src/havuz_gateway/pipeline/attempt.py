"""Step 4: one call to one upstream, up to the moment its answer may go to the client.

The outcome is a value: `Opened` (an answer is ready, or a stream has shown its first content) or `Failed` (a verdict).
Until `Opened`, nothing of this attempt has reached the client, so that another upstream can still be asked.
"""

from collections.abc import AsyncIterator, Callable
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
from havuz_gateway.values import frozen

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


@frozen
class Failed:
    """An attempt that the client has not seen. `error` and `body` are the provider's words, where it gave any."""

    verdict: Verdict
    error: ProviderError | None = None
    body: bytes | None = field(default=None, repr=False)


class _Refused(Exception):
    """Carries a `Failed` out of the depth of an attempt; never leaves this module."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.verdict.reason)
        self.failed = failed


async def attempt(
    current: Attempt,
    sent: Outgoing,
    *,
    failover: Failover,
    bounds: Bounds,
    wall: float,
    now: Callable[[], float],
    hopeless: Callable[[float], bool] | None = None,
) -> Opened | Failed:
    """Call the upstream of `current` with what is `sent`. `wall` is unix seconds, for hints that name a date.

    `hopeless` is asked, after half of a time limit of so many seconds, whether to wait any longer is in vain.
    What an upstream does never raises; only cancellation passes through, and then nothing is left open.
    """
    stream = sent.call.stream
    first_token = failover.first_token if stream else None
    response: UpstreamResponse | None = None
    try:
        async with Patience(first_token, hopeless=hopeless) as patience:
            response = await _send(current, sent)
            current.candidate.member.site.reached(now())
            if not 200 <= response.status < 300:
                patience.renew(failover.idle)
                await _refuse(response, sent.wire, wall=wall)
            reading = _Reading(sent.wire, response, patience, failover.idle, bounds, wall)
            return await reading.open(sent.call)
    except BaseException as error:
        if response is not None:
            response.close()
        failed = _failed(error)
        if failed is None:
            raise
        return failed


def _failed(error: BaseException) -> Failed | None:
    """What an attempt's end says of the upstream; None if that is not what ended it."""
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
            return None


def _is_stream(response: UpstreamResponse) -> bool:
    return response.headers.get("content-type", "").lower().startswith(_EVENT_STREAM)


async def _send(current: Attempt, sent: Outgoing) -> UpstreamResponse:
    member = current.candidate.member
    request = member.provider.request(member.upstream, sent.call)
    response = await member.transport.send(request, trace=current.trace)
    current.status = response.status
    return response


async def _refuse(response: UpstreamResponse, wire: Wire, *, wall: float) -> NoReturn:
    body = await response.read(_MAX_ERROR_BYTES)
    error = wire.read_error(body)
    verdict = classify.classify_response(response.status, response.headers, error, wall)
    raise _Refused(Failed(verdict, error, body))


@frozen
class _Reading:
    """An answer under status 200, as far as it is read before the client sees any of it.

    `idle` is the longest silence in seconds, which `patience` is renewed with; `wall` is unix seconds.
    """

    wire: Wire
    response: UpstreamResponse
    patience: Patience
    idle: float
    bounds: Bounds
    wall: float

    async def open(self, call: ProviderCall) -> Opened:
        """Read it as it was asked for. A model that can't stream transcriptions answers as if nobody had."""
        if not call.stream:
            return await (self._bytes() if call.answers == "bytes" else self._whole())
        if call.action == "transcription" and not _is_stream(self.response):
            return await self._whole()
        return await self._stream()

    async def _whole(self) -> Opened:
        """Read a whole JSON answer. Silence in the middle of it is bounded as in a stream."""
        pieces: list[bytes] = []
        size, most = 0, self.bounds.max_response_bytes
        self.patience.renew(self.idle)
        async for chunk in self.response.chunks():
            pieces.append(chunk)
            size += len(chunk)
            if size > most:
                raise _Refused(Failed(classify.too_large(most)))
            self.patience.renew(self.idle)
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        answer = self.wire.read_answer(body)
        if answer.error is not None:
            self._refuse(answer.error, body)
        return Opened(response=self.response, body=answer.body, answer=answer)

    async def _stream(self) -> Opened:
        """Read up to the first content. `patience` bounds the wait for the first event, then the silence after it."""
        if not _is_stream(self.response):
            await self._refuse_no_stream()
        tap = self.wire.tap(max_event_bytes=self.bounds.max_event_bytes)
        found, rest = tap.found, self.response.chunks()
        async for chunk in rest:
            held = tap.feed(chunk)
            if found.committed:
                return Opened(response=self.response, body=held, tap=tap, rest=rest)
            if found.error is not None:
                break
            if found.seen_event:
                self.patience.renew(self.idle)
        else:
            held = tap.end()
        if found.error is not None:
            self._refuse(found.error, None)
        if not found.done:
            raise TransportFailure("broken", "the provider closed the stream before its first content")
        return Opened(response=self.response, body=held, tap=tap, rest=rest)

    async def _bytes(self) -> Opened:
        """Read up to the first byte of sound."""
        if self.response.headers.get("content-type", "").lower().startswith(_WORDS):
            await self._refuse_no_stream()
        tap = self.wire.tap(max_event_bytes=self.bounds.max_event_bytes)
        rest = self.response.chunks()
        async for chunk in rest:
            return Opened(response=self.response, body=tap.feed(chunk), tap=tap, rest=rest)
        raise AnswerUnreadable("the provider's answer is empty")

    async def _refuse_no_stream(self) -> NoReturn:
        body = await self.response.read(_MAX_ERROR_BYTES)
        if b'"error"' in body:
            self._refuse(self.wire.read_error(body), body)
        kind = self.response.headers.get("content-type", "no type")
        raise AnswerUnreadable(f"the provider answered with {kind!r}, not with what was asked for")

    def _refuse(self, error: ProviderError, body: bytes | None) -> NoReturn:
        """An error told under status 200."""
        raise _Refused(Failed(classify.classify_stream_error(error, self.response.headers, self.wall), error, body))
