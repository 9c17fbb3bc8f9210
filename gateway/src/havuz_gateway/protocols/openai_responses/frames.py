"""Events on the wire: each with its type as the SSE event's name, and a number of its own."""

from typing import Any

from havuz_gateway.protocols.json_text import dump


class Frames:
    """Writes the events of one stream. `open_responses` calls the text of reasoning by its shorter name."""

    __slots__ = ("_next", "_open_responses")

    def __init__(self, *, open_responses: bool) -> None:
        self._next = 0
        self._open_responses = open_responses

    def event(self, kind: str, **fields: Any) -> bytes:
        """One event."""
        if self._open_responses and kind.startswith("response.reasoning_text."):
            kind = kind.replace("reasoning_text", "reasoning")
        return self._framed(kind, dump(fields)[1:-1])

    def text_delta(self, place: str, text: str) -> bytes:
        """The most frequent event, without building its objects. `place` is JSON that says where the text stands."""
        return self._framed("response.output_text.delta", f'{place},"delta":{dump(text)},"logprobs":[]')

    def _framed(self, kind: str, members: str) -> bytes:
        number, self._next = self._next, self._next + 1
        head = f'{{"type":"{kind}","sequence_number":{number}'
        return f"event: {kind}\ndata: {head}{',' if members else ''}{members}}}\n\n".encode()
