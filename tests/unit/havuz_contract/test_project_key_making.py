"""Project keys: made, hidden, kept."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.manifests import made_key, project
from havuz_contract import project_keys

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
randomness = st.binary(min_size=32, max_size=32)


@given(some=randomness, other=randomness)
def test_different_randomness_gives_different_keys_of_one_shape(some: bytes, other: bytes) -> None:
    keys = [project_keys.make_key("pk_live_", random) for random in (some, other)]
    assert (keys[0] == keys[1]) == (some == other)
    assert all(key.startswith("pk_live_") and key[8:].isalnum() and len(key) == 51 for key in keys)


def test_a_key_of_too_little_randomness_is_not_made() -> None:
    with pytest.raises(ValueError, match="32 random bytes, not 16"):
        project_keys.make_key("pk_live_", b"0" * 16)


def test_a_masked_key_shows_its_prefix_and_its_end() -> None:
    assert project_keys.masked("sk-gb-" + "a" * 40 + "WXYZ") == "sk-gb-…WXYZ"


@pytest.mark.parametrize("key", ["", "short", "pk_live_abcdefgh", "a_b_c_d_e_f_g_h_i"])
def test_a_short_key_is_masked_whole(key: str) -> None:
    assert project_keys.masked(key) == "…"


@given(st.text(min_size=1, max_size=80))
def test_a_mask_hides_at_least_twelve_characters(key: str) -> None:
    masked = project_keys.masked(key)
    assert masked == "…" or len(key) - (len(masked) - 1) >= 12


def test_the_public_id_of_a_key_follows_from_its_hash_alone() -> None:
    digest = project_keys.sha256(made_key(1))
    assert project_keys.key_id(digest) == project_keys.key_id(digest)
    assert digest[:24] not in project_keys.key_id(digest)


def test_only_keys_without_a_secret_are_missing() -> None:
    shop = project(
        keys=[
            {"name": "live"},
            {"name": "test", "mode": "Test"},
            {"name": "own", "secretRef": {"name": "b", "key": "k"}},
        ]
    )
    missing = project_keys.missing_keys(shop, {("default", "shop-live"), ("other", "shop-test")})
    assert [one.secret_name for one in missing] == ["shop-test"]


def test_the_prefix_of_a_key_follows_its_mode_where_none_is_written() -> None:
    live, test = project().spec.keys
    assert (project_keys.prefix(live), project_keys.prefix(test)) == ("pk_live_", "pk_test_")


def test_the_secret_of_a_made_key_belongs_to_its_project() -> None:
    shop = project()
    missing = project_keys.missing_keys(shop, set())[0]
    body = project_keys.secret_body(shop, missing, key="pk_live_x", now=NOW)
    assert body["metadata"]["ownerReferences"][0]["uid"] == shop.metadata.uid
    assert body["metadata"]["labels"]["havuz.dev/project"] == "shop"
    assert body["stringData"] == {"key": "pk_live_x", "createdAt": "2026-11-21T12:30:00Z"}
