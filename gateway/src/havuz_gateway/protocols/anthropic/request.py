"""Reading a Messages request for what the gateway acts on; what else it holds is its provider's to judge.

https://platform.claude.com/docs/en/api/messages/create
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.anthropic.wire import request_members
from havuz_gateway.protocols.members import Members
from havuz_gateway.values import frozen


@frozen
class MessageFields:
    """What the gateway acts on."""

    model: str
    stream: bool = False


def read_message_fields(fields: Mapping[str, Any]) -> MessageFields:
    """The fields of a request for a message. Raises `InvalidRequest` naming the field."""
    members = request_members(fields, "")
    model = _prompted(members)
    limit = members.whole("max_tokens")
    if limit is None or limit < 0:  # 0 fills the provider's cache and has nothing said
        raise members.wrong("max_tokens", limit, "an integer, the most tokens that the answer may have")
    return MessageFields(model, stream=members.flag("stream") is True)


def read_count_fields(fields: Mapping[str, Any]) -> MessageFields:
    """The fields of a request for a count of tokens, which needs no `max_tokens`. Raises `InvalidRequest`."""
    return MessageFields(_prompted(request_members(fields, "")))


def _prompted(members: Members) -> str:
    """The model of a request that has messages."""
    model = members.needed_text("model")
    if not model:
        raise members.wrong("model", model, "a non-empty string")
    if not members.array("messages"):
        raise members.wrong("messages", members.peek("messages"), "a non-empty array of messages")
    return model
