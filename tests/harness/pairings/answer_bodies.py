"""The least that each protocol's answer says, and short ways to say more of it."""

from typing import Any

from harness.pairings.probe import CHAT, GEMINI, MESSAGES, MODEL, RESPONSES, Fragment

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


def choice(**members: Any) -> Fragment:
    """Of Chat Completions' one choice."""
    return {"choices": [members]}


def spoken(**members: Any) -> Fragment:
    """Of its message."""
    return choice(message=members)


def blocks(*blocks: dict[str, Any], **members: Any) -> Fragment:
    """Content of a message of Messages, and members beside it."""
    return {"content": list(blocks), **members}


def output(*items: dict[str, Any], **members: Any) -> Fragment:
    """Items of a response of Responses, and members beside them."""
    return {"output": list(items), **members}


def says(*content: dict[str, Any]) -> Fragment:
    """Content of its one message."""
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    return output({**message, "content": list(content)})


def parts(*parts: dict[str, Any], **members: Any) -> Fragment:
    """Parts of Gemini's one candidate, and members beside them."""
    return {"candidates": [{"content": {"parts": list(parts)}, **members}]}
