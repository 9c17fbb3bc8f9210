"""Requests of one conversation are told from those of others, in each protocol."""

import json
from typing import Any

import pytest

from harness.builders import make_project
from havuz_gateway.pipeline.affinity import conversation_of
from havuz_gateway.pipeline.types import Call, Identity
from havuz_gateway.protocols.body import Body

CUSTOMER = make_project().project
HELLO, MORE = {"role": "user", "content": "Hello"}, {"role": "user", "content": "And then?"}
ANSWER, RULES = {"role": "assistant", "content": "Hi"}, {"role": "system", "content": "Be kind."}
GEMINI_HELLO, GEMINI_ANSWER = {"parts": [{"text": "Hello"}]}, {"role": "model", "parts": [{"text": "Hi"}]}


def conversation(protocol: str, project: Any = CUSTOMER, model: str = "m", **fields: Any) -> int:
    body = Body.decode(json.dumps(fields).encode())
    call = Call(action="chat", protocol=protocol, model=model, stream=False, body=body)
    return conversation_of(call, Identity(project=project, key=project.keys[0]))


@pytest.mark.parametrize(
    ("protocol", "turns"),
    [
        ("openai_chat", ({"messages": [RULES, HELLO]}, {"messages": [RULES, HELLO, ANSWER, MORE]},
                         {"messages": [HELLO]}, {"messages": [RULES, MORE]})),
        ("anthropic", ({"system": "Be kind.", "messages": [HELLO]},
                       {"system": "Be kind.", "messages": [HELLO, ANSWER, MORE]},
                       {"messages": [HELLO]}, {"system": "Be kind.", "messages": [MORE]})),
        ("openai_responses", ({"instructions": "Be kind.", "input": [HELLO]},
                              {"instructions": "Be kind.", "input": [HELLO, ANSWER, MORE]},
                              {"input": [HELLO]}, {"instructions": "Be kind.", "input": "Hello"})),
        ("gemini", ({"systemInstruction": {"parts": []}, "contents": [GEMINI_HELLO]},
                    {"systemInstruction": {"parts": []}, "contents": [GEMINI_HELLO, GEMINI_ANSWER, GEMINI_HELLO]},
                    {"contents": [GEMINI_HELLO]}, {"systemInstruction": {"parts": []}, "contents": [GEMINI_ANSWER]})),
    ],
    ids=["openai_chat", "anthropic", "openai_responses", "gemini"],
)  # fmt: skip
def test_later_turns_belong_to_it_and_other_beginnings_do_not(
    protocol: str, turns: tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]
) -> None:
    first, later, *others = (conversation(protocol, **fields) for fields in turns)
    assert first == later
    assert first not in others


def test_a_clients_own_cache_key_decides_alone() -> None:
    one = conversation("openai_chat", messages=[HELLO], prompt_cache_key="user-7")
    assert conversation("openai_chat", messages=[MORE], prompt_cache_key="user-7") == one
    assert conversation("openai_chat", messages=[HELLO], prompt_cache_key="user-8") != one


def test_projects_and_models_have_conversations_of_their_own() -> None:
    one = conversation("openai_chat", messages=[HELLO])
    assert conversation("openai_chat", make_project().project, messages=[HELLO]) != one
    assert conversation("openai_chat", model="other", messages=[HELLO]) != one


@pytest.mark.parametrize("messages", [None, "text", {}, [], [1, None], [[[]]]])
def test_a_body_of_any_shape_has_one(messages: Any) -> None:
    assert conversation("openai_chat", messages=messages) >= 0
