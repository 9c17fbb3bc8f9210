"""When those who wait for a key's answers are said to wait in vain."""

from havuz_gateway.pool.waiting import SEVERAL, Waiting


def test_several_that_wait_for_long_wait_in_vain() -> None:
    waiting = Waiting()
    for number in range(SEVERAL):
        waiting.begin(float(number))
    last = SEVERAL - 1.0
    assert not waiting.silent(last + 4.9, 5.0)
    assert waiting.silent(last + 5.0, 5.0)


def test_one_or_two_may_have_asked_for_much() -> None:
    waiting = Waiting()
    for _ in range(SEVERAL - 1):
        waiting.begin(0.0)
    assert not waiting.silent(1_000.0, 5.0)


def test_whoever_is_answered_speaks_for_the_key() -> None:
    waiting = Waiting()
    *_, last = [waiting.begin(0.0) for _ in range(SEVERAL + 1)]
    waiting.answered(last, 6.0)
    assert not waiting.silent(100.0, 5.0)
    for _ in range(SEVERAL):
        waiting.begin(7.0)
    assert not waiting.silent(100.0, 5.0)  # the older ones may have asked for much, as the answer shows


def test_who_began_after_the_last_answer_waits_in_vain_on_its_own() -> None:
    waiting = Waiting()
    waiting.answered(waiting.begin(0.0), 1.0)
    for _ in range(SEVERAL):
        waiting.begin(2.0)
    assert waiting.silent(7.0, 5.0)


def test_who_has_gone_does_not_wait() -> None:
    waiting = Waiting()
    numbers = [waiting.begin(0.0) for _ in range(SEVERAL)]
    waiting.end(numbers[0])
    waiting.end(numbers[0])
    assert len(waiting) == SEVERAL - 1
    assert not waiting.silent(100.0, 5.0)
