"""`usage` as OpenAI writes it: with one set of names in Chat Completions, with another everywhere else.

Under either, input includes cached tokens and output reasoning, as havuz's own form does.
https://platform.openai.com/docs/api-reference/chat/object and https://platform.openai.com/docs/api-reference/responses/object
"""

from typing import Any

from havuz_gateway.protocols.usage import TokenReader, Usage

# Of what was read, its details, what was written, and its details.
_CHAT = ("prompt_tokens", "prompt_tokens_details", "completion_tokens", "completion_tokens_details")
_OTHERS = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details")


def read_usage(usage: Any) -> Usage | None:
    """The usage of a response, of pictures or of sound, None where none was reported.

    Impossible numbers are clamped and flagged.
    """
    return _read(usage, _OTHERS)


def read_chat_usage(usage: Any) -> Usage | None:
    """The same of a chat completion."""
    return _read(usage, _CHAT)


def _read(usage: Any, names: tuple[str, str, str, str]) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    taken, taken_details, given, given_details = names
    read = TokenReader()
    details = usage.get(taken_details)
    return Usage(
        input=read.tokens(usage, taken),
        output=read.tokens(usage, given),
        cache_read=read.tokens(details, "cached_tokens"),
        cache_write=read.tokens(details, "cache_write_tokens"),
        reasoning=read.tokens(usage.get(given_details), "reasoning_tokens"),
        clamped=read.clamped,
    )
