"""Names of kept files and the links to them."""

from urllib.parse import parse_qs, urlsplit

import pytest

from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.errors import Gone, PermissionDenied
from havuz_gateway.files.links import Links
from havuz_gateway.files.names import RANDOM_BYTES, FileName

NOW = 1_795_284_000.0  # 2026-11-21 18:00 UTC
NAME = FileName.make("image/png", now=NOW, days=7, random=bytes(range(RANDOM_BYTES)))
OLD, NEW = Keyring.generate("old"), Keyring.generate("new/2+")


def query_of(link: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in parse_qs(urlsplit(link).query).items()}


def links(keys: str) -> Links:
    return Links(Keyring.parse(keys), seconds=3600)


def test_a_name_says_how_long_the_file_is_kept_and_what_it_is() -> None:
    assert str(NAME) == "20261128-000102030405060708090a0b0c0d0e0f10111213.png"
    assert NAME.path == "20261128/000102030405060708090a0b0c0d0e0f10111213.png"
    assert NAME.content_type == "image/png"
    assert FileName.read(str(NAME)) == NAME


@pytest.mark.parametrize(
    "text",
    ["", "x", "../../etc/passwd", f"{NAME}/..", f"{NAME}\n", str(NAME).upper(), str(NAME).replace("png", "svg"),
     str(NAME).replace("png", "html"), str(NAME)[1:], str(NAME).replace("-", "/")],
)  # fmt: skip
def test_what_is_no_name_is_not_taken_for_one(text: str) -> None:
    assert FileName.read(text) is None


def test_a_file_of_a_type_that_is_not_kept_gets_no_name() -> None:
    with pytest.raises(ValueError, match=r"'image/svg\+xml' are not kept"):
        FileName.make("image/svg+xml", now=NOW, days=7, random=bytes(RANDOM_BYTES))


def test_a_link_works_until_it_expires() -> None:
    link = links(OLD).make(NAME, base_url="https://api.example.com/", now=NOW)
    assert link.startswith(f"https://api.example.com/files/{NAME}?expires=1795287600&signature=")
    assert links(OLD).check(NAME, query_of(link), now=NOW) == 3600
    with pytest.raises(Gone, match="has expired"):
        links(OLD).check(NAME, query_of(link), now=NOW + 3600)


def test_a_link_outlives_a_rotation_of_the_key_but_not_its_removal() -> None:
    query = query_of(links(OLD).make(NAME, base_url="", now=NOW))
    assert links(f"{NEW} {OLD}").check(NAME, query, now=NOW) == 3600
    with pytest.raises(PermissionDenied):
        links(NEW).check(NAME, query, now=NOW)
    newer = links(f"{NEW} {OLD}").make(NAME, base_url="", now=NOW)
    assert links(NEW).check(NAME, query_of(newer), now=NOW) == 3600


def test_a_link_that_was_changed_does_not_work() -> None:
    query = query_of(links(OLD).make(NAME, base_url="", now=NOW))
    signature, expires = query["signature"][0], query["expires"][0]
    other = FileName(NAME.day, "f" * 40, NAME.extension)
    with pytest.raises(PermissionDenied):
        links(OLD).check(other, query, now=NOW)
    for changed in (
        {},
        {"expires": (expires,)},
        {"signature": (signature,)},
        {"signature": (signature,), "expires": (str(int(expires) + 1),)},
        {"signature": (signature,), "expires": ("9" * 400,)},
        {"signature": (signature,), "expires": ("-1",)},
        {"signature": (signature,), "expires": ("²",)},
        {"signature": (signature[:-1],), "expires": (expires,)},
        {"signature": ("old.",), "expires": (expires,)},
        {"signature": ("ö.ö",), "expires": (expires,)},
        {"signature": (signature.replace("old", "new"),), "expires": (expires,)},
    ):
        with pytest.raises(PermissionDenied):
            links(OLD).check(NAME, changed, now=NOW)


def test_the_keys_that_sign_are_not_those_that_seal() -> None:
    keyring = Keyring.parse(f"{NEW},{OLD}")
    signing, other = keyring.derived("one purpose"), keyring.derived("another")
    assert list(signing) == ["new/2+", "old"]
    assert signing == keyring.derived("one purpose")
    assert not {key.hex() for key in signing.values()} & {key.hex() for key in other.values()}
