"""A Chat Completions stream to neutral events: https://platform.openai.com/docs/api-reference/chat/streaming."""

from typing import Any

from havuz_gateway.protocols.json_text import load_object
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, StreamTruncated
from havuz_gateway.protocols.neutral.extensions import Extensions, kept
from havuz_gateway.protocols.openai.errors import read_stream_error
from havuz_gateway.protocols.openai.token_usage import read_chat_usage
from havuz_gateway.protocols.openai_chat.choice_stream import ChoiceStream
from havuz_gateway.protocols.openai_chat.finish import read_finish, spelled_finish
from havuz_gateway.protocols.openai_chat.wire import PROTOCOL, SPELLING, answer_members, read_logprobs, write_usage

_DONE = b"[DONE]"
_NOTHING_ELSE = (None, None, None)


class OpenAIChatStreamDecoder:
    """Reads the chunks of one stream."""

    __slots__ = ("_choices", "_ended", "_extra", "_response_id", "_started")

    def __init__(self) -> None:
        self._choices: dict[int, ChoiceStream] = {}
        self._extra: dict[str, Any] = {}
        self._started = False
        self._ended = False
        self._response_id = ""

    def feed(self, data: bytes) -> list[ev.ChatEvent]:
        """The neutral events in one event's data. Raises `AnswerUnreadable`."""
        if self._ended:
            return []
        if data.strip() == _DONE:
            return self._done()
        chunk = load_object(data)
        if chunk is None:
            raise AnswerUnreadable("the provider's stream has an event that is no JSON object")
        text = self._only_text(chunk)
        if text is not None:
            return text
        error = read_stream_error(chunk)
        if error is not None:
            self._ended = True
            return [ev.ResponseError(error)]
        return self._chunk(answer_members(chunk, ""))

    def end(self) -> list[ev.ChatEvent]:
        """The provider closed the stream. Raises `StreamTruncated` without `[DONE]` or an error before."""
        if not self._ended:
            raise StreamTruncated("the provider's stream stopped before '[DONE]'")
        return []

    def _only_text(self, chunk: dict[str, Any]) -> list[ev.ChatEvent] | None:
        """The quick way of the most frequent chunk: more text for the block that is open, and nothing else."""
        choices = chunk.get("choices")
        if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict or chunk.get("error"):
            return None
        choice = choices[0]
        index, delta = choice.get("index"), choice.get("delta")
        if type(index) is not int or type(delta) is not dict or len(delta) != 1:
            return None
        text, stream = delta.get("content"), self._choices.get(index)
        if type(text) is not str or not text or stream is None:
            return None
        told = (choice.get("finish_reason"), choice.get("logprobs"), chunk.get("usage"))
        return stream.more_text(text) if told == _NOTHING_ELSE else None

    def _done(self) -> list[ev.ChatEvent]:
        if not self._choices or not all(choice.finished for choice in self._choices.values()):
            raise StreamTruncated("the provider's stream ended without a finish reason")
        self._ended = True
        return [ev.ResponseEnd()]

    def _chunk(self, chunk: Members) -> list[ev.ChatEvent]:
        found: list[ev.ChatEvent] = []
        chunk.take("object")
        chunk.take("obfuscation")
        raw_usage = chunk.take("usage")
        choices = chunk.each("choices")
        if not self._started:
            found += self._start(chunk, begins=bool(choices) or raw_usage is not None)
        for choice in choices:
            found += self._choice(choice)
        usage = read_chat_usage(raw_usage)
        if usage is not None:
            extensions: Extensions = {} if write_usage(usage) == raw_usage else {SPELLING: {"usage": raw_usage}}
            found.append(ev.UsageReport(usage, service_tier=chunk.text("service_tier"), extensions=extensions))
        return found

    def _start(self, chunk: Members, *, begins: bool) -> list[ev.ChatEvent]:
        """Azure sends filter results before the answer has an id: what they say is kept until it begins."""
        response_id, model, created = chunk.text("id") or "", chunk.text("model") or "", chunk.number("created")
        tier = chunk.peek("service_tier")
        chunk.take("service_tier")
        self._extra |= {name: value for name, value in chunk.rest().items() if value is not None}
        if not begins:
            return []
        self._started = True
        self._response_id = response_id
        return [
            ev.ResponseStart(
                response_id,
                model,
                created=None if created is None else int(created),
                service_tier=tier if isinstance(tier, str) else None,
                extensions=kept(PROTOCOL, self._extra),
            )
        ]

    def _choice(self, choice: Members) -> list[ev.ChatEvent]:
        index = choice.whole("index") or 0
        stream = self._choices.setdefault(index, ChoiceStream(index, self._response_id))
        delta = choice.members("delta")
        found = stream.feed(delta) if delta is not None else []
        logprobs = read_logprobs(choice.take("logprobs"))
        if logprobs is not None:
            found.append(ev.LogprobsDelta(index, logprobs))
        reason = choice.text("finish_reason")
        if reason and not stream.finished:
            found += stream.close()
            stream.finished = True
            found.append(self._finish(index, reason, choice))
        return found

    def _finish(self, index: int, reason: str, choice: Members) -> ev.ChoiceEnd:
        finish = read_finish(reason, choice.take("stop_reason"))
        rest = {name: value for name, value in choice.rest().items() if value is not None}
        return ev.ChoiceEnd(index, finish, extensions=kept(PROTOCOL, rest, spelled=spelled_finish(finish)))
