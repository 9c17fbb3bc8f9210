"""A plain HTTP client of one gateway, for tests that look at status, headers and body as they are."""

import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import aiohttp


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object of OpenAI's form, after a check that the answer has nothing else."""
        assert self.headers["content-type"].startswith("application/json"), self.headers
        assert set(self.json) == {"error"}, self.json
        error = self.json["error"]
        assert isinstance(error, dict)
        return error

    @property
    def events(self) -> list[Any]:
        """The decoded events of a stream that ended with `[DONE]`."""
        assert self.headers["content-type"].startswith("text/event-stream"), self.headers
        *events, done, rest = self.body.decode().split("\n\n")
        assert (done, rest) == ("data: [DONE]", ""), self.body
        return [json.loads(event.removeprefix("data: ")) for event in events]

    @property
    def responses_events(self) -> list[dict[str, Any]]:
        """The decoded events of a Responses stream, each under the name that its data has, without any `[DONE]`."""
        assert self.headers["content-type"].startswith("text/event-stream"), self.headers
        found: list[dict[str, Any]] = []
        for event in self.body.decode().removesuffix("data: [DONE]\n\n").split("\n\n")[:-1]:
            name, _, data = event.partition("\ndata: ")
            if name.startswith("event: "):
                found.append(json.loads(data))
                assert name == f"event: {found[-1]['type']}"
        return found


class Caller:
    """Calls `base_url` with `key`. Bodies that are no bytes are sent as JSON. `observer` is shown every reply."""

    observer: ClassVar[Callable[[str, str, Reply], None] | None] = None

    def __init__(self, session: aiohttp.ClientSession, base_url: str, key: str | None) -> None:
        self._session = session
        self._base_url = base_url
        self._key = key

    async def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request, read to its end."""
        sent = {"content-type": "application/json"}
        if self._key is not None:
            sent["authorization"] = f"Bearer {self._key}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        whole = None if data is None else io.BytesIO(data)  # as bytes, aiohttp warns of large ones
        async with self._session.request(
            method, self._base_url + path, data=whole, headers=sent | dict(headers or {})
        ) as answer:
            reply = Reply(
                answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read()
            )
        if Caller.observer is not None:
            Caller.observer(method, path, reply)
        return reply

    async def post(self, path: str, body: Any, **headers: str) -> Reply:
        """POST a body."""
        return await self.send("POST", path, body, headers)

    async def get(self, path: str, **headers: str) -> Reply:
        """GET a path."""
        return await self.send("GET", path, None, headers)


@asynccontextmanager
async def calling(base_url: str, key: str | None) -> AsyncIterator[Caller]:
    """A caller, and its connections closed afterwards."""
    async with aiohttp.ClientSession() as session:
        yield Caller(session, base_url, key)
