"""The first steps: a base URL, a key, and programs that run as they stand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from havuz_gateway.surfaces.pages import snippets
from havuz_gateway.surfaces.pages.answers import Answer, Page, Visit

_CHAT, _MESSAGES = "openai_chat", "anthropic"
_USUAL_MODEL = "gpt-4o-mini"  # where the key may use none yet
_MOST_TOKENS = 300


@dataclass(frozen=True, slots=True)
class Step:
    """One program. `name` is its tab, and what its texts are called."""

    name: str
    install: str
    code: str


async def quick_start(visit: Visit) -> Answer:
    """Programs for the languages that the key's project may use, with a model that it has."""
    project = visit.identity.project
    routes = visit.services.view().routes(project, visit.now)
    model = next((route.model for route in routes if "chat" in route.operations), None)
    asked = {
        "model": model or _USUAL_MODEL,
        "messages": [{"role": "user", "content": visit.language.say("start.hello")}],
    }
    steps = list(programs(visit.base_url, asked, project.surface.protocols))
    return Page(
        "start.html",
        {
            "steps": steps,
            "model": model,
            "key_variable": snippets.KEY_VARIABLE,
            "addresses": list(addresses(visit.base_url, project.surface.protocols)),
        },
    )


def programs(base_url: str, asked: Mapping[str, Any], protocols: tuple[str, ...]) -> Iterator[Step]:
    """A program for each way to ask; `protocols` are those of the project, none for any."""
    if not protocols or _CHAT in protocols:
        yield Step("curl", "", snippets.curl(base_url, "/v1/chat/completions", asked))
        yield Step("python", "pip install openai", snippets.python_chat(base_url, asked))
        yield Step("node", "npm install openai", snippets.node_chat(base_url, asked))
        yield Step("php", "", snippets.php_chat(base_url, asked))
    if not protocols or _MESSAGES in protocols:
        message = {"model": asked["model"], "max_tokens": _MOST_TOKENS, "messages": asked["messages"]}
        if protocols and _CHAT not in protocols:
            yield Step("curl", "", snippets.curl(base_url, "/v1/messages", message))
        yield Step("anthropic", "pip install anthropic", snippets.python_message(base_url, message))


def addresses(base_url: str, protocols: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Whose SDKs there are, and the base URL that each is given."""
    if not protocols or _CHAT in protocols:
        yield "OpenAI", f"{base_url}/v1"
    if not protocols or _MESSAGES in protocols:
        yield "Anthropic", base_url
    if not protocols or "gemini" in protocols:
        yield "Google", base_url
