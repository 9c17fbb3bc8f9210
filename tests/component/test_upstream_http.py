"""HTTP as providers may speak it, through a whole gateway: the same with either client."""

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Iterator

import pytest

from harness.caller import Caller, Reply, calling
from harness.fake_provider_bodies import chat_completion, chat_events, error_body
from harness.gateway import GatewayProcess
from harness.raw_provider import Line, RawProvider, Script, answering, once
from harness.valkey import ValkeyServer
from harness.world import World
from havuz_contract.snapshot.models import Failover

BODY = json.dumps(chat_completion({"model": "m"}, ["Right."])).encode()
EVENTS = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in chat_events({"model": "m"}, ["Right."]))
STREAM = EVENTS + b"data: [DONE]\n\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


def whole(head: bytes, body: bytes = BODY) -> bytes:
    """An answer with the length of its body."""
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


def in_chunks(head: bytes, body: bytes, *, size: int, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """An answer in chunks of `size` bytes."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = [b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces]
    return head + CHUNKED + b"".join(chunks) + b"0\r\n" + trailer + b"\r\n"


def one_by_one(answer: bytes) -> list[bytes]:
    return [answer[at : at + 1] for at in range(len(answer))]


@pytest.fixture(scope="module", params=["own", "aiohttp"])
def either(request: pytest.FixtureRequest, valkey: ValkeyServer, encryption_keys: str) -> Iterator[GatewayProcess]:
    """A gateway whose providers are called by this client or that."""
    with GatewayProcess(redis_url=valkey.url, encryption_keys=encryption_keys, http_client=request.param) as process:
        yield process


class Asked:
    """A caller of a route over a raw provider."""

    def __init__(self, caller: Caller, model: str) -> None:
        self._caller, self._model = caller, model

    async def ask(self, *, stream: bool = False, content: str = "Hello!") -> Reply:
        messages = [{"role": "user", "content": content}]
        body = {"model": self._model, "stream": stream, "messages": messages}
        return await self._caller.post("/v1/chat/completions", body)


@contextlib.asynccontextmanager
async def asking(
    gateway: GatewayProcess, valkey: ValkeyServer, encryption_keys: str, script: Script, *, keys: int = 1
) -> AsyncIterator[tuple[Asked, RawProvider]]:
    """Ask through `keys` upstream keys of a provider with this script."""
    async with (
        RawProvider(script) as provider,
        World(redis_url=valkey.url, encryption_keys=encryption_keys, gateways=[gateway]) as world,
    ):
        url = f"http://127.0.0.1:{provider.port}/v1"
        customer, route = await world.serve(*[url] * keys, failover=Failover(attempts=2))
        async with calling(gateway.base_url, customer.live) as caller:
            yield Asked(caller, route.model), provider


ANSWERS = {
    "length": [whole(OK)],
    "chunks": [in_chunks(OK, BODY, size=7)],
    "chunks-with-all-they-may-have": [in_chunks(OK, BODY, size=7, extension=b";a=b", trailer=b"x-sum: 1\r\n")],
    "byte-by-byte": one_by_one(in_chunks(OK, BODY, size=50)),
    "interim-answers": [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", whole(OK)],
    "gzip-unasked": [whole(OK + b"content-encoding: gzip\r\n", gzip.compress(BODY))],
    "deflate-unasked": [whole(OK + b"content-encoding: deflate\r\n", zlib.compress(BODY))],
    "connection-close": [whole(OK + b"connection: close\r\n")],
    "http-1.0": [whole(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n")],
    "until-close": [OK + b"\r\n" + BODY],
}
CLOSING = {"connection-close", "http-1.0", "until-close"}


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_provider_may_frame_its_answers_as_it_likes(
    either: GatewayProcess, valkey: ValkeyServer, encryption_keys: str, name: str
) -> None:
    script = (once if name in CLOSING else answering)(*ANSWERS[name])
    async with asking(either, valkey, encryption_keys, script) as (asked, provider):
        for _ in range(3):
            reply = await asked.ask()
            assert (reply.status, reply.json["choices"][0]["message"]["content"]) == (200, "Right.")
            assert reply.headers["x-havuz-attempts"] == "1"
        assert len(provider.lines) == (3 if name in CLOSING else 1)


STREAMS = {
    "one-chunk": [in_chunks(SSE, STREAM, size=len(STREAM))],
    "small-chunks-byte-by-byte": one_by_one(in_chunks(SSE, STREAM, size=11)),
    "gzip-unasked": [in_chunks(SSE + b"content-encoding: gzip\r\n", gzip.compress(STREAM), size=40)],
    "length": [whole(SSE, STREAM)],
}


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_may_come_in_any_pieces(
    either: GatewayProcess, valkey: ValkeyServer, encryption_keys: str, name: str
) -> None:
    async with asking(either, valkey, encryption_keys, answering(*STREAMS[name])) as (asked, _):
        for _ in range(2):
            reply = await asked.ask(stream=True)
            assert (reply.status, reply.body.count(b"Right."), reply.body.endswith(b"data: [DONE]\n\n")) == (
                200,
                1,
                True,
            )


WRONG = {
    "shorter-than-its-length": [OK + b"content-length: 5000\r\n\r\n" + BODY],
    "without-a-last-chunk": [OK + CHUNKED + b"%x\r\n%s\r\n" % (len(BODY), BODY)],
    "length-and-chunks": [OK + b"content-length: 5\r\n" + in_chunks(b"", BODY, size=50)],
    "two-lengths": [OK + b"content-length: 5\r\n" + whole(b"")],
    "switching-protocols": [b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n" + BODY],
    "no-http": [b"SSH-2.0-OpenSSH_9.6\r\n"],
    "endless-head": [OK, b"x-long: " + b"a" * 200_000],
    "nothing": [],
}


@pytest.mark.parametrize("name", WRONG)
async def test_an_answer_that_is_wrong_is_never_a_success(
    either: GatewayProcess, valkey: ValkeyServer, encryption_keys: str, name: str
) -> None:
    async with asking(either, valkey, encryption_keys, once(*WRONG[name])) as (asked, provider):
        reply = await asked.ask()
        assert reply.status == 503
        assert b"Right." not in reply.body
        assert len(provider.lines) == 1


async def test_what_comes_behind_an_answer_is_never_part_of_the_next(
    either: GatewayProcess, valkey: ValkeyServer, encryption_keys: str
) -> None:
    evil = whole(OK, json.dumps(chat_completion({"model": "m"}, ["Evil."])).encode())

    async def script(line: Line) -> None:
        while True:
            await line.request()
            await line.say(whole(OK) + evil)

    async with asking(either, valkey, encryption_keys, script) as (asked, _):
        for _ in range(4):
            reply = await asked.ask()
            assert (reply.status, reply.json["choices"][0]["message"]["content"]) == (200, "Right.")


async def test_a_refusal_before_the_whole_request_reaches_the_client(
    either: GatewayProcess, valkey: ValkeyServer, encryption_keys: str
) -> None:
    refusal = json.dumps(error_body("Much too long.")).encode()

    never = asyncio.Event()

    async def script(line: Line) -> None:
        await line.head()
        await line.say(whole(b"HTTP/1.1 413 Too Large\r\ncontent-type: application/json\r\n", refusal))
        await never.wait()  # nothing more is read

    async with asking(either, valkey, encryption_keys, script) as (asked, provider):
        for number in (1, 2):
            reply = await asked.ask(content="long " * 4_000_000)
            assert (reply.status, "Much too long." in reply.json["error"]["message"]) == (413, True)
            assert len(provider.lines) == number


async def test_a_connection_that_closes_as_it_is_used_again_costs_an_attempt_and_no_request(
    either: GatewayProcess, valkey: ValkeyServer, encryption_keys: str
) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(whole(OK))
        await line.request()  # a second one comes, and the answer is a close

    async with asking(either, valkey, encryption_keys, script, keys=2) as (asked, provider):
        replies = [await asked.ask() for _ in range(4)]
        assert [reply.status for reply in replies] == [200] * 4
        assert [reply.headers["x-havuz-attempts"] for reply in replies] == ["1", "2", "2", "2"]
        assert len(provider.lines) == 4


async def test_a_stream_that_is_reset_ends_with_an_error(
    either: GatewayProcess, valkey: ValkeyServer, encryption_keys: str
) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(SSE + CHUNKED + b"%x\r\n%s\r\n" % (len(EVENTS), EVENTS))
        await asyncio.sleep(0.1)  # or the reset would overtake what was said
        sock = line.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.writer.transport.abort()

    async with asking(either, valkey, encryption_keys, script) as (asked, _):
        reply = await asked.ask(stream=True)
        assert (reply.status, b"Right." in reply.body, b"[DONE]" in reply.body) == (200, True, False)
        assert b'"error"' in reply.body.rstrip().rpartition(b"\n\n")[2]
