"""Features of how a request wants to be answered: tools, form, thinking, sampling, bookkeeping."""

from harness.pairings.probe import CHAT, GEMINI, MESSAGES, RESPONSES, Fragment, Probe
from harness.pairings.request_bodies import (
    CHAT_TOOL,
    MESSAGES_TOOL,
    RESPONSES_TOOL,
    SCHEMA,
    TOOLS,
    config,
)

_NAMED = {"type": "function", "function": {"name": "weather"}}
_ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [_NAMED]}}
_RESPONSES_ALLOWED = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]}
_SEARCH: dict[str, Fragment] = {
    CHAT: {"web_search_options": {}},
    MESSAGES: {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    RESPONSES: {"tools": [{"type": "web_search"}]},
    GEMINI: {"tools": [{"googleSearch": {}}]},
}


def _calling(mode: str, *names: str) -> dict[str, object]:
    allowed = {"allowedFunctionNames": list(names)} if names else {}
    return {"toolConfig": {"functionCallingConfig": {"mode": mode, **allowed}}}


TOOL_USE = (
    Probe("tool", TOOLS, ("weather", "Weather now", "city")),
    Probe(
        "strict tool",
        {
            CHAT: {"tools": [{**CHAT_TOOL, "function": {**CHAT_TOOL["function"], "strict": True}}]},
            MESSAGES: {"tools": [{**MESSAGES_TOOL, "strict": True}]},
            RESPONSES: {"tools": [{**RESPONSES_TOOL, "strict": True}]},
        },
        ("weather",),
        beside=TOOLS,
    ),
    Probe(
        "tool that takes free text",
        {
            CHAT: {"tools": [{"type": "custom", "custom": {"name": "shell", "description": "Runs it"}}]},
            RESPONSES: {"tools": [{"type": "custom", "name": "shell", "description": "Runs it"}]},
        },
        ("shell",),
    ),
    Probe(
        "some tool must be called",
        {
            CHAT: {"tool_choice": "required"},
            MESSAGES: {"tool_choice": {"type": "any"}},
            RESPONSES: {"tool_choice": "required"},
            GEMINI: _calling("ANY"),
        },
        ("weather",),
        beside=TOOLS,
    ),
    Probe(
        "a named tool must be called",
        {
            CHAT: {"tool_choice": _NAMED},
            MESSAGES: {"tool_choice": {"type": "tool", "name": "weather"}},
            RESPONSES: {"tool_choice": {"type": "function", "name": "weather"}},
            GEMINI: _calling("ANY", "weather"),
        },
        ("weather",),
        beside=TOOLS,
    ),
    Probe(
        "no tool may be called",
        {
            CHAT: {"tool_choice": "none"},
            MESSAGES: {"tool_choice": {"type": "none"}},
            RESPONSES: {"tool_choice": "none"},
            GEMINI: _calling("NONE"),
        },
        beside=TOOLS,
    ),
    Probe(
        "some tools are allowed",
        {
            CHAT: {"tool_choice": _ALLOWED},
            RESPONSES: {"tool_choice": _RESPONSES_ALLOWED},
            GEMINI: _calling("VALIDATED", "weather"),
        },
        ("weather",),
        beside=TOOLS,
    ),
    Probe(
        "one call at a time",
        {
            CHAT: {"parallel_tool_calls": False},
            MESSAGES: {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            RESPONSES: {"parallel_tool_calls": False},
        },
        beside=TOOLS,
    ),
    Probe(
        "web search",
        _SEARCH,
    ),
    Probe(
        "web search of some domains",
        {
            MESSAGES: {
                "tools": [
                    {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["example.org"]}
                ]
            },
            RESPONSES: {"tools": [{"type": "web_search", "filters": {"allowed_domains": ["example.org"]}}]},
        },
        beside=_SEARCH,
    ),
    Probe(
        "a tool that only this provider runs",
        {
            MESSAGES: {"tools": [{"type": "bash_20250124", "name": "bash"}]},
            RESPONSES: {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
            GEMINI: {"tools": [{"codeExecution": {}}]},
        },
    ),
)  # fmt: skip

FORM = (
    Probe(
        "structured output",
        {
            CHAT: {
                "response_format": {
                    "type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
                }
            },
            MESSAGES: {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            RESPONSES: {
                "text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}}
            },
            GEMINI: config(responseMimeType="application/json", responseJsonSchema=SCHEMA),
        },
        ("city",),
    ),
    Probe(
        "JSON of any form",
        {
            CHAT: {"response_format": {"type": "json_object"}},
            RESPONSES: {"text": {"format": {"type": "json_object"}}},
            GEMINI: config(responseMimeType="application/json"),
        },
    ),
    Probe("verbosity", {CHAT: {"verbosity": "low"}, RESPONSES: {"text": {"verbosity": "low"}}}),
    Probe(
        "an answer in sound",
        {
            CHAT: {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
            GEMINI: config(responseModalities=["AUDIO"]),
        },
    ),
    Probe("an answer with pictures", {GEMINI: config(responseModalities=["TEXT", "IMAGE"])}),
    Probe("prediction of the answer", {CHAT: {"prediction": {"type": "content", "content": "Hello"}}}),
)  # fmt: skip

THINKING = (
    Probe(
        "effort of reasoning",
        {
            CHAT: {"reasoning_effort": "high"},
            MESSAGES: {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            RESPONSES: {"reasoning": {"effort": "high"}},
            GEMINI: config(thinkingConfig={"thinkingLevel": "HIGH"}),
        },
    ),
    Probe(
        "budget of thinking",
        {
            MESSAGES: {"thinking": {"type": "enabled", "budget_tokens": 8_192}},
            GEMINI: config(thinkingConfig={"thinkingBudget": 8_192}),
        },
        beside={MESSAGES: {"max_tokens": 16_000}},
    ),
    Probe(
        "no thinking",
        {
            CHAT: {"reasoning_effort": "none"},
            MESSAGES: {"thinking": {"type": "disabled"}},
            RESPONSES: {"reasoning": {"effort": "none"}},
            GEMINI: config(thinkingConfig={"thinkingBudget": 0}),
        },
    ),
    Probe(
        "thoughts shown",
        {
            MESSAGES: {"thinking": {"type": "adaptive", "display": "summarized"}},
            RESPONSES: {"reasoning": {"effort": "medium", "summary": "auto"}},
            GEMINI: config(thinkingConfig={"includeThoughts": True}),
        },
    ),
)

SAMPLING = (
    Probe(
        "limit of output",
        {
            CHAT: {"max_completion_tokens": 77},
            MESSAGES: {"max_tokens": 77},
            RESPONSES: {"max_output_tokens": 77},
            GEMINI: config(maxOutputTokens=77),
        },
    ),
    Probe(
        "temperature",
        {
            CHAT: {"temperature": 0.5}, MESSAGES: {"temperature": 0.5}, RESPONSES: {"temperature": 0.5},
            GEMINI: config(temperature=0.5),
        },
    ),
    Probe(
        "temperature above 1",
        {CHAT: {"temperature": 1.5}, RESPONSES: {"temperature": 1.5}, GEMINI: config(temperature=1.5)},
    ),
    Probe(
        "top_p",
        {CHAT: {"top_p": 0.5}, MESSAGES: {"top_p": 0.5}, RESPONSES: {"top_p": 0.5}, GEMINI: config(topP=0.5)},
    ),
    Probe("top_k", {CHAT: {"top_k": 5}, MESSAGES: {"top_k": 5}, GEMINI: config(topK=5)}),
    Probe("seed", {CHAT: {"seed": 7}, GEMINI: config(seed=7)}),
    Probe(
        "stop sequences",
        {CHAT: {"stop": ["END"]}, MESSAGES: {"stop_sequences": ["END"]}, GEMINI: config(stopSequences=["END"])},
    ),
    Probe("frequency penalty", {CHAT: {"frequency_penalty": 0.5}, GEMINI: config(frequencyPenalty=0.5)}),
    Probe("presence penalty", {CHAT: {"presence_penalty": 0.5}, GEMINI: config(presencePenalty=0.5)}),
    Probe("several answers", {CHAT: {"n": 2}, GEMINI: config(candidateCount=2)}),
    Probe(
        "logprobs",
        {
            CHAT: {"logprobs": True, "top_logprobs": 3},
            RESPONSES: {"include": ["message.output_text.logprobs"], "top_logprobs": 3},
            GEMINI: config(responseLogprobs=True, logprobs=3),
        },
    ),
    Probe("logit bias", {CHAT: {"logit_bias": {"50256": -100}}}),
)  # fmt: skip

BOOKS = (
    Probe(
        "service tier",
        {
            CHAT: {"service_tier": "flex"}, RESPONSES: {"service_tier": "flex"}, GEMINI: {"serviceTier": "flex"},
            MESSAGES: {"service_tier": "standard_only"},
        },
    ),
    Probe("prompt cache key", {CHAT: {"prompt_cache_key": "k1"}, RESPONSES: {"prompt_cache_key": "k1"}}),
    Probe("metadata", {CHAT: {"metadata": {"run": "7"}}, RESPONSES: {"metadata": {"run": "7"}}}),
    Probe(
        "user",
        {CHAT: {"user": "u-1"}, MESSAGES: {"metadata": {"user_id": "u-1"}}, RESPONSES: {"user": "u-1"}},
    ),
    Probe("safety identifier", {CHAT: {"safety_identifier": "u-1"}, RESPONSES: {"safety_identifier": "u-1"}}),
    Probe("store", {CHAT: {"store": True}, RESPONSES: {"store": True}, GEMINI: {"store": True}}),
    Probe("previous response", {RESPONSES: {"previous_response_id": "resp_1"}}),
    Probe(
        "safety settings",
        {
            GEMINI: {
                "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]
            }
        },
    ),
    Probe("a cached prompt by its name", {GEMINI: {"cachedContent": "cachedContents/1"}}),
    Probe(
        "a field that havuz does not know",
        {
            CHAT: {"brand_new": 1}, MESSAGES: {"brand_new": 1}, RESPONSES: {"brand_new": 1},
            GEMINI: {"brandNew": 1},
        },
    ),
)  # fmt: skip
