"""After the first content nothing is retried, and a broken stream never ends as if it were whole."""

import asyncio
import json

import pytest

from harness.caller import Reply
from harness.fake_provider import CutStream, Hang, RawEvents, Received, Stream, error
from harness.fake_provider_answers import Wire
from harness.gateway import GatewayProcess
from harness.pooled import pooled, said
from harness.world import World
from havuz_contract.snapshot.models import Breaker, Failover

CONTENT = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}\n\n'


class ContentThenNonsense:
    """A stream that begins well; the pause makes sure that its beginning has been relayed."""

    async def play(self, request: Received, wire: Wire) -> None:
        await wire.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + CONTENT)
        await asyncio.sleep(0.2)
        await wire.write(b'data: {"finish_reason":"x", oops\n\ndata: [DONE]\n\n')
        wire.close()


class ErrorThenSilence:
    """Content and an error in one piece, and then a connection that stays open."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def play(self, request: Received, wire: Wire) -> None:
        await wire.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + self._data)
        await asyncio.Event().wait()


def _ended_with_error(reply: Reply) -> dict[str, object]:
    """The error event that ends a stream which has content before it and no `[DONE]` after it."""
    assert reply.status == 200
    assert b"[DONE]" not in reply.body
    *events, last, rest = reply.body.decode().split("\n\n")
    assert rest == ""
    assert any('"content"' in event for event in events)
    told = json.loads(last.removeprefix("data: "))
    assert set(told) == {"error"}
    return dict(told["error"])


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("mid_event", [False, True], ids=["between events", "inside an event"])
async def test_a_cut_stream_ends_with_an_error_event(
    world: World, gateway: GatewayProcess, reset: bool, mid_event: bool
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(CutStream(after=3, mid_event=mid_event, reset=reset))
        told = _ended_with_error(await pool.ask(stream=True))
        assert "broke off" in str(told["message"])
        assert pool.asked == (1, 0)


async def test_a_stream_that_ends_without_done_is_not_called_whole(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(Stream(finish=False, done=False))
        assert "before its end" in str(_ended_with_error(await pool.ask(stream=True))["message"])


async def test_an_event_that_is_no_json_ends_the_stream_with_an_error(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(ContentThenNonsense())
        _ended_with_error(await pool.ask(stream=True))


async def test_a_stream_that_falls_silent_ends_with_an_error_event(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(idle=0.3)) as pool:
        pool.first.script(Hang(3))
        assert "nothing came for 0.3 seconds" in str(_ended_with_error(await pool.ask(stream=True))["message"])
        await asyncio.wait_for(pool.first.requests[0].gone.wait(), 5)


async def test_the_providers_own_error_event_is_passed_on_once(world: World, gateway: GatewayProcess) -> None:
    event = b'data: {"error":{"message":"The server had an error","type":"server_error","code":null,"param":null}}\n\n'
    async with pooled(world, gateway) as pool:
        pool.first.script(RawEvents(CONTENT + event))
        reply = await pool.ask(stream=True)
        assert reply.body == CONTENT + event


async def test_a_providers_error_event_is_the_end_whatever_follows_it(world: World, gateway: GatewayProcess) -> None:
    event = b'data: {"error":{"message":"The server had an error","type":"server_error","code":null}}\n\n'
    async with pooled(world, gateway) as pool:
        pool.first.script(RawEvents(CONTENT + event + b"data: [DONE]\n\n"), ErrorThenSilence(CONTENT + event))
        assert (await pool.ask(stream=True)).body == CONTENT + event, "a broken stream must not end clean"
        assert (await pool.ask(stream=True)).body == CONTENT + event, "the end must not be waited for, nor told twice"


async def test_broken_streams_open_the_breaker_of_their_key(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=2)) as pool:
        pool.first.always(CutStream(after=3))
        for _ in range(2):
            _ended_with_error(await pool.ask(stream=True))
        assert said(await pool.ask(stream=True))
        assert pool.asked == (2, 1)


async def test_bytes_reach_both_sides_as_they_came(world: World, gateway: GatewayProcess) -> None:
    odd = (
        b': a comment\n\ndata: {"id":"x","choices":[ {"index":0,"delta":{"role":"assistant"}} ],"new":1.50}\n\n'
        + CONTENT
        + 'event: own\ndata: {"id":"x","choices":[{"index":0,"delta":{"content":"ş\\u0131"}}]}\n\n'.encode()
        + b"data: [DONE]\n\n"
    )
    async with pooled(world, gateway, first_target={"model": "upstream"}) as pool:
        sent = (
            '{ "stream":true,"model" : "%s",\n"messages":[{"role":"user","content":"\\u015f ç"}],'
            '"stream_options":{"include_usage":true},"x":[1e3, 1.0],"big":12345678901234567890}'
        )
        pool.first.script(RawEvents(odd, chunking=7))
        reply = await pool.caller.post("/v1/chat/completions", (sent % pool.route.model).encode())
        assert reply.body == odd
        assert pool.first.requests[0].body == (sent % "upstream").encode()


async def test_the_usage_chunk_is_asked_for_and_kept_from_a_client_that_did_not_ask(
    world: World, gateway: GatewayProcess
) -> None:
    async with pooled(world, gateway) as pool:
        without = await pool.ask(stream=True)
        asked = await pool.ask(stream=True, stream_options={"include_usage": True})
        assert [request.json["stream_options"] for request in pool.first.requests] == [{"include_usage": True}] * 2
        assert all(event["choices"] for event in without.events)
        assert asked.events[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("chunking", ["one-by-one", 3, 1000, None])
async def test_any_chunking_of_the_provider_gives_the_same_text(
    world: World, gateway: GatewayProcess, chunking: int | None
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(Stream(["Mer", "haba ", "dünya — 🌍"], chunking=chunking))
        assert said(await pool.ask(stream=True)) == "Merhaba dünya — 🌍"


async def test_a_client_that_hangs_up_ends_the_call_to_the_provider(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(Hang(3), Hang())
        for stream in (True, False):
            call = asyncio.create_task(pool.ask(stream=stream), name="call")
            received = (await pool.first.received(1 if stream else 2))[-1]
            call.cancel()
            await asyncio.wait_for(received.gone.wait(), 5)
            await asyncio.gather(call, return_exceptions=True)
        assert said(await pool.ask()), "a client that went away must not speak against the key"
        assert pool.asked == (3, 0)


async def test_a_slow_first_content_is_bridged_by_comments(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(keepalive=0.1)) as pool:
        pool.first.script(Stream(delay=0.5))
        reply = await pool.ask(stream=True)
        assert reply.body.startswith(b": keepalive\n\n")
        assert reply.body.endswith(b"data: [DONE]\n\n")
        assert reply.headers["x-havuz-attempts"] == "1"


async def test_failover_goes_on_behind_the_comments(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(keepalive=0.1, first_token=0.4)) as pool:
        pool.first.script(Hang())
        reply = await pool.ask(stream=True)
        assert reply.body.startswith(b": keepalive\n\n")
        assert b'"content"' in reply.body
        assert reply.body.endswith(b"data: [DONE]\n\n")
        assert pool.asked == (1, 1)


async def test_a_final_failure_behind_the_comments_is_told_by_an_event(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(keepalive=0.1)) as pool:
        pool.first.script(error(500, delay=0.3))
        pool.second.script(error(500))
        reply = await pool.ask(stream=True)
        comment, told, rest = reply.body.decode().rsplit("\n\n", 2)
        assert (reply.status, rest) == (200, "")
        assert comment.startswith(": keepalive")
        assert json.loads(told.removeprefix("data: "))["error"]["type"] == "service_unavailable"
