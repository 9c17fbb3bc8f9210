"""Constant load from inside the cluster: short calls on new and on kept connections, and streams that overlap.

One line of JSON for each request that ended: `{"kind", "began", "ended", "error"}` with Unix times; `error` is null or
what a client would see. Where a connection was refused, or closed before an answer began, the official SDKs try twice
more, and so does this: that is a line of the kind `again`.
"""

import asyncio
import json
import os
import time

import aiohttp

URL = os.environ["URL"]
KEY = os.environ["KEY"]
STREAM_SECONDS = float(os.environ["STREAM_SECONDS"])
CALLERS = int(os.environ.get("CALLERS", "4"))
STREAMS = int(os.environ.get("STREAMS", "6"))
_PAUSE_SECONDS = 0.4
_AGAIN = 2
_BACKOFF_SECONDS = 0.5


class Failed(Exception):
    """What went wrong, in the client's eyes."""


def body(seconds: float | None) -> dict[str, object]:
    """A request for a short answer, or for a stream of so many seconds."""
    message = {"role": "user", "content": "hello" if seconds is None else str(seconds)}
    return {"model": "e2e", "messages": [message], "stream": seconds is not None}


async def once(session: aiohttp.ClientSession, seconds: float | None) -> None:
    """One request to its end. Raises `Failed`, or `aiohttp.ClientConnectionError` where no answer began."""
    async with session.post(URL, json=body(seconds)) as response:
        try:
            received = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Failed(f"cut after its start: {type(error).__name__}") from None
    if response.status != 200:
        raise Failed(f"{response.status}: {received[:300].decode(errors='replace')}")
    if seconds is None:
        if not json.loads(received)["choices"]:
            raise Failed("an answer without choices")
    elif not received.endswith(b"data: [DONE]\n\n"):
        raise Failed(f"stream without its end: …{received[-300:].decode(errors='replace')}")


async def call(session: aiohttp.ClientSession, kind: str, seconds: float | None) -> None:
    """One request as an SDK makes it, and its line."""
    began, again = time.time(), 0
    while True:
        error = None
        try:
            await once(session, seconds)
        except (aiohttp.ClientConnectionError, TimeoutError) as refused:
            error = f"{type(refused).__name__}: {refused}"
            if again < _AGAIN:
                again += 1
                say("again", began, error)
                await asyncio.sleep(_BACKOFF_SECONDS * again)
                continue
        except Failed as failed:
            error = str(failed)
        break
    say(kind, began, error)


def say(kind: str, began: float, error: str | None) -> None:
    """One line for whoever counts."""
    print(json.dumps({"kind": kind, "began": began, "ended": time.time(), "error": error}), flush=True)


def session(*, keep: bool) -> aiohttp.ClientSession:
    """A client that keeps its connections, or makes one for each request."""
    timeout = aiohttp.ClientTimeout(total=STREAM_SECONDS + 60, sock_connect=10)
    connector = aiohttp.TCPConnector(limit=0, force_close=not keep)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, headers={"Authorization": f"Bearer {KEY}"})


async def short_calls(number: int) -> None:
    """One caller: every other one keeps its connection."""
    async with session(keep=number % 2 == 0) as client:
        while True:
            await call(client, "short", None)
            await asyncio.sleep(_PAUSE_SECONDS)


async def streams(number: int) -> None:
    """One stream after the other; their starts are spread."""
    await asyncio.sleep(STREAM_SECONDS * number / STREAMS)
    async with session(keep=False) as client:
        while True:
            await call(client, "stream", STREAM_SECONDS)


async def main() -> None:
    """Go on until the pod ends."""
    async with asyncio.TaskGroup() as group:
        for number in range(CALLERS):
            group.create_task(short_calls(number))
        for number in range(STREAMS):
            group.create_task(streams(number))


asyncio.run(main())
