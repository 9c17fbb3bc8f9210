"""Step 5: move the answer to the client, as bytes, and never end a broken stream as if it were whole."""

import asyncio
from collections.abc import Callable, Mapping
from typing import NoReturn

from havuz_contract.snapshot.models import Failover
from havuz_gateway.errors import ProviderEndedStream, StreamBroken
from havuz_gateway.pipeline.attempt import Opened
from havuz_gateway.pipeline.context import Delivered
from havuz_gateway.pipeline.exchange import ClientGone, Writer
from havuz_gateway.pipeline.patience import Patience
from havuz_gateway.protocols import sse
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.tap import Tap
from havuz_gateway.transport.base import TransportFailure

STREAM_HEADERS = {
    "content-type": sse.CONTENT_TYPE,
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx in front would otherwise collect the events
}
_JSON_HEADERS = {"content-type": "application/json"}


class Keepalive:
    """Keeps a waiting stream's connection alive: after `interval` seconds without content, 200 and SSE comments.

    A timer, not a task: most requests end before it fires.
    """

    def __init__(self, writer: Writer, interval: float, headers: Callable[[], Mapping[str, str]]) -> None:
        self._writer = writer
        self._interval = interval
        self._headers = headers
        self._timer: asyncio.TimerHandle | None = None
        self._beat: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin to wait."""
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._fire)

    async def stop(self) -> None:
        """End it; a comment that is being written is written to its end first. Safe to repeat."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._beat is not None:
            await asyncio.wait((self._beat,))  # to await it itself would cancel it together with the request

    def _fire(self) -> None:
        self._beat = asyncio.get_running_loop().create_task(self._write(), name="keepalive")

    async def _write(self) -> None:
        try:
            if not self._writer.started:
                await self._writer.start(200, {**STREAM_HEADERS, **self._headers()})
            await self._writer.write(sse.COMMENT_KEEPALIVE)
        except ClientGone:
            return  # the request's own task is cancelled by the same hang-up
        if not self._stopped:
            self.start()


async def relay_answer(opened: Opened, writer: Writer, headers: Mapping[str, str]) -> None:
    """Send a whole answer, which may be the events of a stream that nobody streamed. Raises `ClientGone`."""
    kind = _JSON_HEADERS if opened.answer is None else {"content-type": opened.answer.content_type}
    if kind["content-type"] != sse.CONTENT_TYPE:
        await writer.respond(200, {**kind, **headers}, opened.body)
        return
    if not writer.started:
        await writer.start(200, {**STREAM_HEADERS, **headers})
    await writer.write(opened.body)
    await writer.end()


async def relay_estimate(body: bytes, writer: Writer, headers: Mapping[str, str]) -> None:
    """Send what the gateway itself could say, marked as an estimate. Raises `ClientGone`."""
    await writer.respond(200, {**_JSON_HEADERS, **headers, "x-havuz-estimated": "true"}, body)


async def relay_stream(opened: Opened, tap: Tap, writer: Writer, *, headers: Mapping[str, str],
                       failover: Failover, delivered: Delivered) -> None:  # fmt: skip
    """Send a stream to its end. Raises `StreamBroken` when the provider's breaks, `ClientGone`.

    An error event of the provider's own is sent on, and then raised as `StreamBroken` with nothing left to tell.
    """
    if not writer.started:
        await writer.start(200, {**STREAM_HEADERS, **headers})
    try:
        await _pump(opened, tap, writer, failover.idle, delivered)
    except TransportFailure as failure:
        await _tell_broken(f"the provider's stream broke off: {failure}", tap, writer)
    except AnswerUnreadable as error:
        await _tell_broken(f"the provider's stream is broken: {error}", tap, writer)
    except TimeoutError:
        await _tell_broken(f"the provider's stream broke off: nothing came for {failover.idle:g} seconds", tap, writer)
    if tap.found.error is not None:
        raise ProviderEndedStream(tap.found.error.message)
    if not tap.found.done:
        await _tell_broken("the provider's stream broke off before its end", tap, writer)
    await writer.end()


async def _tell_broken(sentence: str, tap: Tap, writer: Writer) -> NoReturn:
    """By the stream's own error event where it has a state that only the tap knows, else by the surface's."""
    told = tap.fail(ProviderError(sentence, type="api_error"))
    if not told:
        raise StreamBroken(sentence)
    await writer.write(told)
    raise ProviderEndedStream(sentence)


async def _pump(opened: Opened, tap: Tap, writer: Writer, idle: float, delivered: Delivered) -> None:
    """Write what is held, then whole events as they come. The clock runs only while the provider is awaited."""
    if opened.body:
        delivered.count(opened.body)
        await writer.write(opened.body)
    found = tap.found
    if found.done or found.error is not None or opened.rest is None:
        return
    async with Patience(idle) as patience:
        async for chunk in opened.rest:
            complete = tap.feed(chunk)
            if complete:
                patience.suspend()
                delivered.count(complete)
                await writer.write(complete)
            if found.done or found.error is not None:
                return
            patience.renew(idle)
    last = tap.end()
    if last:
        await writer.write(last)
