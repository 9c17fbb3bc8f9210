"""Requests that come or go by Responses, rule by rule."""

from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Encoded, Quirks, Stamp
from havuz_gateway.protocols.neutral.content import RedactedThinking, Text, Thinking, ToolCall
from havuz_gateway.protocols.neutral.errors import CannotExpress
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT
from havuz_gateway.protocols.openai_responses.codec import CODEC

USER = {"role": "user", "content": "Hi"}
SOUND = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
PICTURE = {"type": "input_image", "file_id": "file-1"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "x", "id": "fco_1", "status": "completed"}
OTHERS = pytest.mark.parametrize("target", [OPENAI_CHAT, ANTHROPIC], ids=lambda codec: codec.protocol)


def own(**fields: Any) -> dict[str, Any]:
    """What becomes of a body on its way through the hub and back."""
    encoded = CODEC.encode_request(CODEC.decode_request({"model": "m", **fields}), Quirks())
    assert encoded.dropped == ()
    return encoded.body


def crossed(target: Codec, **fields: Any) -> Encoded:
    return target.encode_request(CODEC.decode_request({"model": "m", **fields}), Quirks())


def from_chat(quirks: Quirks | None = None, **fields: Any) -> Encoded:
    request = OPENAI_CHAT.decode_request({"model": "m", "messages": [USER], **fields})
    return CODEC.encode_request(request, quirks or Quirks())


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "Hi", "unknown": {"a": [1]}, "background": True, "prompt": {"id": "p"}, "truncation": "auto"},
        {"prompt": {"id": "pmpt_1", "version": "2"}},
        {"input": [USER], "text": {}, "include": [], "tools": [], "reasoning": {}, "metadata": None},
        {"input": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, USER]},
        {"input": [{"type": "message", "role": "assistant", "content": "a", "phase": "commentary"}, USER]},
        {"input": [{"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}, USER]},
        {"input": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "id": "msg_1"}, USER]},
        {"input": [{"role": "assistant", "content": []}, USER]},
        {"input": [{"id": "msg_1"}, {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}]},
        {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "x", "id": "rs_1", "status": None}]},
        {"input": [{"role": "user", "content": [SOUND]}]},
        {"input": [{"role": "user", "content": [PICTURE]}]},
        {"input": [USER], "tools": [{"type": "web_search_preview", "search_context_size": "high"}, {"type": "new"}]},
        {"input": [USER], "tools": [{"type": "web_search", "filters": {"allowed_domains": [], "x": 1}}]},
        {"input": [USER], "tools": [{"type": "function", "name": "f", "defer_loading": True}]},
        {"input": [USER], "tool_choice": {"type": "mcp", "server_label": "s"}},
        {"input": [USER], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]}},
        {"input": [OUTPUT]},
    ],
    ids=str,
)  # fmt: skip
def test_a_body_comes_back_as_it_went(fields: dict[str, Any]) -> None:
    assert own(**fields) == {"model": "m", **fields}


@OTHERS
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True}, "background"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"input": [USER, {"id": "msg_1"}]}, "input[1].id"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "input[0].type"),
        ({"tool_choice": {"type": "web_search_preview"}}, "tool_choice.type"),
        ({"tools": [{"type": "code_interpreter", "container": "c"}]}, "tools[0]"),
        ({"input": [{"role": "user", "content": [PICTURE]}]}, "input[0].content[0]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_only_responses_knows_is_refused_by_name(target: Codec, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(CannotExpress) as refused:
        crossed(target, **{"input": "Hi", **fields})
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "input"),
        ({"input": 7}, "input"),
        ({"input": ["Hi"]}, "input[0]"),
        ({"input": [{"content": "Hi"}]}, "input[0].type"),
        ({"input": [{"role": "tool", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "text_in"}]}]}, "input[0].content[0].type"),
        ({"input": [{"type": "function_call", "call_id": "c", "arguments": "{}"}]}, "input[0].name"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"input": "Hi", "text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"input": "Hi", "tools": [{"name": "f"}]}, "tools[0].type"),
        ({"input": "Hi", "tool_choice": 7}, "tool_choice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as wrong:
        CODEC.decode_request({"model": "m", **fields})
    assert wrong.value.param == param


def test_others_requests_are_not_stored_and_their_reasoning_comes_sealed() -> None:
    assert from_chat().body["store"] is False
    assert from_chat(store=True).body["store"] is True
    assert "include" not in from_chat().body
    assert from_chat(reasoning_effort="low").body["include"] == ["reasoning.encrypted_content"]
    assert from_chat(Quirks(efforts=("low",))).body["include"] == ["reasoning.encrypted_content"]
    assert "include" not in from_chat(Quirks(efforts=()), reasoning_effort="low").body
    assert from_chat(logprobs=True, top_logprobs=2).body["include"] == ["message.output_text.logprobs"]


def test_others_functions_are_not_made_strict() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    assert from_chat(tools=[tool]).body["tools"] == [
        {"type": "function", "name": "f", "parameters": None, "strict": False}
    ]


def test_hints_without_a_counterpart_are_named() -> None:
    encoded = from_chat(seed=7, stop="x", frequency_penalty=1, top_k=3)
    assert encoded.dropped == ("top_k", "seed", "stop", "frequency_penalty")


@pytest.mark.parametrize(("fields", "param"), [({"n": 2}, "n"), ({"modalities": ["text", "audio"]}, "modalities")])
def test_what_must_not_be_dropped_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(CannotExpress) as refused:
        from_chat(**fields)
    assert refused.value.param == param


def test_sound_is_refused_where_it_came_by_another_protocol() -> None:
    with pytest.raises(CannotExpress) as refused:
        from_chat(messages=[{"role": "user", "content": [SOUND]}])
    assert refused.value.param == "messages[0].content[0]"


def test_seals_of_other_providers_return_to_them_alone() -> None:
    said = (
        Thinking("hm", signature="c2VhbA==", origin="anthropic"),
        RedactedThinking("aGlkZGVu", origin="anthropic"),
        ToolCall("call_1", "f", "{}", signature="c2lnbmVk"),
        Text("Hi"),
    )
    answer = ChatResponse("resp_1", "m", (Choice(said, Finish("stop")),), created=1)
    output = CODEC.encode_response(answer, Stamp()).body["output"]
    request = CODEC.decode_request({"model": "m", "input": [USER, *output, USER]})
    assert request.messages[1].content == said
    home = ANTHROPIC.encode_request(request, Quirks()).body["messages"][1]["content"]
    assert home[0] == {"type": "thinking", "thinking": "hm", "signature": "c2VhbA=="}
    assert home[1] == {"type": "redacted_thinking", "data": "aGlkZGVu"}
    away = CODEC.encode_request(request, Quirks())
    assert [item.get("type") for item in away.body["input"]] == [None, "function_call", None, None]
    assert away.dropped == ("input[1].thinking", "input[1].thought_signature")


def test_ids_that_were_made_here_are_not_handed_to_a_provider() -> None:
    answer = ChatResponse("resp_1", "m", (Choice((Text("Hi"), ToolCall("c", "f", "{}")), Finish("stop")),), created=1)
    output = CODEC.encode_response(answer, Stamp()).body["output"]
    assert [item["id"] for item in output] == ["msg_havuz_1_0", "fc_havuz_1_1"]
    sent = CODEC.encode_request(CODEC.decode_request({"model": "m", "input": output}), Quirks()).body["input"]
    assert sent == [
        {"role": "assistant", "content": "Hi"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]


def test_free_text_of_a_custom_tool_stays_as_it_is() -> None:
    answer = ChatResponse("r", "m", (Choice((ToolCall("c", "f", " \n", kind="custom"),), Finish("tool-calls")),))
    item = CODEC.encode_response(answer, Stamp()).body["output"][0]
    assert (item["type"], item["input"]) == ("custom_tool_call", " \n")
