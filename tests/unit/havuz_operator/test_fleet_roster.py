"""Who is alive, by what was heard and when, without trust in anybody's clock."""

from havuz_operator.fleet import Roster

WALL = 1_700_000_000.0


def test_a_gateway_lives_as_long_as_it_says_something_new() -> None:
    roster = Roster()
    roster.hear({"a": (3, WALL), "b": (3, WALL)}, now=100, wall=WALL)
    roster.hear({"a": (4, WALL + 9), "b": (3, WALL)}, now=109, wall=WALL + 9)
    assert roster.revisions(109) == {"a": 4, "b": 3}
    assert roster.revisions(111) == {"a": 4}


def test_a_gateway_whose_clock_is_wrong_is_alive_all_the_same() -> None:
    roster = Roster()
    roster.hear({"a": (1, WALL + 5_000)}, now=100, wall=WALL)
    roster.hear({"a": (1, WALL + 5_002)}, now=102, wall=WALL + 2)
    assert roster.revisions(111) == {"a": 1}


def test_a_report_from_long_ago_does_not_bring_the_dead_back() -> None:
    roster = Roster()
    roster.hear({"old": (9, WALL - 3_600)}, now=5, wall=WALL)
    assert roster.revisions(5) == {}
    assert roster.gone(5) == ["old"]


def test_nobody_dies_while_nobody_could_be_heard() -> None:
    roster = Roster()
    roster.hear({"a": (1, WALL)}, now=0, wall=WALL)
    roster.excuse(8)
    roster.hear({"a": (1, WALL)}, now=8, wall=WALL + 8)
    assert roster.revisions(17) == {"a": 1}
    assert roster.revisions(18) == {}


def test_a_silent_gateway_is_forgotten_in_the_end() -> None:
    roster = Roster()
    roster.hear({"a": (1, WALL)}, now=0, wall=WALL)
    assert roster.gone(59) == []
    assert roster.gone(60) == ["a"]
