"""Features of how an answer ends and what it cost."""

from harness.pairings.answer_bodies import choice, says
from harness.pairings.probe import CHAT, GEMINI, MESSAGES, RESPONSES, Probe

_COUNTED = "counted, without a field of its own"
_TOKEN = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}

ENDS = (
    Probe(
        "cut at the limit of output",
        {
            CHAT: choice(finish_reason="length"),
            MESSAGES: {"stop_reason": "max_tokens"},
            RESPONSES: {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            GEMINI: {"candidates": [{"finishReason": "MAX_TOKENS"}]},
        },
    ),
    Probe(
        "stopped by a filter",
        {
            CHAT: choice(finish_reason="content_filter"),
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
    Probe(
        "logprobs",
        {
            CHAT: choice(logprobs={"content": [_TOKEN], "refusal": None}),
            RESPONSES: says({"type": "output_text", "text": "Hi", "annotations": [], "logprobs": [_TOKEN]}),
            GEMINI: {
                "candidates": [{"logprobsResult": {"chosenCandidates": [{"token": "Hi", "logProbability": -0.1}]}}]
            },
        },
    ),
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
