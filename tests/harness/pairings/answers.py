"""Features of answers, and the least that each protocol's answer says."""

from typing import Any

from harness.pairings.probe import CHAT, GEMINI, MESSAGES, MODEL, RESPONSES, Fragment, Probe
from harness.pairings.request_bodies import PICTURE

_COUNTED = "counted, without a field of its own"
_SEAL = "RXFRQkNnSVlBaElN"
_URL = "https://example.org/grass"

BASES: dict[str, Fragment] = {
    CHAT: {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_763_700_000, "model": MODEL,
        "choices": [
            {
                "index": 0, "message": {"role": "assistant", "content": "Hi", "refusal": None}, "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
        },
    },
    MESSAGES: {
        "id": "msg_1", "type": "message", "role": "assistant", "model": MODEL,
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    },
    RESPONSES: {
        "id": "resp_1", "object": "response", "created_at": 1_763_700_000, "status": "completed", "model": MODEL,
        "error": None, "incomplete_details": None,
        "output": [
            {
                "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
            }
        ],
        "usage": {
            "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15,
        },
    },
    GEMINI: {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": MODEL, "responseId": "resp-1",
    },
}  # fmt: skip


def _choice(**members: Any) -> Fragment:
    return {"choices": [members]}


def _spoken(**members: Any) -> Fragment:
    return _choice(message=members)


def _blocks(*blocks: dict[str, Any], **members: Any) -> Fragment:
    return {"content": list(blocks), **members}


def _output(*items: dict[str, Any], **members: Any) -> Fragment:
    return {"output": list(items), **members}


def _says(*content: dict[str, Any]) -> Fragment:
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    return _output({**message, "content": list(content)})


def _parts(*parts: dict[str, Any], **members: Any) -> Fragment:
    return {"candidates": [{"content": {"parts": list(parts)}, **members}]}


def _call(city: str) -> dict[str, Any]:
    arguments = f'{{"city":"{city}"}}'
    return {"id": f"call_{city}", "type": "function", "function": {"name": "weather", "arguments": arguments}}


def _use(city: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"call_{city}", "name": "weather", "input": {"city": city}}


def _item(city: str) -> dict[str, Any]:
    return {
        "type": "function_call", "id": f"fc_{city}", "call_id": f"call_{city}", "name": "weather",
        "arguments": f'{{"city":"{city}"}}', "status": "completed",
    }  # fmt: skip


def _function_call(city: str) -> dict[str, Any]:
    return {"functionCall": {"id": f"call_{city}", "name": "weather", "args": {"city": city}}}


_CITIES = ("Ankara", "Izmir")
_HI = {"type": "text", "text": "Hi"}

ANSWERS = (
    Probe(
        "text",
        {
            CHAT: _spoken(content="Good evening"),
            MESSAGES: _blocks({"type": "text", "text": "Good evening"}),
            RESPONSES: _says({"type": "output_text", "text": "Good evening", "annotations": []}),
            GEMINI: _parts({"text": "Good evening"}),
        },
        ("Good evening",),
    ),
    Probe(
        "parallel tool calls",
        {
            CHAT: _choice(
                message={"content": None, "tool_calls": [_call(city) for city in _CITIES]}, finish_reason="tool_calls"
            ),
            MESSAGES: _blocks(*map(_use, _CITIES), stop_reason="tool_use"),
            RESPONSES: _output(*map(_item, _CITIES)),
            GEMINI: _parts(*map(_function_call, _CITIES)),
        },
        (*_CITIES, "weather", "call_Ankara"),
    ),
    Probe(
        "thinking with its signature",
        {
            CHAT: _spoken(
                reasoning_content="They greet.",
                reasoning_details=[
                    {
                        "type": "reasoning.text", "text": "They greet.", "signature": _SEAL,
                        "format": "anthropic-claude-v1", "index": 0,
                    }
                ],
            ),
            MESSAGES: _blocks({"type": "thinking", "thinking": "They greet.", "signature": _SEAL}, _HI),
            RESPONSES: _output(
                {
                    "type": "reasoning", "id": "rs_1", "encrypted_content": _SEAL,
                    "summary": [{"type": "summary_text", "text": "They greet."}],
                },
                *BASES[RESPONSES]["output"],
            ),
            GEMINI: _parts({"text": "They greet.", "thought": True}, {"text": "Hi", "thoughtSignature": _SEAL}),
        },
        ("They greet.", _SEAL),
    ),
    Probe(
        "thinking without a signature",
        {CHAT: _spoken(reasoning_content="They greet."), GEMINI: _parts({"text": "They greet.", "thought": True})},
        ("They greet.",),
    ),
    Probe(
        "redacted thinking",
        {MESSAGES: _blocks({"type": "redacted_thinking", "data": _SEAL}, _HI)},
        (_SEAL,),
    ),
    Probe(
        "citation of a web page",
        {
            CHAT: _spoken(
                annotations=[
                    {
                        "type": "url_citation",
                        "url_citation": {"start_index": 0, "end_index": 2, "title": "Grass", "url": _URL},
                    }
                ]
            ),
            MESSAGES: _blocks(
                {
                    **_HI,
                    "citations": [
                        {
                            "type": "web_search_result_location", "cited_text": "Grass is green.", "url": _URL,
                            "title": "Grass", "encrypted_index": "Eo8B",
                        }
                    ],
                }
            ),
            RESPONSES: _says(
                {
                    "type": "output_text", "text": "Hi",
                    "annotations": [
                        {"type": "url_citation", "start_index": 0, "end_index": 2, "title": "Grass", "url": _URL}
                    ],
                }
            ),
        },
        (_URL,),
    ),
    Probe(
        "refusal",
        {
            CHAT: _spoken(content=None, refusal="I will not."),
            RESPONSES: _says({"type": "refusal", "refusal": "I will not."}),
        },
        ("I will not.",),
    ),
    Probe(
        "picture",
        {GEMINI: _parts({"inlineData": {"mimeType": "image/png", "data": PICTURE}})},
        (PICTURE,),
    ),
    Probe(
        "sound",
        {
            CHAT: _spoken(
                content=None,
                audio={"id": "audio_1", "data": "UklGRg==", "expires_at": 1_763_800_000, "transcript": "Hello"},
            ),
        },
        ("Hello",),
    ),
)  # fmt: skip

_TOKEN = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}

ENDS = (
    Probe(
        "cut at the limit of output",
        {
            CHAT: _choice(finish_reason="length"),
            MESSAGES: {"stop_reason": "max_tokens"},
            RESPONSES: {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            GEMINI: {"candidates": [{"finishReason": "MAX_TOKENS"}]},
        },
    ),
    Probe(
        "stopped by a filter",
        {
            CHAT: _choice(finish_reason="content_filter"),
            MESSAGES: {"stop_reason": "refusal"},
            RESPONSES: {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            GEMINI: {"candidates": [{"finishReason": "SAFETY"}]},
        },
    ),
    Probe(
        "the stop sequence that was met",
        {MESSAGES: {"stop_reason": "stop_sequence", "stop_sequence": "END"}},
        untold={
            CHAT: "an end like any other: `stop`", RESPONSES: "an end like any other: `completed`",
            GEMINI: "an end like any other: `STOP`",
        },
    ),
    Probe(
        "several answers",
        {
            CHAT: {
                "choices": [
                    {},
                    {
                        "index": 1, "message": {"role": "assistant", "content": "Hello", "refusal": None},
                        "logprobs": None, "finish_reason": "stop",
                    },
                ]
            },
            GEMINI: {
                "candidates": [
                    {},
                    {"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP", "index": 1},
                ]
            },
        },
    ),
    Probe("logprobs", {CHAT: _choice(logprobs={"content": [_TOKEN], "refusal": None})}),
    Probe(
        "service tier",
        {CHAT: {"service_tier": "flex"}, RESPONSES: {"service_tier": "flex"}},
    ),
    Probe(
        "tokens read from a cache",
        {
            CHAT: {"usage": {"prompt_tokens_details": {"cached_tokens": 4}}},
            MESSAGES: {"usage": {"input_tokens": 6, "cache_read_input_tokens": 4}},
            RESPONSES: {"usage": {"input_tokens_details": {"cached_tokens": 4}}},
            GEMINI: {"usageMetadata": {"cachedContentTokenCount": 4}},
        },
    ),
    Probe(
        "tokens written to a cache",
        {
            CHAT: {"usage": {"prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 4}}},
            MESSAGES: {"usage": {"input_tokens": 6, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 0}},
        },
        untold={GEMINI: _COUNTED},
    ),
    Probe(
        "tokens of reasoning",
        {
            CHAT: {"usage": {"completion_tokens_details": {"reasoning_tokens": 3}}},
            RESPONSES: {"usage": {"output_tokens_details": {"reasoning_tokens": 3}}},
            GEMINI: {"usageMetadata": {"candidatesTokenCount": 2, "thoughtsTokenCount": 3}},
        },
        untold={MESSAGES: _COUNTED},
    ),
)  # fmt: skip
