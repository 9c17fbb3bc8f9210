"""Reading a chat completion request: what passes, what is refused, and which field the refusal names."""

from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.openai_chat.request import read_chat

USER = {"role": "user", "content": "Merhaba!"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def chat(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": list(messages) or [USER], **fields}


def part(**fields: Any) -> dict[str, Any]:
    return chat({"role": "user", "content": [fields]})


def image(**fields: Any) -> dict[str, Any]:
    return part(type="image_url", image_url=fields)


ACCEPTED = {
    "the least": chat(),
    "every role": chat(
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": "Be kind."},
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "20 °C"},
        {"role": "function", "name": "old", "content": None},
        {"role": "assistant", "content": "20 °C", "refusal": None, "tool_calls": None},
    ),
    "an assistant without a content member": chat(USER, {"role": "assistant", "tool_calls": [CALL]}),
    "an image by URL": image(url="https://example.com/a.png", detail="high"),
    "an image by URL in capitals": image(url="HTTPS://EXAMPLE.COM/A.PNG"),
    "an image by data": image(url="data:image/png;base64,iVBORw0KGgo=", detail=None),
    "parts": part(type="text", text=""),
    "a part type of the provider's own": part(type="video_url", video_url={"url": "x"}),
    "bounds": chat(temperature=0, top_p=1, presence_penalty=-2, frequency_penalty=2.0, n=128, top_logprobs=20),
    "temperature at its upper bound": chat(temperature=2),
    "null for every optional field": chat(
        stream=None, temperature=None, top_p=None, max_tokens=None, max_completion_tokens=None, stop=None, n=None,
        tools=None, tool_choice=None, response_format=None, stream_options=None, seed=None, user=None, logprobs=None,
        timeout=None, think=None, deepsearch=None,
    ),
    "stop as a string": chat(stop="\n"),
    "stop as four strings": chat(stop=["a", "b", "c", "d"]),
    "tools": chat(tools=[TOOL, {"type": "web_search"}], tool_choice={"type": "function", "function": {"name": "f"}}),
    "a schema": chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}),
    "fields nobody knows": chat(top_k=40, safety_settings=[{"x": 1}]),
}  # fmt: skip


@pytest.mark.parametrize("fields", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_good_request_is_read(fields: dict[str, Any]) -> None:
    assert read_chat(fields).model == "gpt-4o-mini"


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": [USER]}, "model", "missing"),
    ({"model": None, "messages": [USER]}, "model", "null"),
    ({"model": "", "messages": [USER]}, "model", "an empty string"),
    ({"model": 7, "messages": [USER]}, "model", "7"),
    ({"model": "m"}, "messages", "missing"),
    ({"model": "m", "messages": None}, "messages", "null"),
    ({"model": "m", "messages": []}, "messages", "an empty array"),
    ({"model": "m", "messages": "Merhaba"}, "messages", "the string 'Merhaba'"),
    ({"model": "m", "messages": USER}, "messages", "an object"),
    (chat(USER, "hello"), "messages[1]", "the string 'hello'"),
    (chat({"content": "x"}), "messages[0].role", "missing"),
    (chat({"role": "robot", "content": "x"}), "messages[0].role", "'developer'"),
    (chat({"role": ["user"], "content": "x"}), "messages[0].role", "an array of 1"),
    (chat(USER, {"role": "user"}), "messages[1].content", "missing"),
    (chat({"role": "user", "content": None}), "messages[0].content", "null"),
    (chat({"role": "user", "content": 5}), "messages[0].content", "5"),
    (chat({"role": "user", "content": []}), "messages[0].content", "an empty array"),
    (chat({"role": "user", "content": {"type": "text"}}), "messages[0].content", "an object"),
    (chat({"role": "user", "content": ["x"]}), "messages[0].content[0]", "the string 'x'"),
    (chat({"role": "assistant", "content": None}), "messages[0].content", "null"),
    (chat({"role": "assistant", "content": None, "tool_calls": []}), "messages[0].content", "null"),
    (chat({"role": "tool", "content": "x"}), "messages[0].tool_call_id", "missing"),
    (chat({"role": "assistant", "tool_calls": ["x"]}), "messages[0].tool_calls[0]", "the string"),
    (chat({"role": "assistant", "content": "", "tool_calls": {}}), "messages[0].tool_calls", "an empty object"),
    (
        chat({"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}),
        "messages[0].tool_calls[0].function.arguments",
        "missing",
    ),
    (part(text="x"), "messages[0].content[0].type", "missing"),
    (part(type=3), "messages[0].content[0].type", "3"),
    (part(type="text"), "messages[0].content[0].text", "missing"),
    (part(type="text", text=1), "messages[0].content[0].text", "1"),
    (part(type="image_url"), "messages[0].content[0].image_url", "missing"),
    (part(type="image_url", image_url="https://x"), "messages[0].content[0].image_url", "the string"),
    (image(), "messages[0].content[0].image_url.url", "null"),
    (image(url="file:///etc/passwd"), "messages[0].content[0].image_url.url", "data: URL"),
    (image(url="https://x", detail="best"), "messages[0].content[0].image_url.detail", "'auto' or 'low' or 'high'"),
    (chat(stream="true"), "stream", "true or false"),
    (chat(stream=1), "stream", "1"),
    (chat(temperature="0.7"), "temperature", "the string '0.7'"),
    (chat(temperature=2.1), "temperature", "from 0 to 2"),
    (chat(temperature=-0.1), "temperature", "-0.1"),
    (chat(temperature=True), "temperature", "true"),
    (chat(temperature=float("inf")), "temperature", "inf"),
    (chat(top_p=1.5), "top_p", "from 0 to 1"),
    (chat(max_tokens=0), "max_tokens", "at least 1"),
    (chat(max_tokens=1.5), "max_tokens", "an integer"),
    (chat(max_tokens=True), "max_tokens", "true"),
    (chat(max_completion_tokens=-1), "max_completion_tokens", "-1"),
    (chat(n=0), "n", "from 1 to 128"),
    (chat(n=129), "n", "129"),
    (chat(stop=5), "stop", "5"),
    (chat(stop=["a"] * 5), "stop", "an array of 5"),
    (chat(stop=["a", 1]), "stop[1]", "1"),
    (chat(timeout=0), "timeout", "from 1 to 600"),
    (chat(timeout=601), "timeout", "601"),
    (chat(timeout="10"), "timeout", "the string '10'"),
    (chat(think="yes"), "think", "true or false"),
    (chat(deepsearch=1), "deepsearch", "true or false"),
    (chat(tools={}), "tools", "an empty object"),
    (chat(tools=[{}]), "tools[0].type", "null"),
    (chat(tools=[{"type": "function"}]), "tools[0].function", "null"),
    (chat(tools=[{"type": "function", "function": {}}]), "tools[0].function.name", "null"),
    (chat(tool_choice="always"), "tool_choice", "'required'"),
    (chat(tool_choice={"type": "function", "function": {}}), "tool_choice.function.name", "null"),
    (chat(response_format="json"), "response_format", "an object"),
    (chat(response_format={}), "response_format.type", "null"),
    (chat(response_format={"type": "json_schema"}), "response_format.json_schema", "null"),
    (chat(stream_options=True), "stream_options", "true"),
    (chat(stream_options={"include_usage": "x"}), "stream_options.include_usage", "true or false"),
    (chat(presence_penalty=3), "presence_penalty", "from -2 to 2"),
    (chat(frequency_penalty="0"), "frequency_penalty", "from -2 to 2"),
    (chat(seed=1.5), "seed", "an integer"),
    (chat(user=7), "user", "a string"),
    (chat(logprobs=1), "logprobs", "true or false"),
    (chat(top_logprobs=21), "top_logprobs", "from 0 to 20"),
    (chat(logit_bias=[]), "logit_bias", "an object"),
]


@pytest.mark.parametrize(("fields", "param", "said"), REFUSED, ids=[f"{case[1]}: {case[2]}" for case in REFUSED])
def test_a_wrong_field_is_named_with_what_was_sent_and_wanted(fields: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_chat(fields)
    assert refused.value.param == param
    assert said in refused.value.message
    assert repr(param) in refused.value.message


def test_the_gateways_own_switches_are_read() -> None:
    read = read_chat(
        chat(stream=True, timeout=30, think=True, deepsearch=False, stream_options={"include_usage": True})
    )
    assert (read.stream, read.timeout, read.modes, read.include_usage) == (True, 30, ("think",), True)


def test_a_usage_chunk_is_only_asked_for_in_a_stream() -> None:
    assert not read_chat(chat(stream_options={"include_usage": True})).include_usage


def test_a_complaint_quotes_little_of_a_long_text() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_chat(chat(temperature="9" * 100_000))
    assert len(refused.value.message) < 200


def test_a_complaint_about_half_a_surrogate_pair_can_be_sent() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_chat(chat(temperature="\ud800"))
    assert refused.value.message.encode()


def test_a_number_of_many_digits_is_refused_in_words() -> None:
    with pytest.raises(InvalidRequest, match="too long"):
        read_chat(chat(n=10**5000))
