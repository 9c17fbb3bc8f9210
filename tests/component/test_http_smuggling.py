"""Requests whose end can be read in two ways are refused whole: nothing in them is ever answered as another request."""

import pytest

from harness.gateway import GatewayProcess
from harness.raw_http import chat_head, dial
from harness.world import World

HIDDEN = b"GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKS = b"0\r\n\r\n" + HIDDEN

BODIES: dict[str, tuple[tuple[str, ...], bytes]] = {
    "length and chunks": ((f"Content-Length: {len(CHUNKS)}", "Transfer-Encoding: chunked"), CHUNKS),
    "chunks and length": (("Transfer-Encoding: chunked", "Content-Length: 5"), CHUNKS),
    "chunks twice": (("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), CHUNKS),
    "chunks and identity": (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), CHUNKS),
    "xchunked": (("Transfer-Encoding: xchunked",), CHUNKS),
    "chunked with a tail": (("Transfer-Encoding: chunked, x",), CHUNKS),
    "a folded line": (("X: a\r\n Content-Length: 5",), CHUNKS),
    "folded chunks": (("Transfer-Encoding:\r\n chunked",), CHUNKS),
    "a bare LF before chunks": (("X: a\nTransfer-Encoding: chunked",), CHUNKS),
    "a bare LF before a length": (("X: a\nContent-Length: 5",), CHUNKS),
    "a bare CR": (("X: a\rContent-Length: 5",), CHUNKS),
    "unequal lengths": (("Content-Length: 5", f"Content-Length: {len(CHUNKS)}"), CHUNKS),
    "equal lengths": (("Content-Length: 5", "Content-Length: 5"), CHUNKS),
    "a list of lengths": (("Content-Length: 5, 5",), CHUNKS),
    "a length with a sign": (("Content-Length: +5",), CHUNKS),
    "a length in hexadecimal": (("Content-Length: 0x5",), CHUNKS),
    "a negative length": (("Content-Length: -5",), CHUNKS),
    "a length with a gap": (("Content-Length: 1 0",), CHUNKS),
    "an empty length": (("Content-Length:",), CHUNKS),
    "a length that overflows": (("Content-Length: 18446744073709551621",), CHUNKS),
    "NUL in a name": (("Content\0-Length: 5",), CHUNKS),
    "NUL in a value": (("Content-Length: 5\0",), CHUNKS),
    "a space before the colon": (("Content-Length : 5",), CHUNKS),
    "a tab before the colon": (("Transfer-Encoding\t: chunked",), CHUNKS),
    "a chunk size with a sign": (("Transfer-Encoding: chunked",), b"+0\r\n\r\n" + HIDDEN),
    "a chunk size in hexadecimal": (("Transfer-Encoding: chunked",), b"0x0\r\n\r\n" + HIDDEN),
    "a chunk size with a bare LF": (("Transfer-Encoding: chunked",), b"0\n\n" + HIDDEN),
    "a chunk without its end": (("Transfer-Encoding: chunked",), b"2\r\n{}0\r\n\r\n" + HIDDEN),
}


@pytest.mark.parametrize("first", [False, True], ids=["behind-another", "first"])
@pytest.mark.parametrize(("fields", "body"), BODIES.values(), ids=BODIES.keys())
async def test_what_can_be_read_in_two_ways_is_refused_whole(
    world: World, gateway: GatewayProcess, fields: tuple[str, ...], body: bytes, first: bool
) -> None:
    customer, _ = await world.serve()
    async with dial(gateway.port) as client:
        if not first:
            client.send(chat_head(customer.live, "Content-Length: 2") + b"{}")
            assert (await client.answer()).status == 400
        client.send(chat_head(customer.live, *fields) + body)
        heard = await client.rest()
    assert heard.split(b" ")[1] == b"400"
    assert heard.count(b"HTTP/1.") == 1
    assert b"smuggled" not in heard


async def test_what_follows_a_whole_body_is_the_next_request(world: World, gateway: GatewayProcess) -> None:
    customer, _ = await world.serve()
    async with dial(gateway.port) as client:
        client.send(chat_head(customer.live, f"Content-Length: {len(HIDDEN)}") + HIDDEN + HIDDEN)
        assert "JSON" in (await client.answer()).json["error"]["message"]
        assert (await client.answer()).status == 404
        client.send(chat_head(customer.live, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n" + CHUNKS)
        assert "model" in (await client.answer()).json["error"]["message"]
        assert (await client.answer()).status == 404
