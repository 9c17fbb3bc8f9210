"""Answers that are no JSON: text as a whole, and bytes such as sound, passed on as they come."""

import re
from collections.abc import Callable

from havuz_gateway.protocols.answer import Answer
from havuz_gateway.protocols.errors import AnswerUnreadable, ProviderError
from havuz_gateway.protocols.json_text import load_object
from havuz_gateway.protocols.tap import Findings
from havuz_gateway.protocols.usage import Usage

TEXT_TYPE = "text/plain; charset=utf-8"
# The end of a cue in SubRip and WebVTT, which may leave the hours out.
_CUE_END = re.compile(rb"--> +(?:(\d{1,3}):)?(\d\d):(\d\d)[,.](\d{3})")


def read_text(body: bytes, read_error: Callable[[bytes], ProviderError]) -> Answer:
    """A text. Subtitles say how long the sound was. Raises `AnswerUnreadable` for the page of a proxy in between."""
    start = body.lstrip()[:1]
    if start == b"<":
        raise AnswerUnreadable("the provider's answer is a page of HTML, not text")
    if start == b"{":
        fields = load_object(body)
        if fields is not None and fields.get("error"):
            return Answer(body=b"", error=read_error(body))
    cues = _CUE_END.findall(body)
    usage = Usage(input=0, output=0, audio_ms=max(map(_milliseconds, cues), default=0))
    return Answer(body=body, usage=usage, content_type=TEXT_TYPE)


def _milliseconds(cue: tuple[bytes, ...]) -> int:
    hours, minutes, seconds, rest = (int(part or 0) for part in cue)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


class RawTap:
    """Passes bytes on. They are whole when the provider ends them as HTTP does; there is no other sign."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found = Findings()

    def findings(self) -> Findings:
        """What is known of the answer."""
        return self.found

    def feed(self, chunk: bytes) -> bytes:
        """The same bytes."""
        self.found.seen_event = self.found.committed = True
        return chunk

    def end(self) -> bytes:
        """The provider ended the answer."""
        self.found.done = self.found.committed
        return b""

    def fail(self, error: ProviderError) -> bytes:
        """Nothing: there is no place for an error."""
        return b""

    def dropped(self) -> tuple[str, ...]:
        """Nothing: it all goes through."""
        return ()
