"""Tokens from a body: what is likely, and what is the most that it can be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_contract.snapshot.models import Parameters
from havuz_gateway.metering.estimate import (
    MOST_ADDED_TOKENS,
    MOST_ATTACHMENT_TOKENS,
    MOST_OUTPUT_TOKENS,
    Estimate,
    delivered_tokens,
    estimate,
)


def _chat(content: Any = "Hello!", layers: tuple[Parameters, ...] = (), **fields: Any) -> Estimate:
    body = {"model": "gpt", "messages": [{"role": "user", "content": content}]} | fields
    return estimate("chat", body, json.dumps(body).encode(), layers)


def test_a_token_is_four_bytes_and_a_message_four_tokens() -> None:
    assert _chat("x" * 400).input == 100 + 4
    assert _chat("ş" * 200).input == 100 + 4
    assert _chat([{"type": "text", "text": "x" * 8}, {"type": "text", "text": "y" * 4}]).input == 3 + 4


@given(st.text(max_size=200))
def test_no_text_can_have_more_tokens_than_the_most_input(text: str) -> None:
    found = _chat(text)
    assert len(text.encode("utf-8", "surrogatepass")) <= found.most_input
    assert found.input <= found.most_input


def test_a_picture_counts_although_its_url_is_short() -> None:
    picture = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    assert _chat(picture).input == 1_500 + 4
    assert _chat(picture).most_input > MOST_ATTACHMENT_TOKENS


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({}, None),
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 20, "max_tokens": 10}, 20),
        ({"max_tokens": 10, "n": 3}, 30),
        ({"max_tokens": None}, None),
        ({"max_tokens": 10**30}, None),
    ],
)
def test_the_output_is_bounded_by_what_is_asked_for(fields: dict[str, Any], output: int | None) -> None:
    assert _chat(**fields).output == output


@pytest.mark.parametrize(
    ("layer", "output"),
    [
        (Parameters(overrides={"max_tokens": 500}), 500),
        (Parameters(drop=("max_tokens",)), None),
        (Parameters(defaults={"max_tokens": 500}), 10),
        (Parameters(defaults={"max_completion_tokens": 500}), 500),
        (Parameters(overrides={"n": 4}), 40),
    ],
)
def test_what_the_route_changes_on_the_way_counts(layer: Parameters, output: int | None) -> None:
    assert _chat(max_tokens=10, layers=(layer,)).output == output


def test_an_unbounded_answer_fills_the_window_or_the_documented_default() -> None:
    assert _chat().most_output(8_000) == 8_000
    assert _chat(n=2).most_output(8_000) == 16_000
    assert _chat().most_output(None) == MOST_OUTPUT_TOKENS
    assert _chat(max_tokens=10**6).most_output(8_000) == 8_000


def test_a_predicted_answer_may_be_billed_beside_the_answer() -> None:
    predicted = _chat(max_tokens=10, prediction={"type": "content", "content": "x" * 500})
    assert predicted.most_output(None) > 500


@pytest.mark.parametrize(
    ("given_input", "tokens"),
    [("x" * 40, 10), (["x" * 40, "y" * 4], 11), ([1, 2, 3], 3), ([[1, 2], [3]], 3), (None, 0)],
)
def test_embeddings_count_texts_and_tokens(given_input: Any, tokens: int) -> None:
    body = {"model": "e", "input": given_input}
    found = estimate("embeddings", body, json.dumps(body).encode())
    assert (found.input, found.output) == (tokens, 0)
    assert found.most_input >= MOST_ADDED_TOKENS


def test_a_cut_stream_is_a_token_an_event_or_more_where_events_are_large() -> None:
    assert delivered_tokens(10, 2_000, 200) == 10
    assert delivered_tokens(2, 2 * 200 + 4_000, 200) == 1_000
    assert delivered_tokens(0, 0, 0) == 0


def test_no_answer_at_all_is_a_bound_too() -> None:
    body = {"model": "claude", "messages": [], "max_tokens": 0}
    assert estimate("chat", body, json.dumps(body).encode(), protocol="anthropic").output == 0
