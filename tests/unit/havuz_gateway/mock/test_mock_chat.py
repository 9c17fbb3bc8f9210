"""Laws of the mock's chat answers: the same for the same request, honest about limits, the same streamed or not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.providers.base import ProviderCall
from havuz_gateway.providers.mock import Mock, MockTransport
from havuz_gateway.transport.base import TransportFailure, UpstreamResponse

NOW = 1_704_056_400.5
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}, "days": {"type": "integer"}},
            "required": ["city", "unit"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}


async def send(operation: str, fields: dict[str, Any]) -> UpstreamResponse:
    call = ProviderCall(operation, "openai_chat", "mock", fields.get("stream") is True, encoded(fields))
    request = Mock().request(Upstream(uid="u", name="u", provider="mock"), call)
    return await MockTransport(lambda: NOW).send(request)


def encoded(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def chat(text: str = "Merhaba!", **fields: Any) -> dict[str, Any]:
    return {"model": "gemini-2.0-flash", "messages": [{"role": "user", "content": text}], **fields}


async def answer(fields: dict[str, Any]) -> dict[str, Any]:
    response = await send("chat", fields)
    assert response.status == 200
    parsed = json.loads(await response.read(1_000_000))
    ChatCompletion.model_validate(parsed, strict=True)
    assert isinstance(parsed, dict)
    return parsed


async def events(fields: dict[str, Any]) -> list[dict[str, Any]]:
    response = await send("chat", {**fields, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    chunks = [chunk async for chunk in response.chunks()]
    text = b"".join(chunks).decode()
    *data, done, rest = text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    parsed = [json.loads(event.removeprefix("data: ")) for event in data]
    for event in parsed:
        ChatCompletionChunk.model_validate(event, strict=True)
    return parsed


def fold(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The choices that a stream's events add up to."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for part in chunk["choices"]:
            choice = choices.setdefault(part["index"], {"content": None, "refusal": None, "calls": {}, "finish": None})
            delta = part["delta"]
            for name in ("content", "refusal"):
                if delta.get(name) is not None:
                    choice[name] = (choice[name] or "") + delta[name]
            for call in delta.get("tool_calls", []):
                known = choice["calls"].setdefault(call["index"], {"arguments": ""})
                known["id"] = call.get("id", known.get("id"))
                known["name"] = call["function"].get("name", known.get("name"))
                known["arguments"] += call["function"].get("arguments", "")
            choice["finish"] = part["finish_reason"] or choice["finish"]
    return [choices[index] for index in sorted(choices)]


def as_folded(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    calls = {
        index: {"id": call["id"], **call["function"]} for index, call in enumerate(message.get("tool_calls") or [])
    }
    return {
        "content": message["content"],
        "refusal": message["refusal"],
        "calls": calls,
        "finish": choice["finish_reason"],
    }


REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(1, 3),
        "max_tokens": st.integers(1, 40),
        "stop": st.one_of(st.text(min_size=1, max_size=2), st.lists(st.text(min_size=1, max_size=2), max_size=4)),
        "tools": st.sampled_from([[WEATHER], [WEATHER, CLOCK]]),
        "tool_choice": st.sampled_from(["none", "auto", "required"]),
        "logprobs": st.booleans(),
        "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
    },
)


@given(text=st.text(max_size=60), fields=REQUESTS)
async def test_a_stream_adds_up_to_the_answer(text: str, fields: dict[str, Any]) -> None:
    whole = await answer(chat(text, **fields))
    streamed = await events(chat(text, **fields, stream_options={"include_usage": True}))
    assert fold(streamed) == [as_folded(choice) for choice in whole["choices"]]
    assert {chunk["id"] for chunk in streamed} == {whole["id"]}
    assert streamed[-1]["choices"] == []
    assert streamed[-1]["usage"] == whole["usage"]


async def test_the_same_request_has_the_same_answer() -> None:
    assert await answer(chat()) == await answer(chat())
    assert (await answer(chat()))["id"] != (await answer(chat("Selam")))["id"]


async def test_an_answer_looks_like_a_real_one() -> None:
    got = await answer(chat("Merhaba, nasılsın?"))
    assert got["id"].startswith("chatcmpl-")
    assert (got["object"], got["created"], got["model"]) == ("chat.completion", int(NOW), "gemini-2.0-flash")
    choice = got["choices"][0]
    assert "Merhaba, nasılsın?" in choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    usage = got["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


async def test_a_long_message_is_not_repeated_whole() -> None:
    assert len((await answer(chat("x" * 100_000)))["choices"][0]["message"]["content"]) < 1_000


async def test_a_stream_begins_with_the_role_and_comes_in_pieces() -> None:
    chunks = await events(chat())
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert len(chunks) > 5
    assert all("usage" not in chunk for chunk in chunks)


async def test_max_tokens_cuts_with_length() -> None:
    choice = (await answer(chat(max_tokens=2)))["choices"][0]
    assert choice["finish_reason"] == "length"
    assert len(choice["message"]["content"].split()) == 2


async def test_the_newer_name_of_the_bound_wins() -> None:
    usage = (await answer(chat(max_tokens=9, max_completion_tokens=3)))["usage"]
    assert usage["completion_tokens"] == 3


async def test_a_stop_sequence_ends_the_answer_before_it() -> None:
    content = (await answer(chat("one STOP two", stop=["STOP"])))["choices"][0]["message"]["content"]
    assert content.endswith("one ")


async def test_tools_are_called_with_arguments_that_fit() -> None:
    choice = (await answer(chat(tools=[WEATHER])))["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    arguments = json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"city": "example city", "unit": "C"}


async def test_the_tool_that_the_user_names_is_called() -> None:
    choice = (await answer(chat("look at the clock", tools=[WEATHER, CLOCK])))["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "clock"


async def test_a_named_tool_choice_is_honoured() -> None:
    chosen = {"type": "function", "function": {"name": "clock"}}
    choice = (await answer(chat(tools=[WEATHER, CLOCK], tool_choice=chosen)))["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "clock"
    assert choice["finish_reason"] == "stop"


async def test_a_tools_result_is_answered_in_text() -> None:
    fields = chat(tools=[WEATHER])
    called = (await answer(fields))["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "20"}
    message = (await answer({**fields, "messages": [*fields["messages"], called, result]}))["choices"][0]["message"]
    assert message["content"]
    assert "tool_calls" not in message


async def test_no_tool_is_called_when_none_may_be() -> None:
    assert (await answer(chat(tools=[WEATHER], tool_choice="none")))["choices"][0]["message"]["content"]


async def test_structured_output_fits_its_schema() -> None:
    schema = {"name": "person", "schema": WEATHER["function"]["parameters"]}  # type: ignore[index]
    got = await answer(chat(response_format={"type": "json_schema", "json_schema": schema}))
    assert json.loads(got["choices"][0]["message"]["content"]) == {"city": "example city", "unit": "C"}


async def test_logprobs_cover_every_piece() -> None:
    choice = (await answer(chat(logprobs=True, top_logprobs=2)))["choices"][0]
    tokens = choice["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == choice["message"]["content"]
    assert all(len(token["top_logprobs"]) == 2 for token in tokens)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504, 529])
async def test_every_documented_status_can_be_asked_for(status: int) -> None:
    response = await send("chat", chat(f"havuz:error={status}"))
    assert response.status == status
    assert json.loads(await response.read(10_000))["error"]["message"]
    assert ("retry-after" in response.headers) == (status in (429, 503))


async def test_a_status_that_is_not_documented_is_a_message_like_any_other() -> None:
    assert (await answer(chat("havuz:error=299")))["choices"][0]["message"]["content"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stream_can_break(stream: bool) -> None:
    response = await send("chat", chat("havuz:stream-break", stream=stream))
    with pytest.raises(TransportFailure, match="break off"):
        await response.read(10_000)


async def test_length_and_refusal_can_be_asked_for() -> None:
    assert (await answer(chat("havuz:length")))["choices"][0]["finish_reason"] == "length"
    message = (await answer(chat("havuz:refusal")))["choices"][0]["message"]
    assert message["content"] is None
    assert message["refusal"]


async def test_the_probe_of_a_mock_upstream_succeeds() -> None:
    request = Mock().probe_request(Upstream(uid="u", name="u", provider="mock"))
    assert (await MockTransport(lambda: NOW).send(request)).status == 200


async def test_an_embeddings_error_can_be_asked_for() -> None:
    assert (await send("embeddings", {"model": "m", "input": "havuz:error=503"})).status == 503


async def test_embeddings_parse_as_openais() -> None:
    response = await send("embeddings", {"model": "m", "input": ["a", "b"]})
    parsed = CreateEmbeddingResponse.model_validate_json(await response.read(1_000_000))
    assert [item.index for item in parsed.data] == [0, 1]
    assert len(parsed.data[0].embedding) == 1536
