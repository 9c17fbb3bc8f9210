"""Neutral messages to `contents` and `systemInstruction`.

Instructions that lead the conversation become `systemInstruction`; later ones have no place of their own and are
told in the user's turn. The results of one turn's calls stand in one content, as Gemini wants them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.gemini.calls import is_media, is_unsealed, write_answer
from havuz_gateway.protocols.gemini.encode_parts import Wire, name_of, write_part
from havuz_gateway.protocols.gemini.wire import FOREIGN_CALL, PROTOCOL, SPELLING, written
from havuz_gateway.protocols.neutral.content import (
    Document,
    Image,
    Part,
    PartsSource,
    ProviderContent,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    joined_text,
    parts_of,
)
from havuz_gateway.protocols.neutral.errors import cannot_say
from havuz_gateway.protocols.neutral.extensions import Dropped
from havuz_gateway.protocols.neutral.request import Message, paths

_INSTRUCTIONS = ("system", "developer")


class MessageWriter:
    """Writes `systemInstruction` and `contents` of one request."""

    def __init__(self, quirks: Quirks, dropped: Dropped) -> None:
        self._quirks = quirks
        self._dropped = dropped
        self._names: dict[str, str] = {}  # of the functions called so far, by the call's id
        self._contents: list[Wire] = []
        self._results_open = False  # whether more results of the same turn may follow

    def write(self, messages: Sequence[Message]) -> Wire:
        """The members of the body. Raises `CannotExpress`."""
        leading, places = 0, paths(messages)
        while leading < len(messages) and messages[leading].role in _INSTRUCTIONS:
            leading += 1
        body: Wire = {}
        if leading:
            body["systemInstruction"] = self._system(messages[:leading], places)
        for message, path in zip(messages[leading:], places[leading:], strict=True):
            self._message(message, path)
        body["contents"] = self._contents
        return body

    def _system(self, messages: Sequence[Message], places: Sequence[str]) -> Wire:
        parts: list[Wire] = []
        for message, path in zip(messages, places, strict=False):
            self._left_out(message, path)
            parts += self._parts(parts_of(message.content), path)
        return written({"parts": parts}, messages[0].extensions)

    def _left_out(self, message: Message, path: str) -> None:
        self._dropped.foreign(message.extensions, path)
        if message.name is not None:
            self._dropped.note(f"{path}.name")

    def _message(self, message: Message, path: str) -> None:
        self._left_out(message, path)
        if message.role in _INSTRUCTIONS:
            self._dropped.note(f"{path}.role")
            text = "\n".join(part.text for part in parts_of(message.content) if isinstance(part, Text))
            self._append("user", [{"text": f"<system>\n{text}\n</system>"}], message)
            return
        content = parts_of(message.content)
        if message.role == "assistant":
            self._append("model", self._parts(self._sealed(content), path), message)
            return
        parts = self._parts(content, path)
        only_results = message.role == "tool" and all(isinstance(part, ToolResult) for part in content)
        if only_results and self._results_open:
            before = self._contents[-1]["parts"]
            before[:] = sorted([*before, *parts], key=lambda part: "functionResponse" not in part)
            return
        self._append("user", parts, message)
        self._results_open = only_results

    def _append(self, role: str, parts: list[Wire], message: Message) -> None:
        """Gemini refuses a content without parts, so what says nothing is left out, unless it came that way."""
        self._results_open = False
        if parts or PROTOCOL in message.extensions:
            self._contents.append(written({"role": role, "parts": parts}, message.extensions))

    def _sealed(self, parts: Sequence[Part]) -> list[Part]:
        """Gemini 3 refuses a turn whose first call lacks a signature; a call that it did not make has none."""
        found = list(parts)
        if self._quirks.gemini_thinking == "level":
            for index, part in enumerate(found):
                if isinstance(part, ToolCall):
                    if is_unsealed(part):
                        found[index] = replace(part, signature=FOREIGN_CALL)
                    break
        return found

    def _parts(self, parts: Sequence[Part], path: str) -> list[Wire]:
        found: list[Wire] = []
        for index, part in enumerate(parts):
            found += self._part(part, f"{path}.content[{index}]")
        return found

    def _part(self, part: Part, path: str) -> list[Wire]:
        """The wire form of a part: none for one that says nothing or cannot be taken back."""
        if isinstance(part, ProviderContent):
            if part.protocol == PROTOCOL:
                return [dict(part.wire)]
            self._dropped.note(f"{path}.{name_of(part)}")
            return []
        self._dropped.foreign(part.extensions, path)
        self._hints(part, path)
        match part:
            case ToolResult():
                return self._result(part, path)
            case ToolCall(kind="custom"):
                raise cannot_say(path, "the call of a custom tool", PROTOCOL)
            case ToolCall():
                self._names[part.id] = part.name
            case Thinking() | RedactedThinking() if not _is_own(part):
                self._dropped.note(f"{path}.thinking")
                return []
            case RedactedThinking():
                return [{"text": "", "thought": True, "thoughtSignature": part.data}]
            case Document(source=PartsSource(content=inner)):
                return self._parts(parts_of(inner), path)
            case _:
                pass
        found = write_part(part)
        if found is None:
            raise cannot_say(path, "a file that lies with another provider", PROTOCOL)
        return [found]

    def _hints(self, part: Part, path: str) -> None:
        """Names what a part says beside its content and Gemini has no word for."""
        if getattr(part, "cache", None) is not None:
            self._dropped.note("cache_control")
        match part:
            case Text(citations=[_, *_]):
                self._dropped.note(f"{path}.citations")
            case Image(detail=str() as detail) if detail != "auto":
                self._dropped.note(f"{path}.detail")
            case Document():
                titled = part.title is not None and not _has_spelling(part.extensions)
                for name, said in (("title", titled), ("context", part.context), ("citations", part.cited)):
                    if said:
                        self._dropped.note(f"{path}.{name}")
            case _:
                pass

    def _result(self, part: ToolResult, path: str) -> list[Wire]:
        parts = parts_of(part.content)
        texts = tuple(inner for inner in parts if isinstance(inner, Text))
        media = self._parts([inner for inner in parts if not isinstance(inner, Text)], path)
        text = joined_text(texts) if texts or not media else None
        if part.content is None:
            text = None
        name = part.name or self._names.get(part.call_id) or part.call_id
        members: Wire = {"id": part.call_id, "name": name, "response": write_answer(text, failed=part.is_error)}
        beside = media
        if self._quirks.gemini_result_parts and media and all(is_media(wire) for wire in media):
            members["parts"], beside = media, []
        own = _has_spelling(part.extensions)  # the whole result is spelled, its media too
        return [written({"functionResponse": members}, part.extensions), *([] if own else beside)]


def _is_own(part: Thinking | RedactedThinking) -> bool:
    return part.origin == PROTOCOL or (isinstance(part, Thinking) and part.origin is None and not part.signature)


def _has_spelling(extensions: Mapping[str, Any]) -> bool:
    return bool(extensions.get(SPELLING))
