"""What becomes of a Chat Completions request on its way to Anthropic, rule by rule."""

from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.anthropic.encode_request import encode_request
from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.neutral.errors import CannotExpress
from havuz_gateway.protocols.openai_chat.decode_request import decode_request

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
HERE = "messages[0].content[0]"
BUDGETED = Quirks(thinking="budget", output_limit=1_000)


def sent(messages: list[dict[str, Any]] | None = None, quirks: Quirks | None = None, **fields: Any) -> Encoded:
    body = {"model": "m", "messages": messages or [{"role": "user", "content": "Hi"}], **fields}
    return encode_request(decode_request(body), quirks or Quirks())


def user(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [part]}]


def roles(encoded: Encoded) -> list[str]:
    return [message["role"] for message in encoded.body["messages"]]


def test_the_limit_is_the_clients_or_the_routes() -> None:
    assert sent(max_completion_tokens=7).body["max_tokens"] == 7
    assert sent(max_tokens=8).body["max_tokens"] == 8
    assert sent(quirks=Quirks(output_limit=9)).body["max_tokens"] == 9


def test_leading_instructions_become_the_system_prompt() -> None:
    encoded = sent(
        [
            {"role": "system", "content": "A"},
            {"role": "developer", "content": [{"type": "text", "text": "B"}]},
            {"role": "user", "content": "Hi"},
        ]
    )
    assert encoded.body["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert roles(encoded) == ["user"]
    assert encoded.dropped == ()


def test_later_instructions_leave_the_system_prompt_as_it_was() -> None:
    turns = [
        {"role": "system", "content": "A"},
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "In Turkish."},
        {"role": "assistant", "content": "Merhaba"},
        {"role": "user", "content": "Bye"},
    ]
    new, old = sent(turns), sent(turns, Quirks(later_instructions=False))
    assert new.body["system"] == old.body["system"] == "A"
    assert roles(new) == ["user", "system", "assistant", "user"]
    assert new.dropped == ()
    assert roles(old) == ["user", "assistant", "user"]
    assert old.body["messages"][0]["content"][1] == {"type": "text", "text": "<system>\nIn Turkish.\n</system>"}
    assert old.dropped == ("messages[2].role",)


def test_results_of_parallel_calls_share_the_users_next_turn_and_lead_it() -> None:
    second = {**CALL, "id": "call_2"}
    encoded = sent(
        [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "", "tool_calls": [CALL, second]},
            {"role": "tool", "tool_call_id": "call_1", "content": "one"},
            {"role": "user", "content": "quick"},
            {"role": "tool", "tool_call_id": "call_2", "content": "two"},
        ],
        tools=[TOOL],
    )
    assert roles(encoded) == ["user", "assistant", "user"]
    assert [block["type"] for block in encoded.body["messages"][1]["content"]] == ["tool_use", "tool_use"]
    last = encoded.body["messages"][2]["content"]
    assert [block["type"] for block in last] == ["tool_result", "tool_result", "text"]


def test_ids_of_other_servers_are_made_acceptable_alike_in_call_and_result() -> None:
    call = {**CALL, "id": "functions.look:0"}
    encoded = sent(
        [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "functions.look:0", "content": "one"},
        ]
    )
    assert encoded.body["messages"][1]["content"][0]["id"] == "functions_look_0"
    assert encoded.body["messages"][2]["content"][0]["tool_use_id"] == "functions_look_0"


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", '{"a": NaN}'])
def test_arguments_that_are_no_object_are_wrapped(arguments: str) -> None:
    call = {**CALL, "function": {"name": "look", "arguments": arguments}}
    encoded = sent([{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [call]}])
    assert encoded.body["messages"][1]["content"][0]["input"] == {"INVALID_JSON": arguments}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "look"}}, {"type": "tool", "name": "look"}),
    ],
)
def test_a_tool_choice_is_mapped(choice: Any, expected: dict[str, Any]) -> None:
    assert sent(tools=[TOOL], tool_choice=choice).body["tool_choice"] == expected


def test_serial_calls_are_asked_for_within_the_choice() -> None:
    assert sent(tools=[TOOL], parallel_tool_calls=False).body["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }


def test_allowed_tools_narrow_the_list() -> None:
    other = {"type": "function", "function": {"name": "other"}}
    only = {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]}
    encoded = sent(tools=[TOOL, other], tool_choice={"type": "allowed_tools", "allowed_tools": only})
    assert [tool["name"] for tool in encoded.body["tools"]] == ["look"]
    assert encoded.body["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0]"),
        ({"messages": user({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}})}, HERE),
        ({"messages": user({"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA"}})}, HERE),
    ],
)
def test_what_anthropic_cannot_be_told_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(CannotExpress) as refused:
        sent(fields.pop("messages", None), **fields)
    assert refused.value.param == param


def test_hints_without_a_counterpart_are_named() -> None:
    encoded = sent(
        seed=1, logit_bias={"5": 1}, temperature=1.5, frequency_penalty=0.5, logprobs=True, stop=["\n", "END"]
    )
    assert encoded.dropped == ("logit_bias", "frequency_penalty", "seed", "logprobs", "stop", "temperature")
    assert encoded.body["temperature"] == 1
    assert encoded.body["stop_sequences"] == ["END"]


def test_effort_becomes_a_budget_on_top_of_the_routes_default() -> None:
    encoded = sent(quirks=BUDGETED, reasoning_effort="low")
    assert encoded.body["thinking"] == {"type": "enabled", "budget_tokens": 2_048}
    assert encoded.body["max_tokens"] == 3_048


def test_a_budget_leaves_room_for_the_answer_within_the_clients_limit() -> None:
    encoded = sent(quirks=BUDGETED, reasoning_effort="high", max_completion_tokens=4_000)
    assert encoded.body["thinking"]["budget_tokens"] == 2_976
    assert encoded.body["max_tokens"] == 4_000
    tight = sent(quirks=BUDGETED, reasoning_effort="high", max_completion_tokens=1_500)
    assert "thinking" not in tight.body
    assert tight.dropped == ("reasoning_effort",)


def test_a_forced_tool_counts_more_than_thinking() -> None:
    encoded = sent(tools=[TOOL], tool_choice="required", reasoning_effort="high")
    assert "thinking" not in encoded.body
    assert encoded.dropped == ("reasoning_effort",)


def test_thinking_takes_sampling_from_the_client() -> None:
    encoded = sent(reasoning_effort="high", temperature=0.2, top_p=0.97, top_k=5)
    assert encoded.body["top_p"] == 0.97
    assert encoded.dropped == ("temperature", "top_k")


def test_a_loop_that_lost_its_thinking_goes_on_without() -> None:
    """Models that think by budget refuse a tool loop whose first turn has no thinking."""
    loop: list[dict[str, Any]] = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "one"},
    ]
    assert sent(loop, BUDGETED, reasoning_effort="high").dropped == ("reasoning_effort",)
    assert "thinking" in sent(loop, Quirks(), reasoning_effort="high").body
    assert "thinking" in sent([*loop, {"role": "user", "content": "?"}], BUDGETED, reasoning_effort="high").body


@pytest.mark.parametrize("format_", ["anthropic-claude-v1", "google-gemini-v1", None])
def test_only_its_own_thinking_reaches_anthropic(format_: str | None) -> None:
    detail = {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "format": format_}
    said = {"role": "assistant", "content": "Yes", "reasoning_content": "Hm.", "reasoning_details": [detail]}
    encoded = sent([{"role": "user", "content": "Hi"}, said])
    kinds = [block["type"] for block in encoded.body["messages"][1]["content"]]
    own = format_ == "anthropic-claude-v1"
    assert kinds == (["thinking", "text"] if own else ["text"])
    assert encoded.dropped == (() if own else ("messages[1].content[0].thinking",))


def test_a_name_that_would_break_a_header_is_made_harmless() -> None:
    fields: dict[str, Any] = {"x\r\nset-cookie: a,b": 1}
    encoded = sent(**fields)
    assert encoded.dropped == ("x\\r\\nset-cookie: ab",)


OFF: list[tuple[Any, dict[str, Any], tuple[str, ...]]] = [
    ("disabled", {"thinking": {"type": "disabled"}}, ()),
    ("omitted", {}, ()),
    ("between_tools", {"thinking": {"type": "between_tools"}}, ()),
    ("effort", {"output_config": {"effort": "low"}}, ("reasoning_effort",)),
]


@pytest.mark.parametrize(("off", "members", "dropped"), OFF, ids=[name for name, *_ in OFF])
def test_a_model_is_told_not_to_think_in_its_own_way(
    off: Any, members: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    encoded = sent(quirks=Quirks(thinking_off=off), reasoning_effort="none")
    told = {name: encoded.body[name] for name in ("thinking", "output_config") if name in encoded.body}
    assert (told, encoded.dropped) == (members, dropped)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look"}}])
def test_a_call_is_not_forced_on_a_model_that_refuses_it(choice: Any) -> None:
    with pytest.raises(CannotExpress) as refused:
        sent(quirks=Quirks(forced_tools=False), tools=[TOOL], tool_choice=choice)
    assert refused.value.param == "tool_choice"
    assert "tool_choice" not in sent(quirks=Quirks(forced_tools=False), tools=[TOOL]).body


def test_thinking_between_calls_is_asked_for_by_a_header_where_that_is_needed() -> None:
    older = Quirks(thinking="budget", interleaved=True)
    beta = {"anthropic-beta": "interleaved-thinking-2025-05-14"}
    assert sent(quirks=older, tools=[TOOL], reasoning_effort="high").headers == beta
    assert sent(quirks=older, reasoning_effort="high").headers == {}
    assert sent(quirks=older, tools=[TOOL]).headers == {}
    assert sent(tools=[TOOL], reasoning_effort="high").headers == {}


def test_what_openais_sdks_add_to_a_call_that_they_send_back_is_no_news() -> None:
    function = {**CALL["function"], "parsed_arguments": {"x": 1}}
    turns = [{"role": "assistant", "tool_calls": [{**CALL, "function": function}]}]
    assert sent(turns) == sent([{"role": "assistant", "tool_calls": [CALL]}])
    with pytest.raises(InvalidRequest, match="surprise"):
        sent([{"role": "assistant", "tool_calls": [{**CALL, "function": {**function, "surprise": 1}}]}])


def test_thinking_without_a_type_stays_as_it_came() -> None:
    body = {
        "model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}],
        "thinking": {"block_binding": {"prefix_mismatch_behavior": "drop_block"}},
    }  # fmt: skip
    assert ANTHROPIC.encode_request(ANTHROPIC.decode_request(body), Quirks()).body == body
