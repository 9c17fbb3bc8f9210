"""Facts about families of models that change how a request is encoded for them.

OpenAI: https://platform.openai.com/docs/guides/reasoning. Anthropic:
https://platform.claude.com/docs/en/about-claude/models/overview and each model's page of changes.
"""

import re
from typing import Literal

from havuz_gateway.protocols.codec import Quirks

# A server of nearly OpenAI's protocol: it takes the older names, and its own earlier reasoning back.
# None of them searches the web in words that all of them have.
COMPATIBLE = Quirks(limit_field="max_tokens", instruction_role="system", cache_marks=False, web_search=False)

# https://platform.openai.com/docs/guides/tools-web-search: in Chat Completions, only models made for it search.
_SEARCHES = re.compile(r"^gpt-\d\S*-search")
_REASONS = re.compile(r"^(o\d|gpt-5|gpt-oss|codex)")
_CHAT_ONLY = re.compile(r"^gpt-5(\.\d+)?-chat")


def openai_quirks(model: str) -> Quirks:
    """OpenAI's own models: they never take reasoning back, and only some reason."""
    name = model.rsplit("/", 1)[-1].removeprefix("ft:")
    searches = _SEARCHES.match(name) is not None
    reasons = _REASONS.match(name) is not None and _CHAT_ONLY.match(name) is None and not searches
    efforts = _efforts(name) if reasons else ()
    return Quirks(replay_thinking=False, top_k=False, efforts=efforts, web_search=searches)


def _efforts(name: str) -> tuple[str, ...]:
    """The words for effort that a reasoning model knows: the list grew with each generation."""
    if name.startswith("o"):
        return ("low", "medium", "high")
    if re.match(r"^gpt-5(-|$)", name):
        return ("minimal", "low", "medium", "high")
    return ("none", "low", "medium", "high", "xhigh")


_GEMINI_VERSION = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)")
_CLAUDE_FAMILY = re.compile(r"opus|sonnet|haiku|fable|mythos")
_CLAUDE_VERSION = re.compile(r"claude(?:-[a-z]+)*-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_ALWAYS_THINK = ("fable", "mythos")
_NEWEST = (99, 0)


def claude_quirks(model: str) -> Quirks:
    """Claude models by family and version: `claude-3-5-haiku-…`, `claude-sonnet-4-5`, `anthropic.claude-opus-4-6-v1`, …

    An unknown name is taken for a model newer than any listed here, which takes the least.
    """
    found, named = _CLAUDE_VERSION.search(model), _CLAUDE_FAMILY.search(model)
    version = (int(found[1]), int(found[2] or 0)) if found is not None else _NEWEST
    family = named[0] if named is not None else ""
    return Quirks(
        output_limit=_claude_output_limit(version),
        efforts=_claude_efforts(version),
        thinking="budget" if version < (4, 6) else "adaptive",
        thinking_off=_claude_thinking_off(family, version),
        interleaved=(4, 0) <= version < (4, 6),
        forced_tools=_forces_tools(family, version),
        output_schema="native" if version >= (4, 5) or (family, version) == ("opus", (4, 1)) else "tool",
        later_instructions=version >= (4, 8) and "preview" not in model,
        sampling=version < (4, 7),
    )


def _claude_output_limit(version: tuple[int, int]) -> int:
    """What an answer may have where the client gave no bound, which this protocol must name."""
    if version < (3, 5):
        return 4_096
    return 8_192 if version < (3, 7) else 16_384


def _claude_efforts(version: tuple[int, int]) -> tuple[str, ...] | None:
    """https://platform.claude.com/docs/en/build-with-claude/effort."""
    return ("low", "medium", "high", "max") if version == (4, 6) else None


def _claude_thinking_off(
    family: str, version: tuple[int, int]
) -> Literal["disabled", "omitted", "between_tools", "effort"]:
    """Thinking is off by default before 5, on by default since; some can't be without it.

    https://platform.claude.com/docs/en/build-with-claude/thinking
    """
    if family in _ALWAYS_THINK or version == _NEWEST:
        return "effort"
    if version < (5, 0):
        return "omitted"
    match family:
        case "sonnet" if version >= (5, 5):
            return "between_tools"
        case "haiku":
            return "disabled"
        case _:
            return "disabled" if version < (5, 5) else "effort"


def _forces_tools(family: str, version: tuple[int, int]) -> bool:
    """https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5."""
    match family:
        case "fable" | "mythos":
            return version < (5, 1)
        case "haiku":
            return True
        case _:
            return version < (5, 5)


def gemini_quirks(model: str) -> Quirks:
    """Gemini models by generation; what is not named so (Gemma, a tuned model) does not think.

    https://ai.google.dev/gemini-api/docs/thinking
    """
    name = model.rsplit("/", 1)[-1]
    found = _GEMINI_VERSION.match(name)
    if found is None:
        newest = name.endswith("-latest") and name.startswith("gemini-")
        return Quirks() if newest else Quirks(gemini_thinking="none", gemini_result_parts=False)
    version = (int(found[1]), int(found[2] or 0))
    if version >= (3, 0):
        return Quirks(efforts=("low", "high") if version == (3, 0) and "pro" in name else None)
    if version < (2, 5):
        return Quirks(gemini_thinking="none", gemini_result_parts=False)
    return Quirks(gemini_thinking="always" if "pro" in name else "budget", gemini_result_parts=False)
