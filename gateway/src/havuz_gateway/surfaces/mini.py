"""`POST /api/chat-completions`: chat that streams unless told otherwise, with defaults of its own.

The stream ends in a usage chunk and `[DONE]`.
"""

from typing import Any

from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.openai_chat.request import read_chat
from havuz_gateway.surfaces.base import Methods, Surface
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.called import called
from havuz_gateway.surfaces.openai.chat import PROTOCOL, chat_call
from havuz_gateway.surfaces.openai.errors import render_error, stream_error

DEFAULTS: dict[str, Any] = {"temperature": 1, "max_completion_tokens": 1000, "stream": True}


def read(request: Request) -> Call:
    """The call a request's body describes, with this surface's defaults filled in. Raises `InvalidRequest`."""
    body = decode(request.body)
    read_chat(body.fields)  # complaints are about what the client sent, not about what is filled in
    change = _filled_in(body.fields)
    if change:
        body = decode(body.edited(change))
    return chat_call(body, read_chat(body.fields))


def _filled_in(fields: dict[str, Any]) -> dict[str, Any]:
    """The members to set: defaults where a field is absent or null, and the usage chunk of every stream."""
    change = {name: value for name, value in DEFAULTS.items() if fields.get(name) is None}
    if fields.get("max_tokens") is not None:
        change.pop("max_completion_tokens", None)  # the older name of the same bound
    if fields.get("stream") is not False:
        change["stream_options"] = {**(fields.get("stream_options") or {}), "include_usage": True}
    return change


_CHAT: Methods = {"POST": called("chat", PROTOCOL, read)}

MINI = Surface(
    name="mini",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={"/api/chat-completions": _CHAT, "/api/chat-completions/": _CHAT},
)
