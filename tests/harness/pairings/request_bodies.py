"""The least that each protocol's request says, and short ways to say more of it."""

from typing import Any

from harness.pairings.probe import CHAT, GEMINI, MESSAGES, MODEL, RESPONSES, Fragment

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
PICTURE_URL = "https://example.org/picture.png"
PDF = "JVBERi0xLjQKJSVFT0YK"
PDF_URL = "https://example.org/paper.pdf"
SOUND = "UklGRiQAAABXQVZF"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}

BASES: dict[str, Fragment] = {
    CHAT: {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]},
    MESSAGES: {"model": MODEL, "max_tokens": 512, "messages": [{"role": "user", "content": "Hi"}]},
    RESPONSES: {"model": MODEL, "input": "Hi"},
    GEMINI: {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},  # the model stands in the URL
}


def chat(*messages: dict[str, Any]) -> Fragment:
    """A conversation in Chat Completions or Messages."""
    return {"messages": list(messages)}


def items(*entries: dict[str, Any]) -> Fragment:
    """A conversation in Responses."""
    return {"input": list(entries)}


def contents(*turns: dict[str, Any]) -> Fragment:
    """A conversation in Gemini's API."""
    return {"contents": list(turns)}


def user(*parts: dict[str, Any]) -> Fragment:
    """A user's message of parts, in Chat Completions or Messages."""
    return chat({"role": "user", "content": list(parts)})


def item(*parts: dict[str, Any]) -> Fragment:
    """The same in Responses."""
    return items({"type": "message", "role": "user", "content": list(parts)})


def turn(*parts: dict[str, Any]) -> Fragment:
    """The same in Gemini's API."""
    return contents({"role": "user", "parts": list(parts)})


def config(**members: Any) -> Fragment:
    """Gemini's `generationConfig`."""
    return {"generationConfig": members}


CHAT_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "description": "Weather now", "parameters": SCHEMA},
}
MESSAGES_TOOL: dict[str, Any] = {"name": "weather", "description": "Weather now", "input_schema": SCHEMA}
RESPONSES_TOOL: dict[str, Any] = {
    "type": "function", "name": "weather", "description": "Weather now", "parameters": SCHEMA, "strict": False,
}  # fmt: skip
GEMINI_TOOL: dict[str, Any] = {
    "functionDeclarations": [{"name": "weather", "description": "Weather now", "parametersJsonSchema": SCHEMA}]
}
TOOLS: dict[str, Fragment] = {
    CHAT: {"tools": [CHAT_TOOL]},
    MESSAGES: {"tools": [MESSAGES_TOOL]},
    RESPONSES: {"tools": [RESPONSES_TOOL]},
    GEMINI: {"tools": [GEMINI_TOOL]},
}
