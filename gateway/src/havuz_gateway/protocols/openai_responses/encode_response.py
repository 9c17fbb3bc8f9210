"""A neutral answer to a response object."""

from collections.abc import Sequence
from typing import Any

from havuz_gateway.protocols.codec import Encoded, Stamp
from havuz_gateway.protocols.neutral.content import (
    Image,
    Part,
    ProviderContent,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable
from havuz_gateway.protocols.neutral.extensions import Dropped
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice, Logprobs, TokenLogprob
from havuz_gateway.protocols.openai_responses.finish import write_finish
from havuz_gateway.protocols.openai_responses.reasoning import write_call_seal, write_reasoning
from havuz_gateway.protocols.openai_responses.response_object import response_object
from havuz_gateway.protocols.openai_responses.usage import write_usage
from havuz_gateway.protocols.openai_responses.wire import PROTOCOL, SPELLING, made_id
from havuz_gateway.protocols.openai_responses.write_items import (
    Spoken,
    begins_item,
    message_item,
    write_call,
    write_image,
    write_text,
)


def encode_response(response: ChatResponse, stamp: Stamp) -> Encoded:
    """The body of an answer. Raises `AnswerFailed` for one that ended in an error, `AnswerUnreadable` for none."""
    if not response.choices:
        raise AnswerUnreadable("the provider's answer has no choice")
    dropped = Dropped(PROTOCOL)
    if len(response.choices) > 1:
        dropped.note("choices")
    choice = response.choices[0]
    ending = write_ending(choice.finish)
    response_id = stamp.id or response.id
    members = {
        "id": response_id,
        "created_at": stamp.created if response.created is None else response.created,
        **ending,
        "model": stamp.model or response.model,
        "output": _Output(response_id, ending["status"], dropped).write(choice),
    }
    if response.usage is not None:
        members["usage"] = write_usage(response.usage)
    if response.service_tier is not None:
        members["service_tier"] = response.service_tier
    return Encoded(response_object(members, response.extensions, stamp), dropped.names())


def write_ending(finish: Finish | None) -> dict[str, Any]:
    """How it ended. OpenAI's models know no stop sequences; another's is told under a name of its own."""
    ending = write_finish(finish)
    if finish is not None and finish.stop_sequence is not None:
        ending["stop_sequence"] = finish.stop_sequence
    return ending


class _Output:
    """Writes the output items of one answer."""

    def __init__(self, response_id: str, status: str, dropped: Dropped) -> None:
        self._response_id = response_id
        self._status = status if status == "incomplete" else "completed"
        self._dropped = dropped
        self._items: list[dict[str, Any]] = []
        self._run: list[Spoken] = []
        self._tokens: Sequence[TokenLogprob] = ()

    def write(self, choice: Choice) -> list[dict[str, Any]]:
        """All items. Texts that follow one another stand in one message."""
        self._tokens = first_tokens(choice.content, choice.logprobs, self._dropped)
        for part in choice.content:
            if isinstance(part, Text | Refusal):
                if begins_item(part, self._run):
                    self._close()
                self._run.append(part)
                continue
            self._close()
            self._other(part)
        self._close(self._status)
        return self._items

    def _made(self, kind: str) -> str:
        return made_id(kind, self._response_id, len(self._items))

    def _close(self, status: str = "completed") -> None:
        run, self._run = self._run, []
        if not run:
            return
        content = []
        for part in run:
            tokens: Sequence[TokenLogprob] = ()
            if isinstance(part, Text):
                tokens, self._tokens = self._tokens, ()
            content.append(write_text(part, self._dropped, tokens))
        self._items.append(message_item(run[0], content, self._made("message"), status))

    def _other(self, part: Part) -> None:
        match part:
            case Thinking() | RedactedThinking():
                spelled = part.extensions.get(SPELLING, {})
                if "told" not in spelled:
                    item_id = part.id if part.origin == PROTOCOL and part.id else self._made("reasoning")
                    raw = spelled.get("item")
                    self._items.append(dict(raw) if raw is not None else write_reasoning(part, item_id))
            case ToolCall():
                if part.signature is not None:
                    self._items.append(write_call_seal(self._made("reasoning"), part.id, part.signature))
                self._dropped.foreign(part.extensions, "function_call")
                kind = "custom_tool_call" if part.kind == "custom" else "function_call"
                self._items.append(write_call(part, self._made(kind)))
            case Image():
                image = write_image(part, self._made("image_generation_call"))
                if image is None:
                    self._dropped.note("image")
                else:
                    self._items.append(image)
            case ProviderContent(protocol=protocol) if protocol == PROTOCOL:
                self._items.append(dict(part.wire))
            case ProviderContent():
                self._dropped.note(part.kind)
            case _:
                self._dropped.note(type(part).__name__.lower())


def first_tokens(
    parts: Sequence[Part], logprobs: Logprobs | None, dropped: Dropped
) -> tuple[TokenLogprob, ...]:  # fmt: skip
    """The log probabilities for the first text; none where the texts have their own."""
    if logprobs is None:
        return ()
    texts = [part for part in parts if isinstance(part, Text)]
    if logprobs.refusal or (logprobs.content and not texts):
        dropped.note("logprobs")
    if any(part.extensions.get(PROTOCOL, {}).get("logprobs") for part in texts):
        return ()
    return logprobs.content or ()
