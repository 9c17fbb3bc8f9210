"""The pipeline's writer over a client's connection. A client that stops reading is cut after a while."""

import asyncio
from collections.abc import Callable, Mapping

from havuz_gateway.pipeline.exchange import ClientGone, Writer
from havuz_gateway.surfaces.base import Framing
from havuz_gateway.surfaces.http.answer import Answer
from havuz_gateway.surfaces.http.incoming import Incoming

_SERVER = "havuz"
Dress = Callable[[Mapping[str, str]], Mapping[str, str]]


class ResponseWriter:
    """Answers one request. `timeout` is how long (seconds) one write may wait for the client to read; where `closing`
    is true, the answer says that the connection ends with it. `dress` gives headers to add to an answer's own,
    `framing` another form to a stream.

    One timer per answer looks at how long the write in progress has waited, so that a write costs no timer of its own.
    """

    __slots__ = (
        "_closing",
        "_loop",
        "_request",
        "_request_id",
        "_timeout",
        "_timer",
        "_waiting_since",
        "accounted",
        "dress",
        "finished",
        "framing",
        "response",
        "whole",
    )

    def __init__(self, request: Incoming, *, request_id: str, timeout: float, closing: Callable[[], bool]) -> None:
        self._request = request
        self._request_id = request_id
        self._timeout = timeout
        self._closing = closing
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_since: float | None = None
        self.response: Answer | None = None
        self.dress: Dress | None = None
        self.framing: Framing | None = None
        self.accounted = False
        self.finished = False
        self.whole = False  # nothing can be added to it: it has a length that was announced, or no place for more

    @property
    def started(self) -> bool:
        """Whether status and headers are out."""
        return self.response is not None

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers. Raises `ClientGone`."""
        framed = headers if self.framing is None else {**headers, **self.framing.headers}
        answer = self._take(status)
        self._watch(self._timeout)
        try:
            answer.head(self._headers(framed))
        except ConnectionError as error:
            raise ClientGone from error

    async def write(self, data: bytes) -> None:
        """Send body bytes; waits for a client that reads slowly. Raises `ClientGone`."""
        if self.framing is not None:
            data = self.framing.feed(data)
        answer = self._begun()
        try:
            answer.chunk(data)
            if answer.waiting:
                await self._drained(answer)
        except ConnectionError as error:
            raise ClientGone from error

    async def end(self) -> None:
        """Finish the answer. Raises `ClientGone`."""
        last = b"" if self.framing is None else self.framing.end()
        answer = self._begun()
        try:
            answer.last(last)
            if answer.waiting:
                await self._drained(answer)
        except ConnectionError as error:
            raise ClientGone from error
        self.finished = True
        self.close()

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer in one write. Raises `ClientGone`."""
        answer = self._take(status)
        self.whole = True
        try:
            answer.whole(self._headers(headers), body)
            if answer.waiting:
                self._watch(self._timeout)
                await self._drained(answer)
        except ConnectionError as error:
            raise ClientGone from error
        self.finished = True
        self.close()

    def close(self) -> None:
        """Stop the timer. Safe to repeat."""
        self._waiting_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take(self, status: int) -> Answer:
        self.response = Answer(self._request, status, closing=self._closing())
        return self.response

    def _begun(self) -> Answer:
        if self.response is None:
            raise RuntimeError("write before start")
        return self.response

    async def _drained(self, answer: Answer) -> None:
        self._waiting_since = self._loop.time()
        await answer.drain()
        self._waiting_since = None

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        added = {} if self.dress is None else self.dress(headers)
        return {"server": _SERVER, **headers, **added, "x-request-id": self._request_id}

    def _watch(self, delay: float) -> None:
        self._timer = self._loop.call_later(delay, self._cut_if_stalled)

    def _cut_if_stalled(self) -> None:
        since = self._waiting_since
        waited = 0.0 if since is None else self._loop.time() - since
        if waited < self._timeout:
            self._watch(self._timeout - waited)
            return
        self._timer = None
        self._request.cut()


_: type[Writer] = ResponseWriter
