"""Bad input: each kind gets the surface's error body with a sentence, and no connection hangs."""

import asyncio
import gzip
import json
from typing import Any

import pytest

from harness.caller import Reply, calling
from harness.gateway import GatewayProcess
from harness.world import World

CHAT = "/v1/chat/completions"
USER = [{"role": "user", "content": "x"}]
DEEP = b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

BODIES: list[tuple[str, bytes, str | None, str]] = [
    ("nothing", b"", None, "empty"),
    ("not JSON", b"model=gpt", None, "not valid JSON"),
    ("half of JSON", b'{"model": "m", "mess', None, "not valid JSON"),
    ("two documents", b'{"model":"m"}{"model":"m"}', None, "not valid JSON"),
    ("an array", b"[1,2]", None, "must be a JSON object"),
    ("a string", b'"hello"', None, "must be a JSON object"),
    ("NaN", b'{"model":"m","temperature":NaN}', None, "NaN"),
    ("invalid UTF-8", b'{"model":"\xff\xfe"}', None, "UTF-8"),
    ("UTF-16", '{"model":"m"}'.encode("utf-16"), None, "UTF-8"),
    ("deep nesting", DEEP, None, "nested too deeply"),
    ("a duplicate key", b'{"model":"a","model":"b"}', "model", "twice"),
    ("a duplicate key inside", b'{"model":"a","messages":[{"role":"user","role":"system"}]}', "role", "twice"),
    ("a number too long", b'{"model":"m","n":' + b"9" * 5_000 + b"}", None, "digits"),
    ("a missing model", json.dumps({"messages": USER}).encode(), "model", "missing"),
    ("missing messages", b'{"model":"m"}', "messages", "missing"),
    ("a wrong type", json.dumps({"model": "m", "messages": "hi"}).encode(), "messages", "array"),
    (
        "a wrong part",
        json.dumps({"model": "m", "messages": [*USER, {"role": "user", "content": 5}]}).encode(),
        "messages[1].content",
        "5",
    ),
]


@pytest.mark.parametrize("path", [CHAT, "/api/v1/chat/completions", "/api/chat-completions/"])
@pytest.mark.parametrize(("body", "param", "said"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
async def test_a_bad_chat_body_is_a_400_that_says_why(
    world: World, gateway: GatewayProcess, path: str, body: bytes, param: str | None, said: str
) -> None:
    customer, _ = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(path, body)
    assert_refused(reply, 400, "invalid_request_error")
    assert said in reply.error["message"]
    if param is not None:
        assert reply.error["param"] == param


@pytest.mark.parametrize("field", ["timeout", "stream_options", "tools"])
async def test_a_body_is_either_nested_too_deeply_to_be_read_or_can_be_worked_on(
    world: World, gateway: GatewayProcess, field: str
) -> None:
    """`timeout` has the body taken apart, `stream_options` and `tools` have a part of it written anew."""
    customer, route = await world.serve()
    parameters = {"type": "object", "properties": {"a": {"enum": ["DEEP"]}}, "required": ["a"]}
    function = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    values = {"timeout": 9, "stream_options": {"x": "DEEP"}, "tools": [function]}
    fields = {"model": route.model, "messages": USER, "stream": field == "stream_options", field: values[field]}
    text = json.dumps({**fields, "x": "DEEP"} if field == "timeout" else fields)
    statuses = []
    async with calling(gateway.base_url, customer.live) as caller:
        for depth in range(900, 1_000):
            reply = await caller.post(CHAT, text.replace('"DEEP"', "[" * depth + "]" * depth).encode())
            statuses.append(reply.status)
    assert set(statuses) <= {200, 400}, statuses


async def test_a_bad_embeddings_body_is_a_400_that_names_the_field(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post("/v1/embeddings", {"model": route.model, "input": ["a", 1]})
    assert_refused(reply, 400, "invalid_request_error")
    assert reply.error["param"] == "input[1]"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/unknown", "/api", "/v1/chat/completions/x", "/metrics", "/%ff%00"])
async def test_an_unknown_path_is_a_404(world: World, gateway: GatewayProcess, path: str) -> None:
    async with calling(gateway.base_url, None) as caller:
        assert_refused(await caller.get(path), 404, "not_found_error")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", CHAT, "OPTIONS, POST"),
        ("PUT", "/api/v1/embeddings", "OPTIONS, POST"),
        ("POST", "/v1/models", "GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/models/gpt-4o", "GET, HEAD, OPTIONS"),
        ("GET", "/api/chat-completions/", "OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_a_405(
    world: World, gateway: GatewayProcess, method: str, path: str, allow: str
) -> None:
    async with calling(gateway.base_url, None) as caller:
        reply = await caller.send(method, path)
    assert_refused(reply, 405, "invalid_request_error")
    assert reply.headers["allow"] == allow


async def test_a_body_over_the_limit_is_a_413(world: World, gateway: GatewayProcess) -> None:
    customer, _ = await world.serve()
    reply = await raw(
        gateway,
        f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {customer.live}\r\n"
        "Content-Length: 999999999\r\n\r\n{".encode(),
    )
    assert b" 413 " in reply.splitlines()[0]
    assert b'"type":"invalid_request_error"' in reply


RAW = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a bad request line": b"GET\r\n\r\n",
    "a bad length": b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "length and chunks": b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad chunk": b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a huge header": b"GET /v1/models HTTP/1.1\r\nHost: x\r\nx-a: " + b"a" * 100_000 + b"\r\n\r\n",
    "a header with a line break": b"GET /v1/models HTTP/1.1\r\nHost: x\r\nx-a: b\rc\r\n\r\n",
}


@pytest.mark.parametrize("sent", RAW.values(), ids=RAW.keys())
async def test_what_is_no_http_is_a_400_in_json_and_the_connection_ends(
    world: World, gateway: GatewayProcess, sent: bytes
) -> None:
    reply = await raw(gateway, sent)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert b"x-request-id" in head.lower()
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    assert b"Traceback" not in reply


HALF = b"x" * 100_000
BOMB = gzip.compress(b" " * 30_000_000, mtime=0)
STRANGERS = {
    "a length": b"Content-Length: 30000000\r\n\r\n" + HALF,
    "a length that waits for 100": b"Expect: 100-continue\r\nContent-Length: 30000000\r\n\r\n",
    "chunks": b"Transfer-Encoding: chunked\r\n\r\n1000000\r\n" + HALF,
    "a small body that unpacks to a large one": b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
    % (len(BOMB), BOMB),
}


@pytest.mark.parametrize("key", ["", "x-api-key: sk-of-nobody-at-all\r\n"], ids=["no key", "a wrong key"])
@pytest.mark.parametrize("sent", STRANGERS.values(), ids=STRANGERS.keys())
async def test_a_large_body_is_not_taken_from_strangers(
    world: World, gateway: GatewayProcess, sent: bytes, key: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n{key}".encode() + sent)
        async with asyncio.timeout(10):
            assert b" 401 " in await reader.readline(), "nothing may be waited for, nor 100 Continue said"
            while await reader.readline() != b"\r\n":
                pass
            assert b"authentication_error" in await reader.readuntil(b"}}")
    finally:
        writer.close()


async def test_the_gateway_still_answers_after_all_this(world: World, gateway: GatewayProcess) -> None:
    customer, route = await world.serve()
    for sent in RAW.values():
        await raw(gateway, sent)
    async with calling(gateway.base_url, customer.live) as caller:
        reply = await caller.post(CHAT, {"model": route.model, "messages": USER})
    assert reply.status == 200
    assert "Traceback" not in gateway.log


def assert_refused(reply: Reply, status: int, kind: str) -> None:
    error: dict[str, Any] = reply.error
    assert (reply.status, error["type"], error["code"]) == (status, kind, status)
    assert set(error) == {"message", "type", "code", "param"}
    assert len(error["message"]) > 10
    assert reply.headers["x-request-id"].startswith("req_")
    assert b"Traceback" not in reply.body
    assert b"<html" not in reply.body.lower()


async def raw(gateway: GatewayProcess, sent: bytes) -> bytes:
    """What the gateway answers to bytes, up to its end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(sent)
        async with asyncio.timeout(15):
            return await reader.read()
    finally:
        writer.close()
