"""A browser without a screen: keeps cookies, follows forms, and never runs a script."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from harness.caller import Reply


class Visitor:
    """Visits the pages of one gateway. `host` is what the Host header says in place of the address."""

    def __init__(self, base_url: str, *, host: str | None = None, language: str = "en") -> None:
        self._base_url = base_url
        self.origin = f"http://{host}" if host else base_url
        self._headers = {"accept-language": language} | ({"host": host} if host else {})
        self.cookies: dict[str, str] = {}
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, **headers: str) -> Reply:
        """One page; nothing is followed."""
        return await self._send("GET", path, None, headers)

    async def post(self, path: str, fields: Mapping[str, str] | str, **headers: str) -> Reply:
        """Send a form as a page of ours does; a text is sent as it is."""
        return await self._send("POST", path, fields, {"origin": self.origin} | headers)

    async def sign_in(self, key: str) -> Reply:
        """Sign in, and see that it worked."""
        reply = await self.post("/dashboard/sign-in", {"key": key})
        assert reply.status == 303, reply.body.decode()
        return reply

    async def proof(self, path: str = "/dashboard") -> str:
        """What the forms of a page carry."""
        page = (await self.get(path)).body.decode()
        found = re.search(r'name="proof" value="([^"]+)"', page)
        assert found is not None, page
        return unescape(found[1])

    async def _send(
        self, method: str, path: str, fields: Mapping[str, str] | str | None, headers: Mapping[str, str]
    ) -> Reply:
        sent = self._headers | dict(headers)
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = URL(self._base_url + path, encoded=True)
        async with self._session.request(method, url, data=fields, headers=sent, allow_redirects=False) as answer:
            body = await answer.read()
            self._keep(answer.headers.getall("set-cookie", []))
            return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)

    def _keep(self, cookies: list[str]) -> None:
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


@asynccontextmanager
async def visiting(base_url: str, key: str | None = None, **named: str) -> AsyncIterator[Visitor]:
    """A visitor, who is signed in where there is a key."""
    async with Visitor(base_url, **named) as visitor:
        if key is not None:
            await visitor.sign_in(key)
        yield visitor
