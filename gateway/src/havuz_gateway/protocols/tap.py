"""What sits between a provider's stream and the client: holds it until the first content, notes what it tells.

`RelayTap` passes whole events on as bytes. Before the first content every event is decoded (there are one or two);
after it only those that hold one of the protocol's marks are: inside a JSON string the quotes would be escaped.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.json_text import load
from havuz_gateway.protocols.usage import Usage


@dataclass(slots=True)
class Findings:
    """What a stream has told so far.

    `committed`: content has come, so that no other provider may be asked any more. `done`: the protocol's own clean
    end has come. `error`: the provider ended it with one.
    """

    seen_event: bool = False
    committed: bool = False
    done: bool = False
    error: ProviderError | None = None
    usage: Usage | None = None
    id: str | None = None
    model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    choices: dict[int, str | None] = field(default_factory=dict)  # by index, with the reason of those that ended
    raw_usage: Mapping[str, Any] = field(default_factory=dict)  # of a protocol that tells it in pieces


class Tap(Protocol):
    """One stream on its way. `feed` takes bytes in any chunking and gives what the client is sent for them."""

    @property
    def found(self) -> Findings:
        """What has been noted so far: always the same object."""

    def findings(self) -> Findings:
        """The same once all that was passed on has been looked at: for when nothing more is fed."""

    def feed(self, chunk: bytes) -> bytes:
        """Whole events that may go to the client now, none before the first content. Raises `AnswerUnreadable`."""

    def end(self) -> bytes:
        """The provider closed the stream; unless `found.done` now, it broke off. Gives what is left to send."""

    def fail(self, error: ProviderError) -> bytes:
        """The event that tells the client of `error`; b"" where the surface's own does."""

    def dropped(self) -> tuple[str, ...]:
        """The names of what the client could not be told so far."""


@dataclass(frozen=True, slots=True)
class StreamRules:
    """How a protocol's streams are read while they are relayed.

    `note` takes one event's data, and whether a usage event that the client did not ask for is to be left out; it
    returns False for an event to drop. `ends_at_eof` says that a stream is whole when the provider closes it there.
    `event_bytes` is how large an event may be where the usual bound is too small.
    `usage_in_all` says that every event tells the usage so far, which then is read from the last one only.
    """

    marks: tuple[bytes, ...]
    note: Callable[[Findings, bytes, bool], bool]
    ends_at_eof: Callable[[Findings], bool] = lambda found: False
    event_bytes: int = 0
    usage_in_all: bool = False


class RelayTap:
    """Passes a stream on in the protocol it came in."""

    __slots__ = ("_held", "_max_event", "_rules", "_strip_usage", "_tail", "_unread", "found")

    def __init__(self, rules: StreamRules, *, strip_usage: bool, max_event_bytes: int) -> None:
        self._rules = rules
        self._strip_usage = strip_usage
        self._max_event = max(max_event_bytes, rules.event_bytes)
        self._tail = b""
        self._held = b""
        self._unread = b""  # the last events that were passed on without a look
        self.found = Findings()

    def findings(self) -> Findings:
        """What the stream has told; for that, what was passed on without a look is looked at."""
        unread, self._unread = self._unread, b""
        if unread and self._rules.usage_in_all:
            *_, last = sse.events(unread)
            with suppress(AnswerUnreadable):
                self._keep(last)
        return self.found

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes; return the whole events that may go to the client now. Raises `AnswerUnreadable`."""
        complete, self._tail = sse.split_complete(self._tail + chunk if self._tail else chunk)
        if len(self._tail) > self._max_event:
            raise AnswerUnreadable(f"the provider sent an event larger than {self._max_event} bytes")
        if not complete:
            return b""
        if self.found.committed:
            for mark in self._rules.marks:
                if mark in complete:
                    return self._inspect(complete)
            self._unread = complete
            return complete
        return self._gate(complete)

    def end(self) -> bytes:
        """The provider closed the stream. A last event without its blank line still counts when it is the end."""
        found = self.found
        if found.done or found.error is not None:
            return b""
        last, self._tail = self._tail, b""
        if last.strip():
            last = last.rstrip(b"\r\n") + b"\n\n"
            try:
                last = last if self._keep(last) else b""
            except AnswerUnreadable:
                return b""
        found.done = found.done or (found.error is None and self._rules.ends_at_eof(found))
        if found.error is not None and found.committed:
            return last
        return self._release(last) if found.done else b""

    def fail(self, error: ProviderError) -> bytes:
        """Nothing: what was relayed has no state of ours, so the surface's own event fits."""
        return b""

    def dropped(self) -> tuple[str, ...]:
        """Nothing: it all goes through."""
        return ()

    def _gate(self, complete: bytes) -> bytes:
        """Hold lifecycle events; once one has content, give everything held with it."""
        self._held += self._inspect(complete)
        if len(self._held) > self._max_event:
            raise AnswerUnreadable("the provider sent no content within the bound of one event")
        return self._release(b"") if self.found.committed or self.found.done else b""

    def _release(self, more: bytes) -> bytes:
        self.found.committed = True
        held, self._held = self._held + more, b""
        return held

    def _inspect(self, complete: bytes) -> bytes:
        """What to send on of these events: nothing after the end or an error, though some servers add a `[DONE]`."""
        kept, self._unread = [], b""
        for event in sse.events(complete):
            if self._keep(event):
                kept.append(event)
            if self.found.done or self.found.error is not None:
                break
        return b"".join(kept)

    def _keep(self, event: bytes) -> bool:
        """Note what one event says; False drops it from the client's stream."""
        data = sse.data_of(event)
        if not data:
            return True
        self.found.seen_event = True
        return self._rules.note(self.found, data, self._strip_usage)


def decode_event(data: bytes) -> dict[str, Any]:
    """The JSON object that an event's data must be. Raises `AnswerUnreadable`."""
    try:
        fields = load(data)
    except ValueError:
        raise AnswerUnreadable("the provider sent an event that is not JSON") from None
    if not isinstance(fields, dict):
        raise AnswerUnreadable("the provider sent an event that is not a JSON object")
    return fields
