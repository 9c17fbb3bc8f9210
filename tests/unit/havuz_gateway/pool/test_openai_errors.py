"""Errors are read from whatever came, and reading never fails."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.openai.errors import read_error, read_stream_error

MEMBERS = st.sampled_from(["error", "message", "code", "type", "details", "violations", "retryDelay", "x"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS, inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "no", "type": "t", "param": "p", "code": "c"}}, ProviderError("no", "t", "c", "p")),
        ([{"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}],
         ProviderError("no", code=429, status="RESOURCE_EXHAUSTED")),
        ({"error": "no"}, ProviderError("no")),
        ({"error": {"message": {"detail": [{"msg": "no"}]}}}, ProviderError("no")),
        ({"object": "error", "message": "no", "type": "BadRequestError", "code": 400},
         ProviderError("no", "BadRequestError", 400)),
        ({"detail": "no"}, ProviderError("no")),
        ({"errors": [{"message": "no"}]}, ProviderError("no")),
        ("no", ProviderError("no")),
        ({"error": {"message": None, "code": True}}, ProviderError("")),
    ],
)  # fmt: skip
def test_shapes(body: Any, expected: ProviderError) -> None:
    assert read_error(json.dumps(body).encode()) == expected


def test_html_becomes_its_text() -> None:
    page = b"<html><head><style>p {color: red}</style><title>502 Bad Gateway</title></head><body>nginx &amp; co</body>"
    assert read_error(page).message == "502 Bad Gateway nginx & co"


@given(st.binary(max_size=3_000) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_anything_is_read_and_bounded(body: bytes) -> None:
    assert len(read_error(body).message) <= 1_000


def test_a_deeply_nested_body_is_only_text() -> None:
    assert read_error(b"[" * 100_000).message.startswith("[[[")


@pytest.mark.parametrize("event", [{"choices": []}, {"error": None, "choices": []}, {}])
def test_an_event_without_an_error_has_none(event: Any) -> None:
    assert read_stream_error(event) is None


@pytest.mark.parametrize(
    "event", [{"error": {"message": "no"}}, {"error": "no"}, {"object": "error", "message": "no"},
              {"type": "error", "error": {"message": "no"}}]
)  # fmt: skip
def test_an_event_with_an_error_tells_it(event: Any) -> None:
    found = read_stream_error(event)
    assert found is not None
    assert found.message == "no"
