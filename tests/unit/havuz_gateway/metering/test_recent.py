"""What was settled a moment ago: kept for some seconds, and no more of it than there is room for."""

from havuz_gateway.metering.closing import Closing
from havuz_gateway.metering.recent import Recent


def _closing(name: str) -> Closing:
    return Closing(
        uid="p", key_id="k", id=name, day="20270115", at=1.5, cost=1, reserved=True, fixed=("Prepaid", "", ""),
        tokens=7, dimensions="k|m|a/b", counts="0,1,2,3,4", event="{}",
    )  # fmt: skip


def test_what_is_older_than_a_failover_lasts_is_forgotten() -> None:
    now = 100.0
    recent = Recent(lambda: now, kept_seconds=10.0)
    for name in ("one", "two", "three"):
        recent.add(_closing(name))
        now += 4.0
    assert [closing.id for closing in recent.all()] == ["two", "three"]
    now += 20.0
    assert recent.all() == []


def test_the_oldest_make_room_for_the_newest() -> None:
    recent = Recent(lambda: 0.0, most=2)
    for name in ("one", "two", "three"):
        recent.add(_closing(name))
    assert [closing.id for closing in recent.all()] == ["two", "three"]


def test_a_settle_may_be_sent_anew_as_long_as_its_mark_surely_lives() -> None:
    closing = _closing("one")
    assert closing.is_marked(closing.at + 500)
    assert not closing.is_marked(closing.at + 700)
    assert not closing.is_marked(closing.at - 700)  # a clock that jumped back proves nothing
