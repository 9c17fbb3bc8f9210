"""One candidate of a stream: its parts, which come in pieces, as the events of blocks.

Consecutive texts are one block, and so are consecutive thoughts: Google cuts both wherever it likes. A signature, a
part of another kind or a member of its own ends a block.
"""

from typing import Any

from havuz_gateway.protocols.gemini.call_pieces import CallInPieces, is_piece
from havuz_gateway.protocols.gemini.calls import CallIds
from havuz_gateway.protocols.gemini.decode_parts import read_answer_part
from havuz_gateway.protocols.gemini.decode_response import read_ending
from havuz_gateway.protocols.gemini.finish import blocked
from havuz_gateway.protocols.gemini.grounding import Place, in_characters, read_citations
from havuz_gateway.protocols.gemini.wire import CONTENT, PROTOCOL
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral import events as ev
from havuz_gateway.protocols.neutral.content import Text, Thinking, ToolCall
from havuz_gateway.protocols.neutral.extensions import Extensions
from havuz_gateway.protocols.neutral.finish import Finish


class CandidateStream:
    """Reads the chunks of one candidate."""

    __slots__ = (
        "_blocks", "_calls", "_extensions", "_finish", "_ids", "_index", "_kind", "_open", "_pieces", "_seal",
        "_sealed", "_text",
    )  # fmt: skip

    def __init__(self, index: int, response_id: str) -> None:
        self._index = index
        self._ids = CallIds(f"call_{response_id}_{index}")
        self._blocks = 0
        self._open: str | None = None
        self._kind: type[Text | Thinking] = Text
        self._text: list[str] = []  # of the open text, to count its bytes
        self._seal: str | None = None  # of the open text, which waits for nothing but citations then
        self._calls = False
        self._pieces: CallInPieces | None = None  # of the call that is open
        self._sealed = False  # whether a call so far has a signature
        self._finish: Finish | None = None
        self._extensions: dict[str, dict[str, Any]] = {}

    @property
    def finished(self) -> bool:
        """Whether Google said why this candidate ended."""
        return self._finish is not None

    def more_text(self, text: str) -> list[ev.ChatEvent] | None:
        """The quick way of the most frequent chunk: more text for the open block; None where it needs a block."""
        if self._open is None or self._kind is not Text or self._seal is not None or not text:
            return None
        self._text.append(text)
        return [ev.TextDelta(self._index, self._open, text)]

    def feed(self, candidate: Members) -> list[ev.ChatEvent]:
        """The events in one chunk's candidate."""
        found: list[ev.ChatEvent] = []
        content = candidate.members("content")
        if content is not None:
            if content.peek("role") == "model":
                content.take("role")
            for part in content.each("parts"):
                found += self._part(part)
            self._keep(CONTENT, content.rest())
        found += self._citations(read_citations(candidate.rest()))
        spelled: dict[str, Any] = {}
        finish, logprobs = read_ending(candidate, spelled, calls=self._calls)
        if logprobs is not None:
            found.append(ev.LogprobsDelta(self._index, logprobs))
        self._finish = finish or self._finish
        self._keep(PROTOCOL, candidate.rest())
        return found

    def end(self, block_reason: str | None) -> list[ev.ChatEvent]:
        """The end of the stream; a blocked prompt ends what had no end."""
        found = self._close()
        extensions = {name: rest for name, rest in self._extensions.items() if rest}
        finish = self._finish
        if finish is None and block_reason is not None:
            finish = blocked(block_reason)
        if finish is not None:
            found.append(ev.ChoiceEnd(self._index, finish, extensions=extensions))
        return found

    def _keep(self, name: str, rest: dict[str, Any]) -> None:
        if rest:
            self._extensions[name] = self._extensions.get(name, {}) | rest

    def _part(self, wire: Members) -> list[ev.ChatEvent]:
        signed = wire.peek("thoughtSignature") is not None
        if is_piece(wire.peek("functionCall")):
            return self._piece(wire)
        part = read_answer_part(wire, self._ids)
        match part:
            case Text():
                return self._more_text(part)
            case Thinking():
                return self._more_thought(part, signed=signed)
            case ToolCall():
                self._calls = True
                return [*self._close(), *self._call(part, self._next())]
            case _:
                return [*self._close(), ev.PartWhole(self._index, self._next(), part)]

    def _more_text(self, part: Text) -> list[ev.ChatEvent]:
        own = _own(part.extensions)
        found: list[ev.ChatEvent] = []
        if self._open is None or self._kind is not Text or self._seal is not None or own:
            if not part.text and part.signature is None and not own:
                return []
            closed, block = self._close(), self._next()
            self._open, self._kind = block, Text
            found = [*closed, ev.TextStart(self._index, block, extensions=own)]
        if part.text:
            self._text.append(part.text)
            found.append(ev.TextDelta(self._index, self._open, part.text))
        self._seal = part.signature
        return found

    def _more_thought(self, part: Thinking, *, signed: bool) -> list[ev.ChatEvent]:
        own = _own(part.extensions)
        found: list[ev.ChatEvent] = []
        if self._open is None or self._kind is not Thinking or own:
            if not part.text and part.signature is None and part.origin is None and not own:
                return []
            closed, block = self._close(), self._next()
            self._open, self._kind = block, Thinking
            found = [*closed, ev.ThinkingStart(self._index, block, extensions=own)]
        if part.text:
            found.append(ev.ThinkingDelta(self._index, self._open, part.text))
        if signed:
            found += self._close(part)
        return found

    def _call(self, call: ToolCall, block: str) -> list[ev.ChatEvent]:
        """A call comes whole."""
        return [
            ev.ToolInputStart(
                self._index, block, call.id, call.name, signature=call.signature, extensions=call.extensions
            ),
            ev.ToolInputDelta(self._index, block, call.arguments),
            ev.ToolInputEnd(self._index, block),
        ]

    def _piece(self, wire: Members) -> list[ev.ChatEvent]:
        """A piece of a call; one that has a name begins the next."""
        call = wire.members("functionCall")
        if call is None:
            raise wire.wrong("functionCall", None, "an object")
        name, found = call.text("name"), list[ev.ChatEvent]()
        if name is not None:
            signature = wire.text("thoughtSignature")
            found = self._close()
            self._calls, self._sealed = True, signature is not None
            given = call.text("id")
            self._pieces = CallInPieces(self._index, self._next(), given, name)
            found.append(self._pieces.begin(self._ids.of_call(given, name), signature))
        if self._pieces is None:
            return []  # the end of a call that has ended
        self._pieces.add(call)
        return found if call.flag("willContinue") else [*found, *self._close()]

    def _citations(self, places: list[Place]) -> list[ev.ChatEvent]:
        """Citations come late: those of a text that has ended stand on an empty one, without their place."""
        found: list[ev.ChatEvent] = []
        for place, citation in places:
            here = self._open is not None and self._kind is Text and place in (None, 0, int(self._open))
            if not here and (self._open is None or self._kind is not Text or self._text):
                closed, block = self._close(), self._next()
                self._open, self._kind = block, Text
                found += [*closed, ev.TextStart(self._index, block)]
            cited = in_characters(citation, "".join(self._text) if here else "")
            found.append(ev.CitationDelta(self._index, str(self._open), cited))
        return found

    def _next(self) -> str:
        self._blocks += 1
        return str(self._blocks - 1)

    def _close(self, thought: Thinking | None = None) -> list[ev.ChatEvent]:
        """The end of the open block, with the seal of `thought`."""
        block, seal = self._open, self._seal
        pieces, self._pieces = self._pieces, None
        if pieces is not None:
            return pieces.end(sealed=self._sealed)
        if block is None:
            return []
        self._open, self._seal, self._text = None, None, []
        if self._kind is Text:
            return [ev.TextEnd(self._index, block, signature=seal)]
        if thought is None:
            return [ev.ThinkingEnd(self._index, block)]
        return [
            ev.ThinkingEnd(
                self._index,
                block,
                signature=thought.signature,
                origin=thought.origin,
                item=thought.id,
                summary=thought.summary,
            )
        ]


def _own(extensions: Extensions) -> Extensions:
    """What only Google says of a part; how it was spelled matters to whole parts only."""
    return {PROTOCOL: extensions[PROTOCOL]} if extensions.get(PROTOCOL) else {}
