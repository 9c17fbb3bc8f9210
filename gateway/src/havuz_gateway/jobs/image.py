"""Drawing the pictures of an order: fetch what it changes, ask the route's upstreams, keep what they draw."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from havuz_gateway.errors import GatewayError, RateLimited, ServiceUnavailable
from havuz_gateway.metering.meter import Settlement
from havuz_gateway.pipeline.orders import Fulfilled, admitted_of, fulfil, links_of, picture_call, uncharged
from havuz_gateway.pipeline.services import Services
from havuz_gateway.protocols.json_text import dump, load
from havuz_gateway.tasks.answer import status_answer
from havuz_gateway.tasks.record import Order, Outcome, Task
from havuz_gateway.transport.guarded_fetch import FetchFailed, FetchLimits, FetchRefused

_log = logging.getLogger(__name__)
_TRIES = 3
_LONGEST_PAUSE_SECONDS = 30.0
_PUT_PAUSES = (1.0, 5.0)
_FETCH = FetchLimits()
_NOT_READ = "the model's answer can't be read: try again"


class ImageJob:
    """Does the work of a worker."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def do(self, task: Task, *, sending: Callable[[], Awaitable[None]]) -> Outcome:
        """Draw it. `sending` is awaited before a provider is asked."""
        try:
            members = await self._members(task.order)
        except (FetchRefused, FetchFailed) as error:
            return self.give_up(task, f"a picture of 'images' can't be used: {error}")
        await sending()
        fulfilled = await self._fulfilled(task, members)
        if fulfilled.body is None:
            reason = fulfilled.error.message if fulfilled.error is not None else _NOT_READ
            return Outcome("FAILED", error=reason, settlement=fulfilled.settlement)
        try:
            files = await self._kept(fulfilled.body)
        except GatewayError as error:
            return Outcome("FAILED", error=error.message, settlement=_for_nothing(fulfilled.settlement))
        except (FetchRefused, FetchFailed, ValueError) as error:
            _log.warning("an answer's pictures can't be kept", extra={"task": task.id, "error": str(error)})
            return Outcome("FAILED", error=_NOT_READ, settlement=_for_nothing(fulfilled.settlement))
        return Outcome("SUCCESS", files=files, settlement=fulfilled.settlement)

    def give_up(self, task: Task, reason: str) -> Outcome:
        """The outcome of a task that is not drawn: it costs nothing."""
        return Outcome("FAILED", error=reason, settlement=uncharged(task))

    async def close(self, task: Task, outcome: Outcome, *, again: bool) -> None:
        """Settle, then have it told. Raises `ServiceUnavailable` and `RedisError`."""
        admitted = admitted_of(task, self._services)
        if admitted is not None and outcome.settlement is not None:
            await self._services.meter.settle_surely(admitted, outcome.settlement, again=again)
        if task.order.callback_url is not None:
            told = replace(task, status=outcome.status, outcome=outcome)
            links = links_of(told, task.order.base_url, self._services)
            body = dump(status_answer(told, links)).encode()
            await self._services.callbacks.enqueue(task.project_uid, task.id, url=task.order.callback_url, body=body)

    async def _fulfilled(self, task: Task, members: Mapping[str, Any]) -> Fulfilled:
        """What nobody can answer now is asked again in a moment: an order has time."""
        call = picture_call(task.order.action, members)
        for left in reversed(range(_TRIES)):
            fulfilled = await fulfil(task, call, self._services)
            error = fulfilled.error
            if not isinstance(error, RateLimited | ServiceUnavailable) or not left:
                return fulfilled
            pause = min(error.retry_after or 1.0, _LONGEST_PAUSE_SECONDS)
            if self._services.wall() + pause >= task.due:
                return fulfilled
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns")

    async def _members(self, order: Order) -> Mapping[str, Any]:
        """The body with every picture of the client's fetched into it."""
        images = order.body.get("images")
        if not images:
            return order.body
        fetched = [await self._services.fetcher.fetch(one["image_url"], limits=_FETCH) for one in images]
        urls = [f"data:{one.content_type};base64,{base64.b64encode(one.body).decode()}" for one in fetched]
        return {**order.body, "images": [{"image_url": url} for url in urls]}

    async def _kept(self, body: bytes) -> tuple[str, ...]:
        """The names under which an answer's pictures are kept. Raises `GatewayError`, `ValueError` and as `fetch`."""
        answer = load(body)
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, list) or not data:
            raise ValueError("the answer has no pictures")
        return tuple([await self._put(await self._picture(one)) for one in data])

    async def _picture(self, one: Any) -> bytes:
        encoded, url = (one.get("b64_json"), one.get("url")) if isinstance(one, dict) else (None, None)
        if isinstance(url, str) and url.startswith("data:"):
            encoded = url.partition(",")[2]
        if isinstance(encoded, str):
            try:
                return base64.b64decode(encoded)
            except binascii.Error:
                raise ValueError("a picture is not base64") from None
        if not isinstance(url, str):
            raise ValueError("a picture has neither b64_json nor url")
        return (await self._services.fetcher.fetch(url, limits=_FETCH)).body

    async def _put(self, picture: bytes) -> str:
        for pause in _PUT_PAUSES:
            try:
                return str(await self._services.files.put(picture))
            except ServiceUnavailable:
                await asyncio.sleep(pause)
        return str(await self._services.files.put(picture))


def _for_nothing(settlement: Settlement | None) -> Settlement | None:
    """A picture that the client can't have costs nothing, whatever it cost to draw."""
    return settlement._replace(status="error", cost=0) if settlement is not None else None
