"""Fetching what a client's URL leads to, and nothing inside."""

import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Sequence

import pytest
import trustme
from aiohttp import web

from harness.strange_server import PNG, StrangeServer, endless, fixed, leading_to, picture
from havuz_gateway.transport.addresses import read_networks
from havuz_gateway.transport.guarded_fetch import (
    Fetched,
    FetchFailed,
    FetchLimits,
    FetchRefused,
    GuardedFetcher,
)
from havuz_gateway.transport.host_lookup import SystemResolver

OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"  # which of them counts as public here is said by `allow`
BOMB = gzip.compress(PNG + b"\0" * 5_000_000)
LIMITS = FetchLimits(max_bytes=100_000, seconds=5.0)


class Names:
    """A resolver whose answers change from one question to the next, as those of a rebinding name do."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {host.replace("_", "."): list(turns) for host, turns in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self._answers:
            return await SystemResolver()(host, port)
        turns = self._answers[host]
        if not turns:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return turns.pop(0) if len(turns) > 1 else turns[0]


@pytest.fixture
async def outside() -> AsyncIterator[StrangeServer]:
    async with StrangeServer(OUTSIDE) as server:
        server.answers["/a.png"] = picture()
        yield server


@pytest.fixture
async def inside(outside: StrangeServer) -> AsyncIterator[StrangeServer]:
    """A server that nobody may reach, on the same port."""
    async with StrangeServer(INSIDE, port=outside.port) as server:
        server.answers["/a.png"] = picture()
        yield server
        assert server.heard == []


def fetcher(names: Names | None = None, **settings: ssl.SSLContext) -> GuardedFetcher:
    return GuardedFetcher(allow=read_networks(f"{OUTSIDE}/32"), resolve=names or Names(), **settings)


async def test_a_picture_is_fetched(outside: StrangeServer) -> None:
    assert await fetcher().fetch(outside.url("/a.png"), limits=LIMITS) == Fetched(PNG, "image/png")
    assert outside.heard[0].headers["host"] == f"{OUTSIDE}:{outside.port}"
    assert outside.heard[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "0.0.0.0", "localhost",
     "LOCALHOST", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
     "①②⑦.0.0.1", "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "metadata.inside"],
)  # fmt: skip
async def test_an_address_inside_is_refused_however_it_is_written(inside: StrangeServer, host: str) -> None:
    names = Names(metadata_inside=[["169.254.169.254"]])
    with pytest.raises(FetchRefused, match=r"is not at a public address|can't be read"):
        await fetcher(names).fetch(f"http://{host}:{inside.port}/a.png", limits=LIMITS)


def test_a_number_inside_is_told_before_anything_is_called() -> None:
    for host in ("127.1", "2130706433", "0x7f.1", "0", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254"):
        with pytest.raises(FetchRefused, match="is not at a public address"):
            fetcher().check(f"http://{host}/")
    for host in (OUTSIDE, "8.8.8.8", "134744072", "example.com", "[2606:4700:4700::1111]"):
        fetcher().check(f"http://{host}/")


async def test_a_name_that_leads_elsewhere_the_second_time_is_asked_only_once(
    inside: StrangeServer, outside: StrangeServer
) -> None:
    names = Names(rebinding_test=[[OUTSIDE], [INSIDE]])
    got = await fetcher(names).fetch(outside.url("/a.png", host="rebinding.test"), limits=LIMITS)
    assert got.body == PNG
    assert names.asked == ["rebinding.test"]
    assert outside.heard[0].headers["host"] == f"rebinding.test:{outside.port}"


async def test_a_name_with_one_address_inside_is_refused_whole(inside: StrangeServer, outside: StrangeServer) -> None:
    names = Names(both_test=[[OUTSIDE, INSIDE]])
    with pytest.raises(FetchRefused, match=r"'both\.test' of the URL is not at a public address") as told:
        await fetcher(names).fetch(outside.url("/a.png", host="both.test"), limits=LIMITS)
    assert INSIDE not in str(told.value)
    assert outside.heard == []


async def test_a_redirect_is_checked_like_the_first_url(inside: StrangeServer, outside: StrangeServer) -> None:
    names = Names(rebinding_test=[[OUTSIDE], [INSIDE]])
    outside.answers["/inside"] = leading_to(inside.url("/a.png"))
    outside.answers["/again"] = leading_to("/a.png")
    outside.answers["/file"] = leading_to("file:///etc/passwd")
    outside.answers["/login"] = leading_to(f"http://user:password@{OUTSIDE}/")
    for path, host in (("/inside", None), ("/file", None), ("/login", None), ("/again", "rebinding.test")):
        with pytest.raises(FetchRefused):
            await fetcher(names).fetch(outside.url(path, host=host), limits=LIMITS)


async def test_three_redirects_are_followed_and_no_more(outside: StrangeServer) -> None:
    for number, status in enumerate((301, 302, 307, 308)):
        outside.answers[f"/{number}"] = leading_to(f"/{number + 1}" if number < 3 else "/a.png", status=status)
    assert (await fetcher().fetch(outside.url("/1"), limits=LIMITS)).body == PNG
    with pytest.raises(FetchRefused, match="redirects more than 3 times"):
        await fetcher().fetch(outside.url("/0"), limits=LIMITS)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "not absolute"),
        ("/a.png", "not absolute"),
        ("ftp://example.com/a.png", "not absolute"),
        ("file:///etc/passwd", "not absolute"),
        ("gopher://example.com:6379/_INFO", "not absolute"),
        ("http://", "can't be read|not absolute"),
        ("http://user@example.com/", "user or a password"),
        ("http://:password@example.com/", "user or a password"),
        ("http://example.com:22/", "port 22"),
        ("http://example.com:0/", "port 0"),
        ("http://example.com:99999/", "can't be read"),
        ("http://[::1/", "can't be read"),
        ("http://example.com/" + "a" * 9000, "characters"),
    ],
)
async def test_a_url_of_another_form_is_refused(url: str, told: str) -> None:
    with pytest.raises(FetchRefused, match=told):
        await fetcher().fetch(url, limits=LIMITS)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (fixed(b"<html>", content_type="text/html"), "the type 'text/html'"),
        (fixed(b"<svg/>", content_type="image/svg+xml"), "not one of"),
        (fixed(b"<script>" * 10, content_type="image/png"), "not one of"),
        (fixed(b"", content_type="image/png"), "not one of"),
        (fixed(b"RIFF\0\0\0\0WAVE", content_type="image/png"), "not one of"),
        (picture(PNG + b"\0" * 100_000), "larger than 100000 bytes"),
        (endless(b"\0" * 10_000), "larger than 100000 bytes"),
        (fixed(BOMB, content_type="image/png", content_encoding="gzip"), "compressed"),
    ],
    ids=["html", "svg", "script", "empty", "sound", "large", "endless", "bomb"],
)  # fmt: skip
async def test_what_is_no_small_picture_is_refused(outside: StrangeServer, answer: object, told: str) -> None:
    outside.answers["/x"] = answer  # type: ignore[assignment]
    with pytest.raises(FetchRefused, match=told):
        await fetcher().fetch(outside.url("/x"), limits=LIMITS)


async def test_the_bytes_decide_where_a_store_does_not_know_the_type(outside: StrangeServer) -> None:
    outside.answers["/x"] = fixed(PNG, content_type="binary/octet-stream")
    assert (await fetcher().fetch(outside.url("/x"), limits=LIMITS)).content_type == "image/png"


async def test_a_body_that_drips_is_left_when_the_time_is_over(outside: StrangeServer) -> None:
    outside.answers["/slow"] = endless(b"\0", seconds=0.02)
    with pytest.raises(FetchFailed, match=r"within 0\.3 seconds"):
        await fetcher().fetch(outside.url("/slow"), limits=FetchLimits(seconds=0.3))


async def test_what_does_not_succeed_this_time_is_told_apart(outside: StrangeServer) -> None:
    with pytest.raises(FetchFailed, match="status 404") as told:
        await fetcher().fetch(outside.url("/missing"), limits=LIMITS)
    assert told.value.status == 404
    with pytest.raises(FetchFailed, match=r"'nowhere\.invalid' of the URL was not found"):
        await fetcher(Names(nowhere_invalid=[])).fetch("http://nowhere.invalid/", limits=LIMITS)
    with pytest.raises(FetchFailed, match="can't be reached"):
        await fetcher().fetch(f"http://{OUTSIDE}:{outside.port + 1}/", limits=LIMITS)


async def test_tls_is_checked_for_the_name_and_not_for_the_address(outside: StrangeServer) -> None:
    authority, port = trustme.CA(), outside.port + 1
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pictures.test").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    names = Names(pictures_test=[[OUTSIDE]], other_test=[[OUTSIDE]])

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=PNG, headers={"content-type": "image/png"})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    try:
        await web.TCPSite(runner, OUTSIDE, port, ssl_context=server).start()
        got = await fetcher(names, tls=trusting).fetch(f"https://pictures.test:{port}/", limits=LIMITS)
        assert got.body == PNG
        for host, context in (("other.test", trusting), ("pictures.test", ssl.create_default_context())):
            with pytest.raises(FetchFailed, match="certificate"):
                await fetcher(names, tls=context).fetch(f"https://{host}:{port}/", limits=LIMITS)
    finally:
        await runner.cleanup()


async def test_a_post_says_what_answered_and_follows_nothing(inside: StrangeServer, outside: StrangeServer) -> None:
    outside.answers["/hook"] = fixed(b"ok", status=202)
    outside.answers["/moved"] = leading_to(inside.url("/a.png"), status=307)
    outside.answers["/busy"] = fixed(status=503, retry_after="7")
    call = fetcher().post
    assert (await call(outside.url("/hook"), b"{}", {"content-type": "application/json"})).status == 202
    assert (outside.heard[0].method, outside.heard[0].body) == ("POST", b"{}")
    assert (await call(outside.url("/moved"), b"{}", {})).status == 307
    busy = await call(outside.url("/busy"), b"{}", {})
    assert (busy.status, busy.retry_after) == (503, "7")
    with pytest.raises(FetchRefused):
        await call(inside.url("/hook"), b"{}", {})


async def test_a_post_is_answered_also_where_the_answer_has_no_end(outside: StrangeServer) -> None:
    outside.answers["/endless"] = endless(b"\0" * 10_000)
    assert (await fetcher().post(outside.url("/endless"), b"{}", {})).status == 200
