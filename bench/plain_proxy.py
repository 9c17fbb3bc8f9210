"""The reference: the least that a reverse proxy on aiohttp does. No key, no plan, no limit, no metric.

`python -m bench.plain_proxy PORT UPSTREAM_URL AUTHORITY`: AUTHORITY is a file of certificates to trust, '' in clear
"""

import asyncio
import ssl
import sys

import aiohttp
import uvloop
from aiohttp import web

_SKIPPED = {"host", "content-length", "transfer-encoding", "connection", "date", "server"}


class PlainProxy:
    """Sends each request on and relays its answer."""

    def __init__(self, upstream: str, authority: str) -> None:
        self._upstream = upstream
        trusted = ssl.create_default_context(cafile=authority) if authority else True
        connector = aiohttp.TCPConnector(limit=0, ssl=trusted)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Relay one request."""
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _SKIPPED}
        url = self._upstream + request.path
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _SKIPPED}
            if answer.content_type != "text/event-stream":
                return web.Response(status=answer.status, headers=kept, body=await answer.read())
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


async def _serve(port: int, upstream: str, authority: str) -> None:
    proxy = PlainProxy(upstream, authority)
    runner = web.ServerRunner(web.Server(proxy.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
