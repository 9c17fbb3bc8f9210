"""Neutral events to a Responses stream."""

from typing import Any

from havuz_gateway.protocols import sse
from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.errors import AnswerFailed
from havuz_gateway.protocols.neutral.extensions import Dropped, Extensions, merged
from havuz_gateway.protocols.openai_responses.encode_response import write_ending
from havuz_gateway.protocols.openai_responses.errors import write_error_event, write_failure
from havuz_gateway.protocols.openai_responses.frames import Frames
from havuz_gateway.protocols.openai_responses.output_stream import OutputStream
from havuz_gateway.protocols.openai_responses.response_object import response_object
from havuz_gateway.protocols.openai_responses.usage import write_usage
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL
from havuz_gateway.protocols.usage import Usage

_DONE = sse.encode(b"[DONE]")
_NOTHING_YET: dict[str, Any] = {"error": None, "incomplete_details": None, "usage": None}


class ResponsesStreamEncoder:
    """Writes one stream. Usage always stands in its end, whatever the client asked for.

    `open_responses` writes the dialect of Open Responses: `[DONE]` after the end, errors nested only, and
    `response.reasoning.delta` for the text of reasoning. https://www.openresponses.org/specification
    """

    def __init__(self, stamp: Stamp, include_usage: bool = True, *, open_responses: bool = False) -> None:
        self._stamp = stamp
        self._open_responses = open_responses
        self._frames = Frames(open_responses=open_responses)
        self._dropped = Dropped(PROTOCOL)
        self._head: dict[str, Any] = {}
        self._output: OutputStream | None = None
        self._end: ev.ChoiceEnd | None = None
        self._usage: Usage | None = None
        self._extensions: Extensions = {}
        self._over = False

    def dropped(self) -> tuple[str, ...]:
        """The names of what could not be said so far."""
        return self._dropped.names()

    def fail(self, error: ProviderError) -> bytes:
        """The events that end a stream which cannot go on: `error`, and `response.failed` where one had begun."""
        if self._over:
            return b""
        self._over = True
        event = write_error_event(error, open_responses=self._open_responses)
        told = self._frames.event(event.pop("type"), **event)
        if self._output is None:
            return told
        failed = self._response({"status": "failed", "error": write_failure(error)})
        return told + self._frames.event("response.failed", response=failed)

    def feed(self, event: ev.ChatEvent) -> bytes:
        """The SSE events that tell `event`."""
        if self._over:
            return b""
        match event:
            case ev.ResponseStart():
                return self._start(event)
            case ev.UsageReport():
                self._usage = event.usage
                self._extensions = merged(self._extensions, event.extensions)
                if event.service_tier is not None:
                    self._head["service_tier"] = event.service_tier
                return b""
            case ev.ChoiceEnd():
                self._end = event if event.choice == 0 else self._end
                return b""
            case ev.ResponseEnd():
                return self._finish()
            case ev.ResponseError():
                return self.fail(event.error)
            case _ if event.choice != 0:
                self._dropped.note("choices")
                return b""
            case _:
                return b"" if self._output is None else self._output.feed(event)

    def _start(self, event: ev.ResponseStart) -> bytes:
        response_id = self._stamp.id or event.id
        self._head = {
            "id": response_id,
            "created_at": self._stamp.created if event.created is None else event.created,
            "model": self._stamp.model or event.model,
        }
        if event.service_tier is not None:
            self._head["service_tier"] = event.service_tier
        self._extensions = event.extensions
        self._output = OutputStream(response_id, self._frames, self._dropped)
        begun = _NOTHING_YET | self._response({"status": "in_progress"})
        created = self._frames.event("response.created", response=begun)
        return created + self._frames.event("response.in_progress", response=begun)

    def _response(self, ending: dict[str, Any]) -> dict[str, Any]:
        """The response as it stands."""
        items = [] if self._output is None else self._output.items
        members = {**self._head, **ending, "output": items}
        if self._usage is not None:
            members["usage"] = write_usage(self._usage)
        if self._open_responses:
            members.setdefault("service_tier", "default")
        return response_object(members, self._extensions, self._stamp)

    def _finish(self) -> bytes:
        if self._output is None or self._output.is_open:
            return self.fail(ProviderError("the provider's stream ended inside of its answer"))
        try:
            ending = write_ending(None if self._end is None else self._end.finish)
        except AnswerFailed as failed:
            return self.fail(failed.error)
        status = "completed" if ending["status"] == "completed" else "incomplete"
        closed = self._output.close(status)
        self._over = True
        kind = f"response.{status}"
        ended = self._frames.event(kind, response=self._response(ending))
        return closed + ended + (_DONE if self._open_responses else b"")
