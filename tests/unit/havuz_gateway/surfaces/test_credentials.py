"""Where a key is read from, and that it stays there."""

import pytest

from havuz_gateway.errors import InvalidRequest, Unauthenticated
from havuz_gateway.surfaces.credentials import KeyPlaces, take_credential

KEY = "pk_live_abc"
ONE_KEY = [
    ({"authorization": f"Bearer {KEY}"}, {}),
    ({"authorization": f"bearer   {KEY} "}, {}),
    ({"x-api-key": KEY}, {}),
    ({"x-api-key": f" {KEY} "}, {}),
    ({}, {"api_key": (KEY,)}),
    ({"authorization": f"Bearer {KEY}", "x-api-key": KEY}, {"api_key": (KEY, KEY)}),
    ({"authorization": f"Bearer {KEY}, Bearer {KEY}"}, {}),
    ({"authorization": f"Bearer {KEY}", "x-api-key": ""}, {"api_key": ("",)}),
]


@pytest.mark.parametrize(("headers", "query"), ONE_KEY)
def test_a_key_is_read_from_each_place(headers: dict[str, str], query: dict[str, tuple[str, ...]]) -> None:
    assert take_credential(dict(headers), dict(query)) == KEY


def test_a_key_goes_no_further() -> None:
    headers = {"authorization": f"Bearer {KEY}", "x-api-key": KEY, "accept": "*/*"}
    query: dict[str, tuple[str, ...]] = {"api_key": (KEY,), "limit": ("1",)}
    take_credential(headers, query)
    assert (headers, query) == ({"accept": "*/*"}, {"limit": ("1",)})


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": f"Bearer {KEY}", "x-api-key": "other"}, {}),
        ({"authorization": f"Bearer {KEY}, Bearer other"}, {}),
        ({"x-api-key": KEY}, {"api_key": ("other",)}),
        ({}, {"api_key": (KEY, "other")}),
    ],
)
def test_two_different_keys_are_refused_without_repeating_them(
    headers: dict[str, str], query: dict[str, tuple[str, ...]]
) -> None:
    with pytest.raises(InvalidRequest, match="two different API keys") as refused:
        take_credential(headers, query)
    assert KEY not in refused.value.message


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", KEY, "Bearer", "Bearer \udcff\udcfe", "Bearer a\tb"])
def test_what_is_no_bearer_key_is_refused(value: str) -> None:
    with pytest.raises(Unauthenticated):
        take_credential({"authorization": value}, {})


def test_no_key_is_none() -> None:
    assert take_credential({"accept": "*/*"}, {}) is None


def test_a_surface_may_have_places_of_its_own() -> None:
    google = KeyPlaces(headers=("x-api-key", "x-goog-api-key"), query=("api_key", "key"))
    for headers, query in (({"x-goog-api-key": KEY}, {}), ({}, {"key": (KEY,)}), ({"x-api-key": KEY}, {"key": (KEY,)})):
        left, asked = dict(headers), dict(query)
        assert take_credential(left, asked, google) == KEY
        assert (left, asked) == ({}, {})
        assert take_credential({"x-goog-api-key": KEY}, {"key": (KEY,)}) is None
