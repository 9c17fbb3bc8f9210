"""The HTTP side over real sockets: plain values in, the surface's answers out."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from harness.http_edge import Answer, Served, serve

SECRET = "pk_live_never_to_be_seen"


@pytest.fixture(params=[True, False], ids=["front", "aiohttp"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    async with serve(front=request.param) as running:
        yield running


async def test_a_request_arrives_as_plain_values_without_its_key(served: Served) -> None:
    told = (
        await served.post(f"/echo?api_key={SECRET}&limit=1&limit=2", b'{"a":1}', f"Authorization: Bearer {SECRET}")
    ).json
    assert told["credential"] == SECRET
    assert SECRET not in json.dumps({**told, "credential": None})
    assert (told["method"], told["path"], told["host"]) == ("POST", "/echo", "example.com")
    assert told["query"] == {"limit": ["1", "2"]}
    assert told["body"] == '{"a":1}'
    assert told["headers"]["connection"] == "close"


async def test_every_answer_has_an_id_of_its_own_and_hides_the_server(served: Served) -> None:
    one, two = await served.post("/echo"), await served.post("/nothing", b"{}", "x-request-id: mine")
    assert one.headers["x-request-id"] != two.headers["x-request-id"] != "mine"
    assert len(one.headers["x-request-id"]) == len("req_") + 24
    assert one.headers["server"] == two.headers["server"] == "havuz"


async def test_an_unknown_path_and_a_wrong_method_get_the_surfaces_error(served: Served) -> None:
    assert (await served.post("/nothing")).error["code"] == 404
    answer = await served.post("/echo", method="DELETE")
    assert answer.error["code"] == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_and_head_have_no_body(served: Served) -> None:
    options = await served.post("/echo", method="OPTIONS")
    assert (options.status, options.headers["allow"], options.body) == (204, "GET, HEAD, OPTIONS, POST", b"")
    head = await served.post("/echo", method="HEAD")
    assert (head.status, head.body) == (200, b"")


async def test_two_keys_are_refused(served: Served) -> None:
    answer = await served.post("/echo", b"{}", "Authorization: Bearer one", "x-api-key: two")
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")


async def test_a_key_sent_twice_in_one_header_is_two_keys(served: Served) -> None:
    assert (await served.post("/echo", b"{}", "Authorization: Bearer a", "Authorization: Bearer b")).status == 400


async def test_a_busy_answer_says_when_to_come_back(served: Served) -> None:
    answer = await served.post("/limited")
    assert (answer.status, answer.headers["retry-after"], answer.headers["retry-after-ms"]) == (429, "2", "1200")


async def test_a_bug_is_a_500_without_its_story(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    answer = await served.post("/bug", b"{}", f"x-api-key: {SECRET}")
    assert (answer.status, answer.error["type"]) == (500, "api_error")
    assert b"ValueError" not in answer.raw
    records = [vars(record) for record in caplog.records if record.levelname == "ERROR"]
    assert [record["error_type"] for record in records] == ["ValueError"]
    assert ", in bug" in records[0]["frames"]
    assert SECRET not in str(records)


async def test_a_failure_after_the_answer_does_not_spoil_it(served: Served) -> None:
    answer = await served.post("/late")
    assert (answer.status, answer.body) == (200, b"whole")


async def test_an_endpoint_that_says_nothing_is_a_500(served: Served) -> None:
    assert (await served.post("/silent")).status == 500


async def test_an_error_in_a_stream_is_an_event_and_the_end(served: Served) -> None:
    answer = await served.post("/stream")
    assert b"data: 1\n\n" in answer.body
    assert b'data: {"error":{"message":"it broke off"' in answer.body
    assert answer.body.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in answer.body


async def test_nothing_is_written_behind_half_of_a_whole_answer(served: Served) -> None:
    async with served.connection() as (reader, writer):
        writer.write(b"GET /half HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        await asyncio.wait_for(served.edge.idle.wait(), 5)
        body = b""
        with contextlib.suppress(ConnectionError):
            while piece := await asyncio.wait_for(reader.read(1 << 20), 5):
                body += piece
    assert b"content-length: 20000000" in head.lower()
    assert set(body) == {ord("x")}, "what follows on this connection would be read as the next answer"


async def test_a_client_that_waits_for_100_continue_gets_it(served: Served) -> None:
    async with served.connection() as (reader, writer):
        writer.write(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"
        )
        assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 100 Continue\r\n"
        writer.write(b"{}")
        assert b'"body": "{}"' in await asyncio.wait_for(reader.read(), 5)


async def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    one = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    raw = (await served.send(one + b"a" + one + b"b" + last)).raw
    assert raw.index(b'"body": "a"') < raw.index(b'"body": "b"') < raw.index(b"404 Not Found")


async def test_a_client_that_hangs_up_cancels_its_request(served: Served) -> None:
    async with served.connection() as (_, writer):
        writer.write(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(served.endpoints.entered.wait(), 5)
        assert served.edge.active == 1
        assert not served.edge.idle.is_set()
    await asyncio.wait_for(served.endpoints.cancelled.wait(), 5)
    await asyncio.wait_for(served.edge.idle.wait(), 5)
    assert served.edge.active == 0


async def test_a_drain_closes_idle_connections_and_lets_a_body_arrive(served: Served) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    async with served.connection() as (idle, idle_writer), served.connection() as (busy, busy_writer):
        idle_writer.write(head + b"{}")
        await idle.readuntil(b'"credential": null}')
        busy_writer.write(head + b"{")
        async with asyncio.timeout(5):
            while not served.edge.active:
                await asyncio.sleep(0)
        served.server.pre_shutdown()
        assert await asyncio.wait_for(idle.read(), 5) == b""
        busy_writer.write(b"}")
        answer = Answer(await asyncio.wait_for(busy.read(), 5))
    assert (answer.status, answer.headers["connection"]) == (200, "close")
