"""When to come back, in every way that providers say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.pool.hints import rest_hint, retry_hint, span
from havuz_gateway.protocols.errors import ProviderError

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
NOTHING = ProviderError("slow down")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
        ({"retry-after-ms": "1250", "retry-after": "2"}, 1.25),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "120ms"}, 0.12),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "120ms",
          "x-ratelimit-remaining-requests": "0"}, 1),
        ({"retry-after": "Mon, 13 Nov 2023 22:14:20 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "0"}, None),
        ({"x-ratelimit-reset-tokens": "later"}, None),
        ({"x-ratelimit-reset-requests": "17"}, 17),
        ({"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:45Z",
          "anthropic-ratelimit-requests-remaining": "9", "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:21Z"},
         25),
        ({"anthropic-ratelimit-tokens-reset": "2023-11-14T22:00:00Z"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000040000"}, 40),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000040"}, 40),
        ({}, None),
    ],
)  # fmt: skip
def test_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_hint(headers, NOTHING, NOW) == (None if seconds is None else pytest.approx(seconds))


def test_the_body_helps_where_no_header_does() -> None:
    assert retry_hint({}, ProviderError("quota", retry_delay=31.0), NOW) == 31
    assert retry_hint({"retry-after": "5"}, ProviderError("quota", retry_delay=31.0), NOW) == 5
    words = "Rate limit reached for gpt-4o on requests per min. Please try again in 1m2.5s. Visit …"
    assert retry_hint({}, ProviderError(words), NOW) == 62.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s"}, 6),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s",
          "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20s"}, 2),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "1m0s"}, None),
        ({"x-ratelimit-remaining-requests": "0"}, None),
        ({"anthropic-ratelimit-output-tokens-remaining": "0",
          "anthropic-ratelimit-output-tokens-reset": "2023-11-14T22:14:20Z"}, 6),
        ({"retry-after": "20"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_an_answer_that_uses_up_an_allowance_says_for_how_long_to_rest(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert rest_hint(headers, NOW) == (None if seconds is None else pytest.approx(seconds))


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens"]),
        st.text() | st.integers().map(str),
    )
)
def test_no_header_can_break_it(headers: dict[str, str]) -> None:
    hint = retry_hint(headers, NOTHING, NOW)
    assert hint is None or hint >= 0


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_spans_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert span(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds
