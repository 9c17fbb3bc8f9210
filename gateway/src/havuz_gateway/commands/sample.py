"""The smallest request of each protocol, for questions about where one would go. Pure."""

import json
from typing import Any, cast

from havuz_gateway.pipeline.types import Action, Call
from havuz_gateway.protocols.body import Body

_HELLO = [{"role": "user", "content": "Hello!"}]
_SAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("openai_chat", "chat"): {"messages": _HELLO},
    ("openai_chat", "embeddings"): {"input": "Hello!"},
    ("openai_responses", "chat"): {"input": "Hello!"},
    ("anthropic", "chat"): {"messages": _HELLO, "max_tokens": 1024},
    ("gemini", "chat"): {"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]},
}
PROTOCOLS = tuple(dict.fromkeys(protocol for protocol, _ in _SAMPLES))
OPERATIONS = tuple(dict.fromkeys(operation for _, operation in _SAMPLES))


def sample_call(model: str, protocol: str, operation: str, modes: tuple[str, ...]) -> Call:
    """A call that says hello. Raises `KeyError` where the protocol has no such operation here."""
    fields = {"model": model, **_SAMPLES[protocol, operation]}
    body = Body.decode(json.dumps(fields).encode())
    return Call(
        action=cast("Action", operation), protocol=protocol, model=model, stream=False, body=body,
        modes=cast("Any", modes), parameters=body.fields,
    )  # fmt: skip


def has_sample(protocol: str, operation: str) -> bool:
    """Whether there is such a call."""
    return (protocol, operation) in _SAMPLES
