"""Features of earlier turns in a request: calls of tools and their results, thinking, refusals."""

from harness.pairings.probe import CHAT, GEMINI, MESSAGES, RESPONSES, Probe
from harness.pairings.request_bodies import (
    PICTURE,
    TOOLS,
    chat,
    contents,
    items,
)

_HI = {"role": "user", "content": "Hi"}
_HELLO = {"role": "assistant", "content": "Hello."}
_ITEM_HI = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
_TURN_HI = {"role": "user", "parts": [{"text": "Hi"}]}
_TEXT = {"type": "text", "text": "What is it?"}
_ITEM_TEXT = {"type": "input_text", "text": "What is it?"}
_DATA_URL = f"data:image/png;base64,{PICTURE}"

_CHAT_CALLS = {
    "role": "assistant", "content": None,
    "tool_calls": [
        {"id": f"call_{city}", "type": "function", "function": {"name": "weather", "arguments": f'{{"city":"{city}"}}'}}
        for city in ("Ankara", "Izmir")
    ],
}  # fmt: skip
_CHAT_RESULTS = [
    {"role": "tool", "tool_call_id": f"call_{city}", "content": f"sunny in {city}"} for city in ("Ankara", "Izmir")
]
_MESSAGES_CALLS = {
    "role": "assistant",
    "content": [
        {"type": "tool_use", "id": f"call_{city}", "name": "weather", "input": {"city": city}}
        for city in ("Ankara", "Izmir")
    ],
}
_MESSAGES_RESULTS = {
    "role": "user",
    "content": [
        {"type": "tool_result", "tool_use_id": f"call_{city}", "content": f"sunny in {city}"}
        for city in ("Ankara", "Izmir")
    ],
}
_ITEM_CALLS = [
    {"type": "function_call", "call_id": f"call_{city}", "name": "weather", "arguments": f'{{"city":"{city}"}}'}
    for city in ("Ankara", "Izmir")
]
_ITEM_RESULTS = [
    {"type": "function_call_output", "call_id": f"call_{city}", "output": f"sunny in {city}"}
    for city in ("Ankara", "Izmir")
]
_TURN_CALLS = {
    "role": "model",
    "parts": [
        {"functionCall": {"id": f"call_{city}", "name": "weather", "args": {"city": city}}, **seal}
        for city, seal in (("Ankara", {"thoughtSignature": "RXFRQkNnSVlBaElN"}), ("Izmir", {}))
    ],
}
_TURN_RESULTS = {
    "role": "user",
    "parts": [
        {"functionResponse": {"id": f"call_{city}", "name": "weather", "response": {"result": f"sunny in {city}"}}}
        for city in ("Ankara", "Izmir")
    ],
}
_CITIES = ("Ankara", "Izmir")
_SEAL = "RXFRQkNnSVlBaElN"

LOOPS = (
    Probe(
        "parallel tool calls and their results",
        {
            CHAT: {**TOOLS[CHAT], **chat(_HI, _CHAT_CALLS, *_CHAT_RESULTS)},
            MESSAGES: {**TOOLS[MESSAGES], **chat(_HI, _MESSAGES_CALLS, _MESSAGES_RESULTS)},
            RESPONSES: {**TOOLS[RESPONSES], **items(_ITEM_HI, *_ITEM_CALLS, *_ITEM_RESULTS)},
            GEMINI: {**TOOLS[GEMINI], **contents(_TURN_HI, _TURN_CALLS, _TURN_RESULTS)},
        },
        (*_CITIES, "sunny in Ankara", "sunny in Izmir"),
    ),
    Probe(
        "result of a tool with an image",
        {
            MESSAGES: {
                **TOOLS[MESSAGES],
                **chat(
                    _HI,
                    {"role": "assistant", "content": _MESSAGES_CALLS["content"][:1]},
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result", "tool_use_id": "call_Ankara",
                                "content": [
                                    {
                                        "type": "image",
                                        "source": {"type": "base64", "media_type": "image/png", "data": PICTURE},
                                    }
                                ],
                            }
                        ],
                    },
                ),
            },
            RESPONSES: {
                **TOOLS[RESPONSES],
                **items(
                    _ITEM_HI,
                    _ITEM_CALLS[0],
                    {
                        "type": "function_call_output", "call_id": "call_Ankara",
                        "output": [{"type": "input_image", "image_url": _DATA_URL}],
                    },
                ),
            },
        },
        (PICTURE,),
    ),
    Probe(
        "result of a tool that failed",
        {
            MESSAGES: {
                **TOOLS[MESSAGES],
                **chat(
                    _HI,
                    {"role": "assistant", "content": _MESSAGES_CALLS["content"][:1]},
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result", "tool_use_id": "call_Ankara", "content": "no such city",
                                "is_error": True,
                            }
                        ],
                    },
                ),
            },
        },
        ("no such city",),
    ),
    Probe(
        "thinking of an earlier turn, with its signature",
        {
            CHAT: chat(
                _HI,
                {
                    "role": "assistant", "content": "Hello.", "reasoning_content": "They greet.",
                    "reasoning_details": [
                        {
                            "type": "reasoning.text", "text": "They greet.", "signature": _SEAL,
                            "format": "anthropic-claude-v1", "index": 0,
                        }
                    ],
                },
                _HI,
            ),
            MESSAGES: chat(
                _HI,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "They greet.", "signature": _SEAL},
                        {"type": "text", "text": "Hello."},
                    ],
                },
                _HI,
            ),
            RESPONSES: items(
                _ITEM_HI,
                {
                    "type": "reasoning", "id": "rs_1", "encrypted_content": _SEAL,
                    "summary": [{"type": "summary_text", "text": "They greet."}],
                },
                {
                    "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
                },
                _ITEM_HI,
            ),
            GEMINI: contents(
                _TURN_HI,
                {
                    "role": "model",
                    "parts": [{"text": "They greet.", "thought": True}, {"text": "Hello.", "thoughtSignature": _SEAL}],
                },
                _TURN_HI,
            ),
        },
        (_SEAL,),
    ),
    Probe(
        "redacted thinking of an earlier turn",
        {
            MESSAGES: chat(
                _HI,
                {
                    "role": "assistant",
                    "content": [{"type": "redacted_thinking", "data": _SEAL}, {"type": "text", "text": "Hello."}],
                },
                _HI,
            ),
        },
        (_SEAL,),
    ),
    Probe(
        "refusal of an earlier turn",
        {
            CHAT: chat(_HI, {"role": "assistant", "refusal": "I will not.", "content": None}, _HI),
            RESPONSES: items(
                _ITEM_HI,
                {
                    "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "refusal", "refusal": "I will not."}],
                },
                _ITEM_HI,
            ),
        },
        ("I will not.",),
    ),
)  # fmt: skip
