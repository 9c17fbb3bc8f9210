"""Facts about families of models that change how a request is encoded for them.

OpenAI: https://platform.openai.com/docs/guides/reasoning. Anthropic:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking.
"""

import re

from havuz_gateway.protocols.codec import Quirks

# A server of nearly OpenAI's protocol: it takes the older names, and its own earlier reasoning back.
COMPATIBLE = Quirks(limit_field="max_tokens", instruction_role="system", cache_marks=False)

_REASONS = re.compile(r"^(o\d|gpt-5|gpt-oss|codex)")
_CHAT_ONLY = re.compile(r"^gpt-5(\.\d+)?-chat")


def openai_quirks(model: str) -> Quirks:
    """OpenAI's own models: they never take reasoning back, and only some reason."""
    name = model.rsplit("/", 1)[-1].removeprefix("ft:")
    if not _REASONS.match(name) or _CHAT_ONLY.match(name):
        return Quirks(replay_thinking=False, top_k=False, efforts=())
    return Quirks(replay_thinking=False, top_k=False, efforts=_efforts(name))


def _efforts(name: str) -> tuple[str, ...]:
    """The words for effort that a reasoning model knows: the list grew with each generation."""
    if name.startswith("o"):
        return ("low", "medium", "high")
    if re.match(r"^gpt-5(-|$)", name):
        return ("minimal", "low", "medium", "high")
    return ("none", "low", "medium", "high", "xhigh")
