"""The conversations: what the user wants, what the model says, and what must have reached the provider."""

from dataclasses import dataclass
from typing import Any, Literal

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
THOUGHT = "The user wants the weather; I have a tool."
Ending = Literal["end", "calls", "length"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model says once. `calls` are (city,) of the one tool there is, `usage` input and output tokens."""

    text: str = ""
    thought: str = ""
    cities: tuple[str, ...] = ()
    ending: Ending = "end"
    usage: tuple[int, int] = (25, 15)


@dataclass(frozen=True, slots=True)
class Conversation:
    """`facts` are texts that the provider's last request must hold, in whatever words."""

    name: str
    question: str
    turns: tuple[Turn, ...]
    system: str | None = None
    picture: bool = False
    tool: bool = False
    schema: bool = False
    thinks: bool = False
    limit: int = 4_000
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """One turn as an SDK tells it."""

    text: str
    thought: str
    cities: tuple[str, ...]
    ending: Ending
    usage: tuple[int, int]


def report(city: str) -> str:
    """What the tool says."""
    return f"It is sunny in {city}."


SUNNY = Turn("It is sunny, bring a hat.", usage=(60, 9))
CONVERSATIONS = (
    Conversation("text", "Merhaba, nasılsın?", (Turn("İyiyim — teşekkürler! 👋"),), facts=("Merhaba, nasılsın?",)),
    Conversation(
        "system", "Who are you?", (Turn("A pirate."),), system="You are a pirate.", facts=("You are a pirate.",)
    ),
    Conversation(
        "tools",
        "What is the weather in Ankara?",
        (Turn(cities=("Ankara",), ending="calls"), SUNNY),
        tool=True,
        facts=("What is the weather in Ankara?", "The weather in a city.", report("Ankara")),
    ),
    Conversation(
        "parallel tools",
        "And in İzmir and Rize?",
        (Turn("Let me see.", cities=("İzmir", "Rize"), ending="calls"), SUNNY),
        tool=True,
        facts=("Let me see.", report("İzmir"), report("Rize")),
    ),
    Conversation("image", "What is this?", (Turn("A pixel."),), picture=True, facts=("What is this?", PICTURE)),
    Conversation(
        "structured output", "Name a city.", (Turn('{"city":"Ankara"}'),), schema=True, facts=('"required": ["city"]',)
    ),
    Conversation(
        "thinking",
        "What is the weather in Ankara?",
        (Turn(thought=THOUGHT, cities=("Ankara",), ending="calls"), SUNNY),
        tool=True,
        thinks=True,
        facts=(report("Ankara"),),
    ),
    Conversation("length", "Tell me a story.", (Turn("Once upon a", ending="length"),), limit=30, facts=("30",)),
)
