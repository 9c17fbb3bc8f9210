"""A provider that fails before its first content: another one answers, and the client sees nothing of it."""

import pytest

from harness.fake_provider import (
    CloseWithoutAnswer,
    CutBody,
    CutStream,
    DeadPort,
    FakeProvider,
    Garbage,
    GarbageBody,
    Hang,
    Json,
    RawEvents,
    Redirect,
    Reset,
    error,
)
from harness.fake_provider_answers import Answer
from harness.fake_provider_tls import Certificate
from harness.gateway import GatewayProcess
from harness.pooled import Pooled, pooled, said
from harness.world import World
from havuz_contract.snapshot.models import Breaker, Failover

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
ANY_KEY_BUT_THIS = [
    pytest.param(Reset(), id="reset"),
    pytest.param(CloseWithoutAnswer(), id="closed without an answer"),
    pytest.param(Garbage(), id="not HTTP"),
    pytest.param(GarbageBody(), id="HTML as JSON"),
    pytest.param(GarbageBody(content_type="text/html"), id="HTML"),
    pytest.param(GarbageBody(b"", "text/event-stream"), id="an empty body"),
    pytest.param(GarbageBody(b'{"object":"list"}'), id="JSON that is no answer"),
    pytest.param(Redirect(), id="a redirect"),
    *(pytest.param(error(status, kind="server_error"), id=str(status)) for status in (408, 500, 502, 503, 504, 529)),
    pytest.param(error(429, kind="requests", code="rate_limit_exceeded"), id="429 rate limit"),
    pytest.param(error(429, kind="insufficient_quota", code="insufficient_quota"), id="429 quota gone"),
    pytest.param(error(402, "Insufficient Balance"), id="402"),
    pytest.param(error(401, kind="invalid_request_error", code="invalid_api_key"), id="401"),
    pytest.param(error(403, "Your account is not active"), id="403"),
    pytest.param(error(404, "The model `x` does not exist", code="model_not_found"), id="404"),
    pytest.param(error(200, "The server is overloaded", kind="server_error"), id="an error under 200"),
    pytest.param(Json(200, {"id": "chatcmpl-1", "choices": []}), id="no choices"),
]


async def _answered_by_second(pool: Pooled, *, stream: bool) -> None:
    reply = await pool.ask(stream=stream)
    assert reply.status == 200, reply.body
    assert said(reply)
    assert reply.headers["x-havuz-attempts"] == "2"
    assert pool.second.requests[-1].json["model"] == "second-model"


@BOTH
@pytest.mark.parametrize("fault", ANY_KEY_BUT_THIS)
async def test_the_next_key_answers(world: World, gateway: GatewayProcess, fault: Answer, stream: bool) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(fault)
        await _answered_by_second(pool, stream=stream)
        assert pool.asked == (1, 1)


@BOTH
async def test_a_refused_connection_moves_on_to_the_next_key(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    with DeadPort() as dead:
        async with pooled(world, gateway, first_url=dead.base_url) as pool:
            await _answered_by_second(pool, stream=stream)


@BOTH
async def test_a_name_that_does_not_resolve_moves_on_to_the_next_key(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with pooled(world, gateway, first_url="http://no-such-host.invalid/v1") as pool:
        await _answered_by_second(pool, stream=stream)


@BOTH
@pytest.mark.parametrize("certificate", ["untrusted", "expired", "wrong-name"])
async def test_a_tls_failure_moves_on_to_the_next_key(
    world: World, gateway: GatewayProcess, certificate: Certificate, stream: bool
) -> None:
    async with FakeProvider(tls=certificate) as secret:
        fields = {"ca_bundle": secret.ca_pem}
        async with pooled(world, gateway, first_url=secret.base_url, upstream_fields=fields) as pool:
            await _answered_by_second(pool, stream=stream)
            assert secret.requests == []


async def test_a_provider_behind_its_own_authority_is_called_over_tls(world: World, gateway: GatewayProcess) -> None:
    async with FakeProvider(tls="valid") as secret:
        fields = {"ca_bundle": secret.ca_pem}
        async with pooled(world, gateway, first_url=secret.base_url, upstream_fields=fields) as pool:
            assert said(await pool.ask())
            assert len(secret.requests) == 1


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_half_a_json_answer_moves_on_to_the_next_key(world: World, gateway: GatewayProcess, reset: bool) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(CutBody(reset=reset))
        await _answered_by_second(pool, stream=False)


@pytest.mark.parametrize("after", [0, 1], ids=["before any event", "after the role"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_a_stream_cut_before_its_first_content_moves_on_to_the_next_key(
    world: World, gateway: GatewayProcess, after: int, reset: bool
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(CutStream(after=after, reset=reset))
        await _answered_by_second(pool, stream=True)


async def test_a_stream_that_ends_properly_without_content_or_done_moves_on(
    world: World, gateway: GatewayProcess
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(RawEvents(b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'))
        await _answered_by_second(pool, stream=True)


@pytest.mark.parametrize("after", [b"", b"data: [DONE]\n\n"], ids=["alone", "with the end behind it"])
async def test_a_stream_whose_first_event_is_an_error_moves_on(
    world: World, gateway: GatewayProcess, after: bytes
) -> None:
    overloaded = b'data: {"error":{"message":"The server had an error","type":"server_error","code":null}}\n\n'
    async with pooled(world, gateway) as pool:
        pool.first.script(RawEvents(overloaded + after))
        await _answered_by_second(pool, stream=True)


@pytest.mark.parametrize("after", [None, "headers"], ids=["at once", "after the headers"])
async def test_a_stream_without_a_first_event_in_time_moves_on(
    world: World, gateway: GatewayProcess, after: None
) -> None:
    async with pooled(world, gateway, failover=Failover(first_token=0.3)) as pool:
        pool.first.script(Hang(after))
        await _answered_by_second(pool, stream=True)
        assert pool.first.requests[0].hung_up


async def test_a_stream_that_falls_silent_after_its_role_moves_on(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, failover=Failover(idle=0.3)) as pool:
        pool.first.script(Hang(1))
        await _answered_by_second(pool, stream=True)


async def test_a_json_answer_that_falls_silent_after_its_headers_moves_on(
    world: World, gateway: GatewayProcess
) -> None:
    async with pooled(world, gateway, failover=Failover(idle=0.3)) as pool:
        pool.first.script(Hang("headers"))
        await _answered_by_second(pool, stream=False)


@BOTH
async def test_embeddings_fail_over_too(world: World, gateway: GatewayProcess, stream: bool) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(503) if stream else GarbageBody(b"[]"))
        reply = await pool.caller.post("/v1/embeddings", {"model": pool.route.model, "input": "Merhaba"})
        assert (reply.status, reply.headers["x-havuz-attempts"]) == (200, "2")
        assert len(reply.json["data"][0]["embedding"]) > 0


@BOTH
@pytest.mark.parametrize(
    ("status", "message", "code"),
    [(400, "Unsupported value: 'temperature'", "unsupported_value"), (422, "bad schema", None), (413, "too big", None)],
)
async def test_the_clients_own_mistake_comes_back_in_the_providers_words(
    world: World, gateway: GatewayProcess, status: int, message: str, code: str | None, stream: bool
) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=1)) as pool:
        pool.first.script(error(status, message, code=code, param="temperature"))
        reply = await pool.ask(stream=stream)
        assert reply.status == status
        assert reply.error == {
            "message": message, "type": "invalid_request_error", "code": code, "param": "temperature"
        }  # fmt: skip
        assert (await pool.ask(stream=stream)).headers["x-havuz-attempts"] == "1"
        assert pool.asked == (2, 0), "a client's mistake must not move to another key, nor speak against this one"


@pytest.mark.parametrize(
    ("body", "message", "kind"),
    [
        ({"object": "error", "message": "bad top_k", "type": "BadRequest", "code": 400}, "bad top_k", "BadRequest"),
        ({"error": "invalid option"}, "invalid option", "invalid_request_error"),
        ('{"error": oops', '{"error": oops', "invalid_request_error"),
        ("", "HTTP status 400 without a word", "invalid_request_error"),
    ],
    ids=["members at the top", "a text as the error", "no JSON", "nothing"],
)  # fmt: skip
async def test_a_mistake_told_in_another_form_is_told_in_the_clients(
    world: World, gateway: GatewayProcess, body: object, message: str, kind: str
) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(Json(400, body))
        reply = await pool.ask()
        assert reply.status == 400
        assert reply.error == {"message": message, "type": kind, "code": 400, "param": None}


@BOTH
async def test_a_mistake_told_at_great_length_is_still_the_clients(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=1)) as pool:
        pool.first.script(error(400, "you sent: " + "x" * 300_000))
        reply = await pool.ask(stream=stream)
        assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
        assert "you sent: xxx" in reply.error["message"]
        assert (await pool.ask(stream=stream)).status == 200
        assert pool.asked == (2, 0), "it must not move to another key, nor speak against this one"


async def test_an_answer_larger_than_allowed_is_no_fault_of_the_key(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway, breaker=Breaker(failures=1)) as pool:
        pool.first.script(Json(200, b'{"data":["' + b"x" * 65 * 1024 * 1024 + b'"]}'))
        reply = await pool.caller.post("/v1/embeddings", {"model": pool.route.model, "input": ["a"] * 2048})
        assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
        assert "ask for less" in reply.error["message"]
        assert (await pool.ask()).status == 200
        assert pool.asked == (2, 0), "a client that asks for much must not shut the pool for others"


@BOTH
async def test_a_prompt_too_long_goes_to_a_target_with_a_larger_window(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    too_long = error(400, "This model's maximum context length is 8192 tokens", code="context_length_exceeded")
    windows = {"first_target": {"context_window": 8192}, "second_target": {"context_window": 128_000}}
    async with pooled(world, gateway, **windows) as pool:
        pool.first.script(too_long)
        await _answered_by_second(pool, stream=stream)


@BOTH
async def test_a_prompt_too_long_for_every_target_is_a_400(world: World, gateway: GatewayProcess, stream: bool) -> None:
    too_long = error(400, "This model's maximum context length is 8192 tokens", code="context_length_exceeded")
    windows = {"first_target": {"context_window": 8192}, "second_target": {"context_window": 8192}}
    async with pooled(world, gateway, **windows) as pool:
        pool.first.script(too_long)
        reply = await pool.ask(stream=stream)
        assert (reply.status, reply.error["code"]) == (400, "context_length_exceeded")
        assert pool.asked == (1, 0)


@BOTH
async def test_a_reason_the_route_does_not_name_is_not_failed_over(
    world: World, gateway: GatewayProcess, stream: bool
) -> None:
    async with pooled(world, gateway, failover=Failover(reasons=frozenset({"Connect"}))) as pool:
        pool.first.script(error(500))
        assert (await pool.ask(stream=stream)).status == 503
        assert pool.asked == (1, 0)


async def test_the_body_is_made_anew_for_each_attempt(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        pool.first.script(error(500))
        await pool.ask(temperature=0.7, unknown_field={"kept": 1})
        bodies = [provider.requests[0].json for provider in (pool.first, pool.second)]
        assert [body.pop("model") for body in bodies] == ["first-model", "second-model"]
        assert bodies[0] == bodies[1]
        assert bodies[0]["unknown_field"] == {"kept": 1}
