"""Which conversation a request belongs to, so that its requests meet the same key and its warm prompt cache. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from havuz_gateway.pipeline.types import Call, Identity
from havuz_gateway.pool.policies import seed_of
from havuz_gateway.protocols.json_text import dump

# What stands before the messages, and the messages, by protocol.
_OPENINGS = {
    "openai_chat": ((), "messages"),
    "anthropic": (("system",), "messages"),
    "openai_responses": (("instructions",), "input"),
    "gemini": (("systemInstruction", "system_instruction"), "contents"),
}


def conversation_of(call: Call, identity: Identity) -> int:
    """A number that all requests of one conversation share: of the client's own `prompt_cache_key`, else of the
    instructions and the first messages up to the first of the user."""
    fields = call.whole.fields
    named = fields.get("prompt_cache_key")
    said = [named] if isinstance(named, str) and named else list(_opening(call.protocol, fields))
    try:
        words = dump(said)
    except RecursionError:  # nested more deeply than can be written: any key will do
        words = ""
    return seed_of(identity.project.uid, call.model, words)


def _opening(protocol: str, fields: Mapping[str, Any]) -> Iterator[Any]:
    before, member = _OPENINGS.get(protocol, ((), "messages"))
    for name in before:
        yield fields.get(name)
    messages = fields.get(member)
    if not isinstance(messages, list):
        yield messages
        return
    for message in messages:
        yield message
        # Gemini's clients may leave the role of a user's message out
        if isinstance(message, Mapping) and message.get("role", "user") == "user":
            return
