"""Token counts, whose request is a message's without what only shapes its answer.

https://platform.claude.com/docs/en/api/messages/count_tokens
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from havuz_gateway.protocols.anthropic.encode_request import encode_request
from havuz_gateway.protocols.anthropic.wire import answer_members
from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.neutral.request import ChatRequest

# What a count takes; more is refused.
_COUNTED = frozenset(
    {
        "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control",
        "context_management", "mcp_servers",
    }
)  # fmt: skip


def write_count_request(request: ChatRequest, quirks: Quirks) -> Encoded:
    """The body that asks Anthropic to count `request`. Raises `CannotExpress`."""
    encoded = encode_request(request, quirks)
    return replace(encoded, body={name: value for name, value in encoded.body.items() if name in _COUNTED})


def read_count(body: Mapping[str, Any]) -> int:
    """The tokens that Anthropic counted. Raises `AnswerUnreadable`."""
    return answer_members(body, "").tokens("input_tokens")


def write_count(tokens: int) -> dict[str, Any]:
    """The answer for a client."""
    return {"input_tokens": tokens}
