"""The front and aiohttp's server see the same requests in the same bytes, however odd: nothing can be smuggled."""

import ast
import asyncio
import json
import re
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.http_edge import HttpBounds, serve

BOUNDS = HttpBounds(max_body=1_000, head=0.2, read_idle=0.2, read_total=0.4, keepalive=0.2, lingering=0.05)
LAST = b"POST /echo?last=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
SMUGGLED = b"GET /echo?smuggled=1 HTTP/1.1\r\nHost: x\r\n\r\n"

METHODS = ("POST", "GET", "HEAD", "OPTIONS", "DELETE", "PUT", "post", "BREW", "CONNECT", "")
TARGETS = (
    "/echo", "/echo?a=1&a=2&b=", "/echo?a", "/echo?=1", "/echo?&&a=1", "/echo?a=%31+2", "/%65cho",
    "/echo#x", "/echo?a=1#b", "//echo", "/./echo", "/x/../echo", "http://x/echo", "*", "echo", "/echo?a=b;c=d", "/é",
    "/echo?a=1?b=2", "/ec ho", "/echo:generate", "/" + "a" * 200,
)  # fmt: skip
VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "")
FIELDS = (
    "Host: x", "Host: y", "Content-Length: {length}", "content-length:{length}", "Content-Length:  {length}\t",
    "Content-Length: +{length}", "Content-Length: 0x{length}", "Content-Length: {length}, {length}",
    "Content-Length: 00{length}", "Content-Length: {length} ", "Content-Length : {length}", "Content-Length: -1",
    " Content-Length: {length}", "Content-Length: 9" + "9" * 30, "Content-Length:", "Content-Length: 1_0",
    "Content-Length: 3", "Content-Length: {length}\r\nContent-Length: {length}",
    "Content-Length: {length}\r\nContent-Length: 3", "Content-Length: 3\r\ncontent-length: {length}",
    "Transfer-Encoding: chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked",
    "transfer-encoding: CHUNKED", "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked",
    "X: a\r\n Transfer-Encoding: chunked", "X: a\nTransfer-Encoding: chunked", "X: a\r\n\tb", "X: a\rb", "X: a\0b",
    "X: é", "X: a\x7fb", "X:\ta\t", "X", ":x", "X: ", "X;y: 1", "Connection: keep-alive", "connection: Keep-Alive",
    "Connection: upgrade", "Connection: close, te", "Upgrade: websocket", "Upgrade: h2c", "Expect: 100-continue",
    "Expect: magic", "Trailer: a", "TE: trailers", "Proxy-Connection: close", "Content-Type: application/json",
    "Content-Type: text/plain", "Cookie: a=1", "cookie: b=2", "Content-Encoding: gzip",
)  # fmt: skip
EVIL = [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b"\x80", b"0", b"\r\n\r\n", b"\x0b", b","]


@dataclass(frozen=True)
class Sent:
    """Bytes, and where they are cut into pieces."""

    raw: bytes
    cuts: tuple[int, ...] = ()

    def pieces(self) -> list[bytes]:
        places = [0, *sorted({cut % (len(self.raw) + 1) for cut in self.cuts}), len(self.raw)]
        return [self.raw[begin:end] for begin, end in pairwise(places)]


def request(*fields: str, line: str = "POST /echo HTTP/1.1", body: bytes = b"{}", short: int = 0) -> bytes:
    """A request, by itself plain, with more fields; `short` is by how much its length says too little."""
    length = len(body) - short
    has_length = any("content-length" in field.lower() for field in fields)
    usual = ["Host: x"] if has_length else ["Host: x", "Content-Length: {length}"]
    return (
        "\r\n".join([line, *(field.format(length=length) for field in (*usual, *fields))]).encode() + b"\r\n\r\n" + body
    )


@st.composite
def odd_requests(draw: st.DrawFn) -> Sent:
    body = draw(st.sampled_from([b"{}", b"", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n" + SMUGGLED, SMUGGLED, b"\r\n"]))
    line = "POST /echo HTTP/1.1"
    if draw(st.integers(0, 2)) == 0:
        parts = (st.sampled_from(METHODS), st.sampled_from(TARGETS), st.sampled_from(VERSIONS))
        line = " ".join(draw(part) for part in parts)
    fields = draw(st.lists(st.sampled_from(FIELDS), max_size=2))
    raw = request(*fields, line=line, body=body, short=min(len(body), draw(st.sampled_from([0, 0, 0, 1]))))
    if draw(st.integers(0, 2)) == 0:
        place = draw(st.integers(0, len(raw) - len(body)))
        raw = raw[:place] + draw(st.sampled_from(EVIL)) + raw[place + draw(st.integers(0, 1)) :]
    return Sent(raw + LAST, tuple(draw(st.lists(st.integers(0, 400), max_size=3))))


async def heard(sent: Sent, *, front: bool) -> list[object]:
    """What is answered, one after the other: the request as the endpoint saw it, or the status."""
    async with serve(BOUNDS, front=front) as served, served.connection() as (reader, writer):
        for piece in sent.pieces():
            writer.write(piece)
            await asyncio.sleep(0)
        return answers(await asyncio.wait_for(reader.read(), 10))


def answers(raw: bytes) -> list[object]:
    told: list[object] = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
        size = int(length[1]) if length else 0
        body = raw[:size] if raw[:1] == b"{" else b""  # of HEAD, there is none
        raw = raw[len(body) :]
        told.append(json.loads(body) if status == 200 and body else status)
    return told


async def compared(sent: Sent) -> None:
    by_front, by_aiohttp = await asyncio.gather(heard(sent, front=True), heard(sent, front=False))
    if by_aiohttp[-1:] == [400]:
        # aiohttp drops what came whole in one piece with what is refused, the front answers it first
        assert by_front[-1:] == [400]
        assert by_front[: len(by_aiohttp) - 1] == by_aiohttp[:-1]
        assert not any("smuggled" in str(one) for one in by_front[len(by_aiohttp) - 1 : -1])
    else:
        assert by_front == by_aiohttp


@pytest.mark.parametrize("field", [repr(field) for field in FIELDS])
async def test_the_front_and_aiohttp_agree_about_each_odd_field(field: str) -> None:
    odd = str(ast.literal_eval(field))
    await compared(Sent(request(odd) + LAST))
    await compared(Sent(request(odd, body=b"0\r\n\r\n" + SMUGGLED) + LAST))


@pytest.mark.parametrize("target", TARGETS)
async def test_the_front_and_aiohttp_agree_about_each_odd_target(target: str) -> None:
    await compared(Sent(request(line=f"POST {target} HTTP/1.1") + LAST))


@pytest.mark.parametrize(
    "line", [*(f"{method} /echo HTTP/1.1" for method in METHODS), *(f"POST /echo {version}" for version in VERSIONS)]
)
async def test_the_front_and_aiohttp_agree_about_each_method_and_version(line: str) -> None:
    await compared(Sent(request(line=line) + LAST))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(odd_requests())
@example(Sent(request() + LAST))
@example(Sent(request() + LAST, (10, 60, 90)))
def test_the_front_and_aiohttp_agree_about_oddities_together_and_in_pieces(sent: Sent) -> None:
    asyncio.run(compared(sent))
