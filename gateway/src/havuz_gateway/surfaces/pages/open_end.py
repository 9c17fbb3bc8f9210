"""A writer whose stream is left open at its end, so that one more event can follow."""

from collections.abc import Mapping

from havuz_gateway.pipeline.exchange import Writer


class OpenEnd:
    """Passes everything on to `writer` but the end of a stream; `ended` says that it came."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.ended = False

    @property
    def accounted(self) -> bool:
        """As the writer's own."""
        return self._writer.accounted

    @accounted.setter
    def accounted(self, value: bool) -> None:
        self._writer.accounted = value

    @property
    def whole(self) -> bool:
        """As the writer's own."""
        return self._writer.whole

    @whole.setter
    def whole(self, value: bool) -> None:
        self._writer.whole = value

    @property
    def started(self) -> bool:
        """As the writer's own."""
        return self._writer.started

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """As the writer's own."""
        await self._writer.start(status, headers)

    async def write(self, data: bytes) -> None:
        """As the writer's own."""
        await self._writer.write(data)

    async def end(self) -> None:
        """Note that it is over."""
        self.ended = True

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """As the writer's own."""
        await self._writer.respond(status, headers, body)


_: type[Writer] = OpenEnd
