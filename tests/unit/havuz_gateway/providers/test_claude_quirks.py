"""What each Claude model takes, by its name as Anthropic and its resellers write it."""

import pytest

from havuz_gateway.providers.quirks import claude_quirks

# thinking, how it is turned off, interleaved by a header, forced calls, schema, later instructions, sampling
TABLE = {
    "claude-3-haiku-20240307": ("budget", "omitted", False, True, "tool", False, True),
    "claude-3-5-sonnet-20241022": ("budget", "omitted", False, True, "tool", False, True),
    "claude-3-7-sonnet-latest": ("budget", "omitted", False, True, "tool", False, True),
    "claude-opus-4-20250514": ("budget", "omitted", True, True, "tool", False, True),
    "claude-opus-4-1-20250805": ("budget", "omitted", True, True, "native", False, True),
    "claude-sonnet-4-5-20250929": ("budget", "omitted", True, True, "native", False, True),
    "claude-haiku-4-5@20251001": ("budget", "omitted", True, True, "native", False, True),
    "claude-opus-4-5": ("budget", "omitted", True, True, "native", False, True),
    "anthropic.claude-opus-4-6-v1": ("adaptive", "omitted", False, True, "native", False, True),
    "claude-sonnet-4.6": ("adaptive", "omitted", False, True, "native", False, True),
    "claude-opus-4-7": ("adaptive", "omitted", False, True, "native", False, False),
    "claude-opus-4-8": ("adaptive", "omitted", False, True, "native", True, False),
    "claude-mythos-preview": ("adaptive", "effort", False, False, "native", False, False),
    "claude-opus-5": ("adaptive", "disabled", False, True, "native", True, False),
    "claude-sonnet-5": ("adaptive", "disabled", False, True, "native", True, False),
    "claude-fable-5": ("adaptive", "effort", False, True, "native", True, False),
    "claude-fable-5-1": ("adaptive", "effort", False, False, "native", True, False),
    "claude-mythos-5-2": ("adaptive", "effort", False, False, "native", True, False),
    "claude-opus-5-5": ("adaptive", "effort", False, False, "native", True, False),
    "claude-sonnet-5-5": ("adaptive", "between_tools", False, False, "native", True, False),
    "claude-haiku-5-5": ("adaptive", "disabled", False, True, "native", True, False),
    "our-own-name": ("adaptive", "effort", False, False, "native", True, False),
}


@pytest.mark.parametrize("model", TABLE)
def test_a_model_is_known_by_its_name(model: str) -> None:
    quirks = claude_quirks(model)
    assert (
        quirks.thinking, quirks.thinking_off, quirks.interleaved, quirks.forced_tools, quirks.output_schema,
        quirks.later_instructions, quirks.sampling,
    ) == TABLE[model]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "limit"),
    [("claude-3-opus-20240229", 4_096), ("claude-3-5-haiku-latest", 8_192), ("claude-sonnet-4-5", 16_384)],
)
def test_the_limit_of_an_answer_suits_the_model(model: str, limit: int) -> None:
    assert claude_quirks(model).output_limit == limit


def test_only_one_generation_lacks_an_effort_that_the_others_have() -> None:
    assert claude_quirks("claude-opus-4-6").efforts == ("low", "medium", "high", "max")
    assert claude_quirks("claude-opus-4-7").efforts is None
