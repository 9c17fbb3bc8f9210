"""Brings settles to Redis once it is back: the journal's, in their order, each until Redis took it; and once more
those that it had taken just before it went, since it may have forgotten them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from havuz_gateway.metering.closing import Closing, How, read_line
from havuz_gateway.metering.link import Calls, ErrorReply, LinkDown
from havuz_gateway.metering.recent import Recent
from havuz_gateway.metering.scripts import SETTLE
from havuz_gateway.metering.spool import Spool
from havuz_gateway.metering.terms import KnownTerms

_log = logging.getLogger(__name__)
_AT_ONCE = 200
_PAUSE_SECONDS = 0.5
# Errors that would come again for the same settle, which is then left to the sweeper; any other ends by itself, or
# once somebody has mended what is wrong with Redis.
_FOR_GOOD = ("ERR", "WRONGTYPE", "CROSSSLOT")


class Replay:
    """One gateway's replays: its own journal, those of processes that are gone, and what is `recent`.

    `run` goes on until cancelled. `wall` gives unix seconds, `clock` the scripts' time.
    """

    def __init__(
        self,
        link: Calls,
        spool: Spool,
        terms: KnownTerms,
        *,
        recent: Recent,
        wall: Callable[[], float],
        clock: Callable[[], str],
    ) -> None:
        self._link = link
        self._spool = spool
        self._terms = terms
        self._recent = recent
        self._wall = wall
        self._clock = clock
        self._reconnected = False
        self._work = asyncio.Event()
        self.idle = asyncio.Event()  # set while there is nothing to replay
        self.idle.set()
        link.on_up.append(self._on_up)

    def wake(self) -> None:
        """There may be something to do."""
        if self._spool.waiting:
            self.idle.clear()
        self._work.set()

    def _on_up(self) -> None:
        self._reconnected = True
        self.idle.clear()
        self._work.set()

    async def run(self) -> None:
        """Replay whenever there is something and Redis is there."""
        adopted = False
        while True:
            await self._work.wait()
            self._work.clear()
            if not self._link.up:
                continue
            try:
                if not adopted:
                    await self._adopt()
                    adopted = True
                while self._reconnected or self._spool.waiting:
                    await self._repeat_recent()
                    await self._replay_some()
                self.idle.set()
            except (LinkDown, ErrorReply) as error:
                _log.info("the journal is replayed later", extra={"error": str(error)})
                await asyncio.sleep(_PAUSE_SECONDS)
                self._work.set()

    async def _repeat_recent(self) -> None:
        if not self._reconnected:
            return
        self._reconnected = False
        try:
            await self._send_all([(closing, True) for closing in self._recent.all()])
        except (LinkDown, ErrorReply):
            self._reconnected = True
            raise

    async def _replay_some(self) -> None:
        if not self._spool.waiting:
            return
        lines, position = self._spool.peek(_AT_ONCE)
        settles = []
        for line, sent_from_here in lines:
            try:
                closing, sent = read_line(line)
            except ValueError as error:
                _log.error("a line of the journal can't be read and is left out", extra={"reason": str(error)})
                continue
            settles.append((closing, sent or sent_from_here))
        self._spool.sent(position)
        await self._send(settles)
        self._spool.taken(position)

    async def _adopt(self) -> None:
        for path, lines in self._spool.orphans():
            settles = []
            for line in lines:
                try:
                    settles.append((read_line(line)[0], True))
                except ValueError as error:
                    _log.error("a line of a journal can't be read", extra={"path": str(path), "reason": str(error)})
            await self._send_all(settles)
            path.unlink(missing_ok=True)
            _log.info("settles of an ended process were replayed", extra={"path": str(path), "count": len(settles)})

    async def _send_all(self, settles: Sequence[tuple[Closing, bool]]) -> None:
        for begin in range(0, len(settles), _AT_ONCE):
            await self._send(settles[begin : begin + _AT_ONCE])

    async def _send(self, settles: Sequence[tuple[Closing, bool]]) -> None:
        """Send them together. Raises the first error that will pass, after which all may be sent again."""
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Any]] = []
        for closing, sent in settles:
            answer: asyncio.Future[Any] = loop.create_future()
            answers.append(answer)
            how: How = "again" if sent and not closing.is_marked(self._wall()) else "new"
            body = closing.body(how, closing.head(self._terms), self._clock())
            SETTLE.submit(self._link, body, _into(answer))
        for (closing, _), answer in zip(settles, answers, strict=True):
            reply = await answer
            if isinstance(reply, LinkDown):
                raise reply
            if isinstance(reply, ErrorReply):
                if not str(reply).startswith(_FOR_GOOD):
                    raise reply
                line = closing.line(sent=True).decode().rstrip()
                _log.error("a settle is refused by Redis for good", extra={"error": str(reply), "settle": line})
            elif reply[0] == b"unknown":
                _log.warning("a settle was sent before and left no trace; it is taken for done", extra={
                    "id": closing.id})  # fmt: skip
            elif reply[0] != b"repeated":
                self._recent.add(closing)


def _into(answer: "asyncio.Future[Any]") -> Callable[[Any], None]:
    def sink(reply: Any) -> None:
        if not answer.done():
            answer.set_result(reply)

    return sink
