"""The reference: the least that a reverse proxy on aiohttp does. No key, no plan, no limit, no metric.

`python -m bench.plain_proxy PORT UPSTREAM_URL`
"""

import asyncio
import sys

import aiohttp
import uvloop
from aiohttp import web

_SKIPPED = {"host", "content-length", "transfer-encoding", "connection", "date", "server"}


class PlainProxy:
    """Sends each request on and relays its answer."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)

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


async def _serve(port: int, upstream: str) -> None:
    proxy = PlainProxy(upstream)
    runner = web.ServerRunner(web.Server(proxy.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=2048).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2]))
