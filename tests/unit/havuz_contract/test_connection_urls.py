"""What each form of a Redis URL says, and what is refused."""

from pathlib import Path

import pytest

from havuz_contract.connection import Place, read_url


def test_one_server_is_named_with_its_login_and_database() -> None:
    place = read_url("redis://me:p%40ss@redis.example:6380/3")
    assert (place.form, place.hosts, place.tls) == ("server", (("redis.example", 6380),), False)
    assert place.options == {"username": "me", "password": "p@ss", "db": 3}


def test_a_unix_socket_has_no_host() -> None:
    place = read_url("unix:///run/redis.sock")
    assert (place.hosts, place.options["path"]) == ((), "/run/redis.sock")


def test_sentinels_are_listed_with_the_service_that_they_watch() -> None:
    place = read_url("redis+sentinel://me:p%2Fw@one:26380,two,[::1]:5/main/2?sentinel_username=s&sentinel_password=t")
    assert place.hosts == (("one", 26380), ("two", 26379), ("::1", 5))
    assert (place.form, place.service, place.tls) == ("sentinel", "main", False)
    assert place.options == {"username": "me", "password": "p/w", "db": 2}
    assert place.sentinel_options == {"username": "s", "password": "t"}


def test_a_cluster_is_found_through_any_of_its_nodes() -> None:
    place = read_url("rediss+cluster://me:hush@one,two:7000/0")
    assert (place.form, place.hosts, place.tls) == ("cluster", (("one", 6379), ("two", 7000)), True)
    assert place.options == {"username": "me", "password": "hush"}


def test_tls_reaches_the_sentinels_as_well(tmp_path: Path) -> None:
    place = read_url("rediss+sentinel://one/main", ca_file=tmp_path / "ca.pem")
    assert place.tls
    assert place.options == place.sentinel_options == {"ssl_ca_certs": str(tmp_path / "ca.pem")}


def test_an_authority_in_the_url_goes_before_the_settings() -> None:
    place = read_url("rediss://one?ssl_ca_certs=/own.pem", ca_file=Path("/other.pem"))
    assert place.options["ssl_ca_certs"] == "/own.pem"


def test_a_place_does_not_show_its_password() -> None:
    assert "hush" not in repr(read_url("redis+sentinel://me:hush@one/main?sentinel_password=hush"))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://one", "is not a redis://"),
        ("redis+sentinel://one,two", "names no service"),
        ("redis+cluster://one,two/3", "has only one"),
        ("redis+sentinel://one:x/main", "has a host that can't be read"),
        ("redis+sentinel://one,,two/main", "has a host that can't be read"),
        ("redis://one?socket_timeout=soon", "can't be read"),
    ],
)
def test_what_can_not_be_read_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        _: Place = read_url(url)
