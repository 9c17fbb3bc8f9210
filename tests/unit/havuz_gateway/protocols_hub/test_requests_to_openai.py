"""What becomes of a Messages request on its way to a Chat Completions server, rule by rule."""

from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.anthropic.decode_request import decode_request
from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.neutral.errors import CannotExpress, UnknownContent
from havuz_gateway.protocols.openai_chat.encode_request import encode_request

USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": 1}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def sent(messages: list[dict[str, Any]] | None = None, quirks: Quirks | None = None, **fields: Any) -> Encoded:
    body = {"model": "m", "max_tokens": 9, "messages": messages or [{"role": "user", "content": "Hi"}], **fields}
    return encode_request(decode_request(body), quirks or Quirks())


def test_a_turn_with_results_becomes_a_message_for_each_then_the_users_own() -> None:
    results = [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "see"}, IMAGE]},
        {"type": "tool_result", "tool_use_id": "toolu_2"},
        {"type": "text", "text": "Go on."},
    ]
    uses = [USE, {**USE, "id": "toolu_2"}]
    encoded = sent([{"role": "assistant", "content": uses}, {"role": "user", "content": results}])
    assert [message["role"] for message in encoded.body["messages"]] == ["assistant", "tool", "tool", "user", "user"]
    pictures = encoded.body["messages"][3]["content"]
    assert pictures[0]["text"].endswith("toolu_1:")
    assert pictures[1]["image_url"]["url"] == "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("thinking", "quirks", "expected", "dropped"),
    [
        ({"type": "enabled", "budget_tokens": 10_000}, Quirks(), "medium", ()),
        ({"type": "enabled", "budget_tokens": 31_999}, Quirks(efforts=("low", "medium")), "medium", ()),
        ({"type": "enabled", "budget_tokens": 2_048}, Quirks(efforts=()), None, ("reasoning_effort",)),
        ({"type": "disabled"}, Quirks(), None, ("thinking",)),
        ({"type": "disabled"}, Quirks(efforts=("none", "low")), "none", ()),
        ({"type": "adaptive"}, Quirks(), None, ("thinking",)),
    ],
)
def test_thinking_becomes_an_effort_that_the_model_knows(
    thinking: dict[str, Any], quirks: Quirks, expected: str | None, dropped: tuple[str, ...]
) -> None:
    encoded = sent(quirks=quirks, thinking=thinking)
    assert encoded.body.get("reasoning_effort") == expected
    assert encoded.dropped == dropped


def test_a_server_that_takes_no_reasoning_back_is_sent_none() -> None:
    said = [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, {"type": "text", "text": "Yes"}]
    turns: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": said}]
    encoded = sent(turns, Quirks(replay_thinking=False))
    assert encoded.body["messages"][1] == {"role": "assistant", "content": "Yes"}
    assert encoded.dropped == ("messages[1].thinking",)


def test_names_for_older_servers() -> None:
    encoded = sent(quirks=Quirks(limit_field="max_tokens", top_k=False), top_k=5)
    assert encoded.body["max_tokens"] == 9
    assert "max_completion_tokens" not in encoded.body
    assert encoded.dropped == ("top_k",)


def test_complaints_name_the_place_in_the_clients_own_body() -> None:
    turn = {"role": "user", "content": [{"type": "search_result", "source": "s", "title": "t", "content": []}]}
    with pytest.raises(CannotExpress) as refused:
        sent([turn], system="Be brief.")
    assert refused.value.param == "messages[0].content[0]"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools[0]"),
        ({"tools": [{"type": "frobnicate_1", "name": "x"}]}, "tools[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "critic", "content": "x"}]}, "messages[0].role"),
        ({"messages": "x"}, "messages"),
        ({"thinking": {"type": "telepathy"}}, "thinking.type"),
        ({"output_config": {"format": {"type": "yaml"}}}, "output_config.format"),
    ],
)
def test_what_is_unknown_or_only_anthropics_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sent(fields.pop("messages", None), **fields)
    assert refused.value.param == param


def test_results_do_not_nest() -> None:
    inner = {"type": "tool_result", "tool_use_id": "b", "content": "x"}
    outer = {"type": "tool_result", "tool_use_id": "a", "content": [inner]}
    with pytest.raises(UnknownContent):
        sent([{"role": "user", "content": [outer]}])
