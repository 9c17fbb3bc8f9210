"""Relaying a chat completion stream: hold until the first content, then pass whole events through as bytes.

Before the first content every event is decoded (there are one or two); after it only the events that carry usage,
an error, a finish reason or the end are, found by their bytes: inside a JSON string the quotes would be escaped.
"""

import json
from typing import Any

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.openai_chat.answer import finish_reasons, text_or_none
from havuz_gateway.protocols.openai_chat.usage import read_usage
from havuz_gateway.protocols.usage import Usage

_DONE = b"[DONE]"
_NOTEWORTHY = (b'"prompt_tokens"', _DONE, b'"error"', b'"finish_reason":"', b'"finish_reason": "')
_CONTENT_MEMBERS = (
    "content", "tool_calls", "function_call", "refusal", "reasoning_content", "reasoning", "audio", "images",
)  # fmt: skip


class StreamError(ValueError):
    """The stream is not one: an event that is no JSON, or one without an end."""


class StreamTap:
    """Sits between provider and client. `feed` takes bytes in any chunking and gives the whole events to send on.

    `strip_usage` removes the usage chunk that the gateway asked for and the client did not.
    """

    __slots__ = ("_held", "_max_event", "_strip_usage", "_tail", "committed", "done", "error", "finish_reasons", "id",
                 "model", "seen_event", "usage")  # fmt: skip

    def __init__(self, *, strip_usage: bool, max_event_bytes: int) -> None:
        self._strip_usage = strip_usage
        self._max_event = max_event_bytes
        self._tail = b""
        self._held = b""
        self.seen_event = False
        self.committed = False
        self.done = False
        self.error: ProviderError | None = None
        self.usage: Usage | None = None
        self.id: str | None = None
        self.model: str | None = None
        self.finish_reasons: tuple[str, ...] = ()

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes; return the whole events that may go to the client now (none before the first content).

        Raises `StreamError` where this is no event stream.
        """
        complete, self._tail = sse.split_complete(self._tail + chunk if self._tail else chunk)
        if len(self._tail) > self._max_event:
            raise StreamError(f"the provider sent an event larger than {self._max_event} bytes")
        if not complete:
            return b""
        if self.committed:
            return complete if not any(mark in complete for mark in _NOTEWORTHY) else self._inspect(complete)
        return self._gate(complete)

    def end(self) -> bytes:
        """The provider closed the stream. A last `[DONE]` without its blank line still counts."""
        if not self.done and sse.data_of(self._tail + b"\n\n") == _DONE:
            self._tail = b""
            self.done = True
            return self._release(sse.encode(_DONE))
        return b""

    def _gate(self, complete: bytes) -> bytes:
        """Hold lifecycle events; once one has content, give everything held with it."""
        self._held += self._inspect(complete)
        if len(self._held) > self._max_event:
            raise StreamError("the provider sent no content within the bound of one event")
        return self._release(b"") if self.committed or self.done else b""

    def _release(self, more: bytes) -> bytes:
        self.committed = True
        held, self._held = self._held + more, b""
        return held

    def _inspect(self, complete: bytes) -> bytes:
        """What to send on of these events: nothing after the end or an error, though some servers add a `[DONE]`."""
        kept = []
        for event in sse.events(complete):
            if self._keep(event):
                kept.append(event)
            if self.done or self.error is not None:
                break
        return b"".join(kept)

    def _keep(self, event: bytes) -> bool:
        """Note what one event says; False drops it from the client's stream."""
        data = sse.data_of(event)
        if data is None:
            return True
        self.seen_event = True
        if data == _DONE:
            self.done = True
            return True
        try:
            fields = json.loads(data)
        except (ValueError, RecursionError):
            raise StreamError("the provider sent an event that is not JSON") from None
        if not isinstance(fields, dict):
            raise StreamError("the provider sent an event that is not a JSON object")
        return self._note(fields)

    def _note(self, fields: dict[str, Any]) -> bool:
        self.error = self.error or read_stream_error(fields)
        self.id = self.id or text_or_none(fields.get("id"))
        self.model = self.model or text_or_none(fields.get("model"))
        self.finish_reasons += finish_reasons(fields)
        usage = read_usage(fields.get("usage"))
        if usage is not None:
            self.usage = usage
        choices = fields.get("choices")
        if not self.committed and self.error is None and isinstance(choices, list):
            self.committed = any(_has_content(choice) for choice in choices)
        return not (self._strip_usage and usage is not None and choices == [])


def _has_content(choice: Any) -> bool:
    if not isinstance(choice, dict):
        return False
    delta = choice.get("delta")
    if isinstance(delta, dict) and any(delta.get(name) for name in _CONTENT_MEMBERS):
        return True
    return choice.get("finish_reason") is not None
