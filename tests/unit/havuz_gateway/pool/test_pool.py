"""The pool follows the configuration and makes tiers of it."""

from dataclasses import dataclass

import pytest

from harness.builders import make_target, make_upstream
from havuz_contract.snapshot.models import Limits, Target, Upstream
from havuz_gateway.pool import classify
from havuz_gateway.pool.pool import Pool, Tiers
from havuz_gateway.pool.ramp import FIRST_SHARE
from havuz_gateway.pool.types import Member, Ruling
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.providers.registry import provider_for
from havuz_gateway.transport.base import TransportFailure
from havuz_gateway.transport.client import HttpTransport

URL = "http://127.0.0.1:1/v1"
REFUSED = TransportFailure("connect", "refused")


@dataclass
class Scene:
    pool: Pool

    def sync(self, *upstreams: Upstream) -> None:
        self.pool.sync({upstream.uid: upstream for upstream in upstreams})


@pytest.fixture
async def scene() -> Scene:
    transport = HttpTransport()  # opens no session before its first request
    return Scene(Pool(lambda _, __: transport, provider_for))


def shape(tiers: Tiers) -> list[dict[str, float]]:
    return [{c.member.upstream.name: round(c.weight, 6) for c in tier} for tier in tiers]


async def test_health_and_load_survive_a_change_of_weight(scene: Scene) -> None:
    upstream = make_upstream(URL)
    scene.sync(upstream)
    member = scene.pool.members[upstream.uid]
    member.outstanding = 3
    scene.pool.judge(member, classify.classify_response(401, {}, ProviderError("no"), 0), "m", now=0)
    scene.sync(upstream.model_copy(update={"weight": 7, "models": ("x*",)}))
    assert scene.pool.members[upstream.uid] is member
    assert member.upstream.weight == 7
    assert member.outstanding == 3
    assert member.health.blocked("m", 1) is not None


async def test_whether_a_member_is_limited_follows_the_configuration(scene: Scene) -> None:
    upstream = make_upstream(URL)
    scene.sync(upstream)
    member = scene.pool.members[upstream.uid]
    assert not member.limited
    scene.sync(upstream.model_copy(update={"limits": Limits(concurrency=2)}))
    assert member.limited
    scene.sync(upstream)
    assert not member.limited


@pytest.mark.parametrize("change", [{"credential": "sk-new"}, {"base_url": URL + "2"}, {"headers": {"x-org": "o"}}])
async def test_a_new_credential_or_address_starts_anew_and_the_old_one_cannot_speak_against_it(
    scene: Scene, change: dict[str, object]
) -> None:
    upstream = make_upstream(URL)
    scene.sync(upstream)
    old = scene.pool.members[upstream.uid]
    heard: list[Ruling] = []
    scene.pool.on_ruling.append(heard.append)
    scene.sync(upstream.model_copy(update=change))
    scene.pool.judge(old, classify.classify_response(401, {}, ProviderError("no"), 0), "m", now=0)
    new = scene.pool.members[upstream.uid]
    assert new is not old
    assert new.health.blocked("m", 1) is None
    assert heard == []


async def test_tiers_follow_the_priorities_of_target_and_key(scene: Scene) -> None:
    first, second, third = (
        make_upstream(URL, name="first", priority=1),
        make_upstream(URL, name="second"),
        make_upstream(URL, name="third"),
    )
    scene.sync(first, second, third)
    targets = (make_target(first, second, priority=0), make_target(third, priority=1))
    names = [set(tier) for tier in shape(scene.pool.tiers(targets))]
    assert names == [{"default/second"}, {"default/first"}, {"default/third"}]


async def test_a_targets_share_does_not_depend_on_how_many_keys_it_has(scene: Scene) -> None:
    a, b, c = make_upstream(URL, name="a"), make_upstream(URL, name="b", weight=3), make_upstream(URL, name="c")
    scene.sync(a, b, c)
    tiers = scene.pool.tiers((make_target(a, b, weight=80), make_target(c, weight=20)))
    assert shape(tiers) == [{"default/a": 20, "default/b": 60, "default/c": 20}]


async def test_keys_that_take_no_traffic_or_do_not_serve_the_model_stay_out(scene: Scene) -> None:
    keys = [
        make_upstream(URL, name="idle", weight=0),
        make_upstream(URL, name="other", models=("claude-*", "gpt-4")),
        make_upstream(URL, name="wide", models=("llama", "gpt-*-mini")),
        make_upstream(URL, name="dots", models=("gpt.4o.mini",)),
    ]
    scene.sync(*keys)
    target = make_target(*keys, model="gpt-4o-mini")
    assert shape(scene.pool.tiers((target,))) == [{"default/wide": 100}]
    assert scene.pool.tiers((target.model_copy(update={"weight": 0}),)) == ()
    assert scene.pool.tiers((Target(upstreams=("uid-unknown",), model="m"),)) == ()


async def test_tiers_are_made_once_per_configuration(scene: Scene) -> None:
    upstream = make_upstream(URL)
    scene.sync(upstream)
    targets = (make_target(upstream),)
    tiers = scene.pool.tiers(targets)
    assert scene.pool.tiers(targets) is tiers
    scene.sync(upstream.model_copy(update={"weight": 0}))
    assert scene.pool.tiers(targets) == ()


async def test_a_ruling_is_told_once_and_only_of_members_of_the_pool(scene: Scene) -> None:
    upstream = make_upstream(URL, breaker={"failures": 2})
    scene.sync(upstream)
    member = scene.pool.members[upstream.uid]
    heard: list[Ruling] = []
    scene.pool.on_ruling.append(heard.append)
    for now in (0, 1, 2):
        scene.pool.judge(member, classify.classify_transport(REFUSED), "m", now=now)
    assert [(ruling.member, ruling.scope, ruling.block.state) for ruling in heard] == [
        (member, "upstream", "Unreachable")
    ]
    lone = Member(upstream.model_copy(update={"uid": "alone"}), member.provider, member.transport)
    scene.pool.judge(lone, classify.classify_response(429, {}, ProviderError("no"), 0), "m", now=3)
    assert len(heard) == 1
    assert list(scene.pool.states(3)) == [(upstream.name, "Unreachable")]


async def test_joining_and_lifting_are_told(scene: Scene) -> None:
    joined: list[Member] = []
    lifted: list[Member] = []
    scene.pool.on_joined.append(joined.append)
    scene.pool.on_lifted.append(lifted.append)
    upstream = make_upstream(URL)
    scene.sync(upstream)
    scene.sync(upstream)
    member = scene.pool.members[upstream.uid]
    scene.pool.lift(member, now=0)
    scene.pool.judge(member, classify.classify_response(403, {}, ProviderError("no"), 0), "m", now=1)
    scene.pool.lift(member, now=2)
    assert joined == [member]
    assert lifted == [member]
    scene.sync()
    assert scene.pool.members == {}


async def test_keys_of_one_base_url_share_what_is_known_of_it_and_nothing_else(scene: Scene) -> None:
    one, other = make_upstream(URL, breaker={"failures": 2}), make_upstream(URL)
    elsewhere, vouched = make_upstream(URL + "2"), make_upstream(URL, ca_bundle="PEM")
    scene.sync(one, other, elsewhere, vouched)
    members = scene.pool.members
    scene.pool.judge(members[one.uid], classify.classify_transport(REFUSED), "m", now=0)
    assert members[other.uid].blocked("m", 0) is None
    scene.pool.judge(members[other.uid], classify.classify_transport(REFUSED), "m", now=1)
    scene.pool.judge(members[one.uid], classify.classify_transport(REFUSED), "m", now=1)
    blocks = {upstream.uid: members[upstream.uid].blocked("m", 2) for upstream in (one, other, elsewhere, vouched)}
    assert [block and block.state for block in blocks.values()] == ["Unreachable", "Unreachable", None, None]
    rotated = other.model_copy(update={"credential": "sk-new"})
    scene.sync(one, rotated)
    assert scene.pool.members[rotated.uid].blocked("m", 2) is not None, "a new credential is sent to the same place"


async def test_one_keys_faults_never_block_its_base_url(scene: Scene) -> None:
    bad, good = make_upstream(URL, breaker={"failures": 1}), make_upstream(URL)
    scene.sync(bad, good)
    member = scene.pool.members[bad.uid]
    for now, verdict in enumerate(
        [
            classify.classify_transport(TransportFailure("reset", "reset")),
            classify.classify_transport(TransportFailure("timeout", "slow")),
            classify.classify_response(401, {}, ProviderError("no"), 0),
            classify.classify_response(429, {}, ProviderError("no"), 0),
            classify.classify_response(429, {"content-type": "text/html"}, ProviderError("no"), 0),
            classify.classify_response(503, {"content-type": "text/html"}, ProviderError("no"), 0),
        ]
        * 2
    ):
        scene.pool.judge(member, verdict, "m", now=now)
    assert scene.pool.members[good.uid].blocked("m", 12) is None


async def test_an_edge_that_refuses_several_keys_rests_all_of_them(scene: Scene) -> None:
    keys = [make_upstream(URL) for _ in range(3)]
    scene.sync(*keys)
    members = [scene.pool.members[key.uid] for key in keys]
    page = {"content-type": "text/html; charset=UTF-8", "retry-after": "12"}
    refused = classify.classify_response(429, page, ProviderError("You are being rate limited"), 0)
    for member in members[:2]:
        scene.pool.judge(member, refused, "m", now=0)
    block = members[2].blocked("another", 1)
    assert block is not None
    assert (block.state, block.until, block.rate_limited) == ("CoolingDown", 12, True)
    assert members[2].blocked("another", 12) is None


async def test_a_key_that_joins_others_begins_with_a_small_share(scene: Scene) -> None:
    first, late = make_upstream(URL), make_upstream(URL)
    scene.pool.sync({first.uid: first}, now=0)
    scene.pool.sync({first.uid: first, late.uid: late}, now=5)
    shares = [scene.pool.members[one.uid].health.share("m", 5) for one in (first, late)]
    assert shares == [1.0, FIRST_SHARE]
    assert scene.pool.members[late.uid].health.share("m", 15) == 1.0
