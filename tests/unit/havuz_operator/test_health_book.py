"""What a status says of a key: the worst that is in force, not too often, and never for longer than it lasts."""

import json

from havuz_operator.conditions import Transition
from havuz_operator.events import happening
from havuz_operator.health_book import USABLE, HealthBook, Verdict
from havuz_operator.health_report import decode


def _verdict(
    state: str, *, until: float, model: str | None = None, connection: str = "c", message: str = "", uid: str = "k",
    scope: str = "key", status: int | None = None,
) -> Verdict:  # fmt: skip
    return Verdict(
        uid=uid, connection=connection, state=state, model=model, until=until, message=message or f"{state} it is",
        scope=scope, reason="Reason", status=status,
    )  # fmt: skip


def test_the_worst_state_in_force_is_shown_and_ends_by_itself() -> None:
    book = HealthBook()
    book.hear(_verdict("CoolingDown", until=110, model="gpt"))
    book.hear(_verdict("Rejected", until=150))
    assert book.look("k", 100).state == "Rejected"
    assert book.look("k", 149).state == "Rejected"
    assert book.look("k", 150).state == "Usable"


def test_a_success_takes_back_what_was_said() -> None:
    book = HealthBook()
    book.hear(_verdict("Rejected", until=900, message="401 wrong key"))
    book.look("k", 100)
    book.hear(_verdict("Usable", until=0))
    assert (book.look("k", 110).state, book.look("k", 110).last_error) == ("Usable", "401 wrong key")


def test_an_object_is_written_at_most_every_few_seconds() -> None:
    book = HealthBook()
    book.hear(_verdict("CoolingDown", until=200, model="gpt"))
    assert book.look("k", 100).state == "CoolingDown"
    book.hear(_verdict("Usable", until=0, model="gpt"))
    assert book.look("k", 101).state == "CoolingDown"
    assert book.next_change(101) == 103
    assert book.look("k", 103).state == "Usable"


def test_it_is_known_when_a_state_ends() -> None:
    book = HealthBook()
    book.hear(_verdict("Exhausted", until=400))
    book.look("k", 100)
    assert book.next_change(100) == 400
    book.look("k", 400)
    assert book.next_change(401) is None


def test_a_new_credential_starts_anew() -> None:
    book = HealthBook()
    book.connect("k", ("url", "sk-old"), site="url")
    book.hear(_verdict("Rejected", until=900))
    book.look("k", 100)
    book.connect("k", ("url", "sk-old"), site="url")
    assert book.look("k", 104).state == "Rejected"
    book.connect("k", ("url", "sk-new"), site="url")
    assert book.look("k", 108).state == "Usable"


def test_a_verdict_on_another_credential_ends_those_before_it() -> None:
    book = HealthBook()
    book.hear(_verdict("Rejected", until=900, connection="old"))
    book.hear(_verdict("CoolingDown", until=120, model="gpt", connection="new"))
    assert book.look("k", 100).state == "CoolingDown"


def test_a_model_that_is_missing_is_no_state_of_the_key() -> None:
    book = HealthBook()
    book.hear(_verdict("ModelMissing", until=900, model="gpt", message="404 no such model"))
    shown = book.look("k", 100)
    assert (shown.state, shown.last_error) == ("Usable", "404 no such model")


def test_fields_are_what_the_status_takes() -> None:
    book = HealthBook()
    book.hear(_verdict("Exhausted", until=1_767_225_600, message="quota gone", status=429))
    assert book.look("k", 100).fields({}) == {
        "state": "Exhausted",
        "until": "2026-01-01T00:00:00Z",
        "reason": "Reason",
        "lastError": "quota gone",
        "lastStatus": 429,
    }


def test_what_was_said_last_stays_when_the_operator_is_started_again() -> None:
    before = {"state": "Rejected", "lastError": "401 wrong key", "lastStatus": 401}
    told = USABLE.fields(before)
    assert (told["state"], told["lastError"], told["lastStatus"]) == ("Usable", "401 wrong key", 401)


def test_a_flood_of_verdicts_with_words_of_their_own_changes_a_status_every_few_seconds_only() -> None:
    book = HealthBook()
    shown = set()
    for tick in range(100):
        now = 100 + tick / 10
        book.hear(_verdict("CoolingDown", until=now + 20, model="gpt", message=f"try again in {tick}ms"))
        shown.add(book.look("k", now))
    assert len(shown) == 4


def test_a_weaker_verdict_does_not_end_a_stronger_one() -> None:
    book = HealthBook()
    book.hear(_verdict("Rejected", until=700))
    book.hear(_verdict("Open", until=130))
    assert book.look("k", 100).state == "Rejected"
    assert book.look("k", 200).state == "Rejected"


def test_a_base_url_that_nobody_reaches_is_shown_on_each_key_that_calls_it() -> None:
    book = HealthBook()
    for uid, site in (("a", "here"), ("b", "here"), ("c", "elsewhere")):
        book.connect(uid, (site, uid), site=site)
    book.hear(_verdict("Unreachable", until=130, uid="a", scope="upstream"))
    assert [book.look(uid, 100).state for uid in "abc"] == ["Unreachable", "Unreachable", "Usable"]
    assert book.next_change(100) == 135


def test_a_breaker_that_is_half_open_is_shown_until_a_request_can_have_decided() -> None:
    book = HealthBook()
    book.hear(_verdict("Open", until=130))
    assert book.look("k", 131).state == "Open"
    book.hear(_verdict("Open", until=161))
    assert book.look("k", 140).state == "Open"
    assert book.look("k", 166).state == "Usable"


def test_a_pool_is_empty_when_no_key_of_any_target_can_be_asked() -> None:
    book = HealthBook()
    targets = [["a", "b"], ["c"]]
    book.hear(_verdict("Rejected", until=700, uid="a"))
    book.hear(_verdict("CoolingDown", until=200, model="gpt", uid="c"))
    condition, usable = book.look_at_pool("route", targets, 100)
    assert (condition.status, usable) == ("True", 2)
    assert condition.message == "At least one key can be asked (1 Rejected)."
    book.hear(_verdict("Exhausted", until=700, uid="b"))
    book.hear(_verdict("Exhausted", until=700, uid="c"))
    condition, usable = book.look_at_pool("route", targets, 103)
    assert (condition.reason, condition.message, usable) == (
        "PoolEmpty", "None of its keys can be asked: 1 Rejected, 2 Exhausted.", 0,
    )  # fmt: skip
    assert book.look_at_pool("other", [], 103)[0].reason == "NoKeys"


def test_a_person_is_told_of_an_empty_pool_and_of_its_end() -> None:
    book = HealthBook()
    full, _ = book.look_at_pool("route", [["a"]], 90)
    book.hear(_verdict("Rejected", until=700, uid="a"))
    empty, _ = book.look_at_pool("route", [["a"]], 100)
    told = happening(Transition({"status": "True", "reason": full.reason}, empty))
    assert told is not None
    assert (told.type, told.reason) == ("Warning", "PoolEmpty")
    over = happening(Transition({"status": "False", "reason": empty.reason}, full))
    assert over is not None
    assert (over.type, over.reason) == ("Normal", "PoolUsable")


def test_an_entry_that_is_not_readable_is_left_out() -> None:
    assert decode({b"verdict": b"{"}) is None
    assert decode({b"other": b"{}"}) is None
    told = {
        "upstream": "k",
        "connection": "c",
        "scope": "key-model",
        "model": "gpt",
        "state": "CoolingDown",
        "until": 5,
        "reason": "RateLimited",
        "status": 429,
    }
    verdict = decode({b"verdict": json.dumps(told).encode()})
    assert verdict == Verdict(
        uid="k", connection="c", state="CoolingDown", model="gpt", until=5.0, message="", scope="key-model",
        reason="RateLimited", status=429,
    )  # fmt: skip
