"""What the pipeline asks of each wire language, by the language's name."""

from collections.abc import Callable
from dataclasses import dataclass

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.openai.errors import read_error
from havuz_gateway.protocols.openai_chat.answer import Answer, read_answer
from havuz_gateway.protocols.openai_chat.stream import StreamTap


@dataclass(frozen=True, slots=True)
class Wire:
    """How answers in one protocol are read: whole, in part, and when they are errors."""

    read_answer: Callable[[str, bytes], Answer]
    read_error: Callable[[bytes], ProviderError]
    tap: type[StreamTap]


WIRES = {"openai_chat": Wire(read_answer=read_answer, read_error=read_error, tap=StreamTap)}
