"""A client that sends bytes as they are and reads answers one after the other, for tests of HTTP itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

_SECONDS = 10.0
_QUIET_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, raw: bytes) -> None:
        """Send bytes."""
        self._writer.write(raw)

    def end(self) -> None:
        """Close the sending side."""
        self._writer.write_eof()

    async def answer(self, *, interim: bool = False, bodiless: bool = False) -> Heard:
        """The next answer; an interim one only where it is asked for. `bodiless`: to HEAD."""
        async with asyncio.timeout(_SECONDS):
            while True:
                head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
                status = int(first.split(" ")[1])
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                if interim or status >= 200:
                    length = 0 if bodiless else int(headers.get("content-length", "0"))
                    return Heard(status, headers, await self._reader.readexactly(length))

    async def closed(self) -> bool:
        """Whether the server has closed the connection, or does so within a moment, without another byte."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                return await self._reader.read(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    async def rest(self) -> bytes:
        """All that comes until the server closes the connection."""
        async with asyncio.timeout(_SECONDS):
            return await self._reader.read()


@asynccontextmanager
async def dial(port: int) -> AsyncIterator[Client]:
    """A connection to a port of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def chat_body(model: str) -> bytes:
    """A small chat request."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()


def chat_head(key: str, *fields: str, version: str = "1.1", target: str = "/v1/chat/completions") -> bytes:
    """The head of a chat request, with fields of the test's own."""
    usual = (
        f"POST {target} HTTP/{version}",
        "Host: x",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
    )
    return "\r\n".join((*usual, *fields, "", "")).encode()
