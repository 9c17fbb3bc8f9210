"""Thinking and its seals, through clients of another protocol and back to the provider that sealed them."""

import json
from typing import Any

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Quirks, Stamp
from havuz_gateway.protocols.neutral.content import RedactedThinking, Text, Thinking, ToolCall, parts_of
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.neutral.unfold import unfold
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT

BLOCKS = [
    {"type": "thinking", "thinking": "Paris, so look it up.", "signature": "EqoBCkgIARABGAIi"},
    {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"},
    {"type": "text", "text": "One moment."},
    {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
]
ANSWER: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": BLOCKS,
    "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 2},
}  # fmt: skip


def answer(*parts: Thinking | RedactedThinking | Text | ToolCall) -> ChatResponse:
    return ChatResponse("r1", "m", (Choice(parts, Finish("tool-calls", "tool_calls")),))


def asked_again(client: Codec, said: dict[str, Any], results: list[dict[str, Any]]) -> Any:
    """The client's next request, which appends what it was told as it came."""
    messages = [{"role": "user", "content": "Weather?"}, said, *results]
    return client.decode_request({"model": "m", "max_tokens": 99, "messages": messages})


def from_chunks(stream: bytes) -> dict[str, Any]:
    """The assistant's message as a simple client gathers it: texts joined, lists extended."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": "", "reasoning_details": []}
    calls: dict[int, dict[str, Any]] = {}
    for event in sse.events(stream):
        data = sse.data_of(event) or b""
        for choice in json.loads(data)["choices"] if data != b"[DONE]" else []:
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            message["reasoning_content"] += delta.get("reasoning_content") or ""
            message["reasoning_details"] += delta.get("reasoning_details") or []
            for piece in delta.get("tool_calls") or []:
                call = calls.setdefault(piece["index"], {**piece, "function": {**piece["function"], "arguments": ""}})
                call["function"]["arguments"] += piece["function"]["arguments"]
    return {**message, "tool_calls": list(calls.values())}


def test_claudes_blocks_come_back_unchanged_through_chat_completions() -> None:
    response = ANTHROPIC.decode_response(ANSWER)
    told = OPENAI_CHAT.encode_response(response, Stamp()).body["choices"][0]["message"]
    encoder = OPENAI_CHAT.stream_encoder(Stamp(), False)
    streamed = from_chunks(b"".join(encoder.feed(event) for event in unfold(response)))
    for message in (told, streamed):
        result = {"role": "tool", "tool_call_id": "toolu_1", "content": "14"}
        request = asked_again(OPENAI_CHAT, message, [result])
        encoded = ANTHROPIC.encode_request(request, Quirks())
        assert encoded.body["messages"][1] == {"role": "assistant", "content": BLOCKS}


def test_a_foreign_seal_travels_in_anthropics_signature_and_never_reaches_claude() -> None:
    sealed = Thinking("Summed up.", signature="gAAAA:b==", origin="openai_responses", id="rs:1", summary=True)
    hidden = RedactedThinking("gBBBB", origin="openai_responses", id="rs_2")
    told = ANTHROPIC.encode_response(answer(sealed, hidden, Text("Yes")), Stamp()).body
    request = asked_again(ANTHROPIC, {"role": "assistant", "content": told["content"]}, [])
    assert parts_of(request.messages[1].content) == (sealed, hidden, Text("Yes"))
    encoded = ANTHROPIC.encode_request(request, Quirks())
    assert encoded.body["messages"][1]["content"] == [{"type": "text", "text": "Yes"}]
    assert encoded.dropped == ("messages[1].content[0].thinking", "messages[1].content[1].thinking")


def test_a_sealed_call_of_gemini_keeps_its_seal_through_both_protocols() -> None:
    call = ToolCall("call_1", "look", "{}", signature="Ct0BAVSoXO4=")
    response = answer(call)
    by_messages = ANTHROPIC.encode_response(response, Stamp()).body["content"]
    request = asked_again(ANTHROPIC, {"role": "assistant", "content": by_messages}, [])
    assert parts_of(request.messages[1].content) == (call,)
    by_chat = OPENAI_CHAT.encode_response(response, Stamp()).body["choices"][0]["message"]
    assert by_chat["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "Ct0BAVSoXO4="}}
    assert parts_of(asked_again(OPENAI_CHAT, by_chat, []).messages[1].content) == (call,)


def test_unsealed_reasoning_goes_back_to_a_compatible_server_as_reasoning_content() -> None:
    told = ANTHROPIC.encode_response(answer(Thinking("Compare."), Text("9.8")), Stamp()).body
    assert told["content"][0] == {"type": "thinking", "thinking": "Compare.", "signature": ""}
    request = asked_again(ANTHROPIC, {"role": "assistant", "content": told["content"]}, [])
    encoded = OPENAI_CHAT.encode_request(request, Quirks())
    assert encoded.body["messages"][1] == {"role": "assistant", "content": "9.8", "reasoning_content": "Compare."}
