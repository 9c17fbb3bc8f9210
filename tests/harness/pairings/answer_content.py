"""Features of what an answer says: text, calls, thinking, citations, refusals, media."""

from typing import Any

from harness.pairings.answer_bodies import BASES, blocks, choice, output, parts, says, spoken
from harness.pairings.probe import CHAT, GEMINI, MESSAGES, RESPONSES, Probe
from harness.pairings.request_bodies import PICTURE

_SEAL = "RXFRQkNnSVlBaElN"
_URL = "https://example.org/grass"


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

CONTENT = (
    Probe(
        "text",
        {
            CHAT: spoken(content="Good evening"),
            MESSAGES: blocks({"type": "text", "text": "Good evening"}),
            RESPONSES: says({"type": "output_text", "text": "Good evening", "annotations": []}),
            GEMINI: parts({"text": "Good evening"}),
        },
        ("Good evening",),
    ),
    Probe(
        "parallel tool calls",
        {
            CHAT: choice(
                message={"content": None, "tool_calls": [_call(city) for city in _CITIES]}, finish_reason="tool_calls"
            ),
            MESSAGES: blocks(*map(_use, _CITIES), stop_reason="tool_use"),
            RESPONSES: output(*map(_item, _CITIES)),
            GEMINI: parts(*map(_function_call, _CITIES)),
        },
        (*_CITIES, "weather", "call_Ankara"),
    ),
    Probe(
        "thinking with its signature",
        {
            CHAT: spoken(
                reasoning_content="They greet.",
                reasoning_details=[
                    {
                        "type": "reasoning.text", "text": "They greet.", "signature": _SEAL,
                        "format": "anthropic-claude-v1", "index": 0,
                    }
                ],
            ),
            MESSAGES: blocks({"type": "thinking", "thinking": "They greet.", "signature": _SEAL}, _HI),
            RESPONSES: output(
                {
                    "type": "reasoning", "id": "rs_1", "encrypted_content": _SEAL,
                    "summary": [{"type": "summary_text", "text": "They greet."}],
                },
                *BASES[RESPONSES]["output"],
            ),
            GEMINI: parts({"text": "They greet.", "thought": True}, {"text": "Hi", "thoughtSignature": _SEAL}),
        },
        ("They greet.", _SEAL),
    ),
    Probe(
        "thinking without a signature",
        {CHAT: spoken(reasoning_content="They greet."), GEMINI: parts({"text": "They greet.", "thought": True})},
        ("They greet.",),
    ),
    Probe(
        "redacted thinking",
        {MESSAGES: blocks({"type": "redacted_thinking", "data": _SEAL}, _HI)},
        (_SEAL,),
    ),
    Probe(
        "citation of a web page",
        {
            CHAT: spoken(
                annotations=[
                    {
                        "type": "url_citation",
                        "url_citation": {"start_index": 0, "end_index": 2, "title": "Grass", "url": _URL},
                    }
                ]
            ),
            MESSAGES: blocks(
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
            RESPONSES: says(
                {
                    "type": "output_text", "text": "Hi",
                    "annotations": [
                        {"type": "url_citation", "start_index": 0, "end_index": 2, "title": "Grass", "url": _URL}
                    ],
                }
            ),
            GEMINI: {
                "candidates": [
                    {
                        "groundingMetadata": {
                            "groundingChunks": [{"web": {"uri": _URL, "title": "Grass"}}],
                            "groundingSupports": [
                                {
                                    "segment": {"startIndex": 0, "endIndex": 2, "text": "Hi"},
                                    "groundingChunkIndices": [0],
                                }
                            ],
                        }
                    }
                ]
            },
        },
        (_URL,),
    ),
    Probe(
        "refusal",
        {
            CHAT: spoken(content=None, refusal="I will not."),
            RESPONSES: says({"type": "refusal", "refusal": "I will not."}),
        },
        ("I will not.",),
    ),
    Probe(
        "picture",
        {GEMINI: parts({"inlineData": {"mimeType": "image/png", "data": PICTURE}})},
        (PICTURE,),
    ),
    Probe(
        "sound",
        {
            CHAT: spoken(
                content=None,
                audio={"id": "audio_1", "data": "UklGRg==", "expires_at": 1_763_800_000, "transcript": "Hello"},
            ),
        },
        ("Hello",),
    ),
)  # fmt: skip
