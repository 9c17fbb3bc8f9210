"""Thoughts and signatures through clients of one protocol and providers of another, and back."""

import json
from typing import Any

import pytest

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Quirks, Stamp
from havuz_gateway.protocols.gemini.codec import CODEC as GEMINI
from havuz_gateway.protocols.gemini.wire import FOREIGN_CALL
from havuz_gateway.protocols.neutral.unfold import unfold
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT

SEAL = "CuABAdHtim9kZ0s2c1FvR2JWcTBhTnl4UUJ1cE5wZz09"
CALLS = [
    {"functionCall": {"id": "c1", "name": "look", "args": {"at": "Paris"}}, "thoughtSignature": SEAL},
    {"functionCall": {"id": "c2", "name": "look", "args": {"at": "Rome"}}},
]
CLAUDE = [
    {"type": "thinking", "thinking": "Look it up, in both.", "signature": "EqoBCkgIARABGAIi"},
    {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"},
    {"type": "text", "text": "One moment."},
    {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "Paris"}},
]


def gemini_answer(parts: list[dict[str, Any]]) -> dict[str, Any]:
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "modelVersion": "gemini-3-pro", "responseId": "r1"}


def messages_after(client: Codec, answer: dict[str, Any]) -> list[Any]:
    """The conversation that a client sends next: it appends what it was told as it came, and results."""
    if client is ANTHROPIC:
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": "14"}
            for block in answer["content"]
            if block["type"] == "tool_use"
        ]
        return [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": results}]
    message = answer["choices"][0]["message"]
    return [
        message,
        *({"role": "tool", "tool_call_id": call["id"], "content": "14"} for call in message["tool_calls"]),
    ]


@pytest.mark.parametrize("client", [ANTHROPIC, OPENAI_CHAT], ids=lambda codec: codec.protocol)
def test_a_signature_on_a_call_comes_back_to_gemini_through_any_client(client: Codec) -> None:
    response = GEMINI.decode_response(gemini_answer(CALLS))
    told = client.encode_response(response, Stamp()).body
    conversation = [{"role": "user", "content": "Weather?"}, *messages_after(client, told)]
    request = client.decode_request({"model": "m", "max_tokens": 9, "messages": conversation})
    contents = GEMINI.encode_request(request, Quirks()).body["contents"]
    assert contents[1] == {"role": "model", "parts": CALLS}
    assert [part["functionResponse"]["id"] for part in contents[2]["parts"]] == ["c1", "c2"]
    assert {part["functionResponse"]["name"] for part in contents[2]["parts"]} == {"look"}


def test_a_call_that_gemini_did_not_make_is_marked_for_gemini_3_alone() -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": CLAUDE}]}
    request = ANTHROPIC.decode_request(body)
    marked = GEMINI.encode_request(request, Quirks())
    assert marked.body["contents"][0]["parts"][1]["thoughtSignature"] == FOREIGN_CALL
    assert marked.dropped == ("messages[0].content[0].thinking", "messages[0].content[1].thinking")
    older = GEMINI.encode_request(request, Quirks(gemini_thinking="budget"))
    assert "thoughtSignature" not in older.body["contents"][0]["parts"][1]


def test_the_mark_is_no_signature_for_anyone_else() -> None:
    call = {**CALLS[0], "thoughtSignature": FOREIGN_CALL}
    body = {"contents": [{"role": "model", "parts": [call]}]}
    request = GEMINI.decode_request(body)
    assert ANTHROPIC.encode_request(request, Quirks()).dropped == ()
    assert GEMINI.encode_request(request, Quirks()).body == body


def claudes_answer() -> dict[str, Any]:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": CLAUDE,
        "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 2},
    }  # fmt: skip


def asked_again(contents: list[dict[str, Any]]) -> list[Any]:
    result = {"functionResponse": {"id": "toolu_1", "name": "look", "response": {"output": "14"}}}
    turns = [{"role": "user", "parts": [{"text": "?"}]}, *contents, {"role": "user", "parts": [result]}]
    encoded = ANTHROPIC.encode_request(GEMINI.decode_request({"contents": turns}), Quirks())
    assert encoded.dropped == ()
    return encoded.body["messages"]  # type: ignore[no-any-return]


def test_claudes_thinking_comes_back_unchanged_through_a_gemini_client() -> None:
    told = GEMINI.encode_response(ANTHROPIC.decode_response(claudes_answer()), Stamp()).body
    messages = asked_again([told["candidates"][0]["content"]])
    assert messages[1] == {"role": "assistant", "content": CLAUDE}
    assert messages[2]["content"][0]["tool_use_id"] == "toolu_1"


def test_claudes_thinking_comes_back_whole_from_a_client_that_keeps_every_chunk() -> None:
    encoder = GEMINI.stream_encoder(Stamp(), True)
    pieces = dict(CLAUDE[0])
    stream = b""
    for event in unfold(ANTHROPIC.decode_response(claudes_answer())):
        stream += encoder.feed(event)
    chunks = [json.loads(sse.data_of(event) or b"") for event in sse.events(stream)]
    contents = [candidate["content"] for chunk in chunks for candidate in chunk.get("candidates", [])]
    thought = contents[0]["parts"][0]
    cut = [
        {"role": "model", "parts": [{**thought, "text": text}]} for text in (thought["text"][:6], thought["text"][6:])
    ]
    messages = asked_again([*cut, *contents[1:-1]])
    assert messages[1]["content"][0] == pieces
    assert messages[1]["content"] == CLAUDE


def test_a_signature_in_the_other_base64_alphabet_is_understood() -> None:
    told = GEMINI.encode_response(ANTHROPIC.decode_response(claudes_answer()), Stamp()).body
    content = told["candidates"][0]["content"]
    for part in content["parts"]:
        if "thoughtSignature" in part:
            part["thoughtSignature"] = part["thoughtSignature"].replace("+", "-").replace("/", "_")
    assert asked_again([content])[1] == {"role": "assistant", "content": CLAUDE}


def test_geminis_own_thoughts_go_back_to_gemini_as_they_came() -> None:
    parts = [{"text": "Hm.", "thought": True}, {"text": "5.", "thoughtSignature": SEAL}]
    response = GEMINI.decode_response(gemini_answer(parts))
    message = OPENAI_CHAT.encode_response(response, Stamp()).body["choices"][0]["message"]
    assert message["extra_content"] == {"google": {"thought_signature": SEAL}}
    again = GEMINI.encode_response(response, Stamp()).body["candidates"][0]["content"]["parts"]
    assert again == parts
