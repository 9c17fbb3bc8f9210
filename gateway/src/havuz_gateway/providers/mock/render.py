"""A completion as OpenAI sends it: one JSON object, or the events of a stream in their order."""

import json
from collections.abc import Iterator
from typing import Any

from havuz_gateway.providers.mock.chat import Choice, Completion

_FINGERPRINT = "fp_havuz_mock"
_ARGUMENT_PIECE = 12  # characters of a tool call's arguments in one event
DONE = b"data: [DONE]\n\n"


def as_json(completion: Completion) -> bytes:
    """The whole answer."""
    choices = [
        {
            "index": index,
            "message": _message(choice),
            "logprobs": _logprobs(choice, choice.pieces, completion.logprobs),
            "finish_reason": choice.finish_reason,
        }
        for index, choice in enumerate(completion.choices)
    ]
    return _dump({**_head(completion, "chat.completion"), "choices": choices, "usage": usage(completion)})


def as_events(completion: Completion, *, include_usage: bool) -> Iterator[bytes]:
    """The answer as server-sent events: each choice's role, pieces and finish; usage where asked for; `[DONE]`."""
    head = _head(completion, "chat.completion.chunk")
    tail: dict[str, Any] = {"usage": None} if include_usage else {}
    for index, choice in enumerate(completion.choices):
        for delta, pieces in _deltas(choice):
            logprobs = _logprobs(choice, pieces, completion.logprobs) if pieces else None
            yield _event({**head, "choices": [_chunk(index, delta, logprobs, None)], **tail})
        yield _event({**head, "choices": [_chunk(index, {}, None, choice.finish_reason)], **tail})
    if include_usage:
        yield _event({**head, "choices": [], "usage": usage(completion)})
    yield DONE


def usage(completion: Completion) -> dict[str, Any]:
    """The tokens of an answer, in OpenAI's form."""
    return {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "total_tokens": completion.prompt_tokens + completion.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _head(completion: Completion, kind: str) -> dict[str, Any]:
    return {
        "id": completion.id,
        "object": kind,
        "created": completion.created,
        "model": completion.model,
        "service_tier": "default",
        "system_fingerprint": _FINGERPRINT,
    }


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    if choice.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in choice.tool_calls
        ]
    else:
        message["refusal" if choice.refused else "content"] = choice.text
    return message


def _deltas(choice: Choice) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Each delta of a choice, with the pieces of text it carries."""
    if not choice.tool_calls:
        member = "refusal" if choice.refused else "content"
        yield {"role": "assistant", "content": None if choice.refused else "", "refusal": None}, ()
        for piece in choice.pieces:
            yield {member: piece}, (piece,)
        return
    first: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    for index, call in enumerate(choice.tool_calls):
        start = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield {**first, "tool_calls": [start]}, ()
        first = {}
        for place in range(0, len(call.arguments), _ARGUMENT_PIECE):
            part = {"arguments": call.arguments[place : place + _ARGUMENT_PIECE]}
            yield {"tool_calls": [{"index": index, "function": part}]}, ()


def _chunk(index: int, delta: dict[str, Any], logprobs: Any, finish_reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}


def _logprobs(choice: Choice, pieces: tuple[str, ...], alternatives: int | None) -> dict[str, Any] | None:
    if alternatives is None:
        return None
    tokens = [_logprob(piece, alternatives) for piece in pieces]
    return {"content": None, "refusal": tokens} if choice.refused else {"content": tokens, "refusal": None}


def _logprob(piece: str, alternatives: int) -> dict[str, Any]:
    ranked = [_token(piece if rank == 0 else f"{piece}{rank}", -0.01 - rank) for rank in range(alternatives)]
    return {**_token(piece, -0.01), "top_logprobs": ranked}


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _event(fields: dict[str, Any]) -> bytes:
    return b"data: " + _dump(fields) + b"\n\n"


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
