"""What a status says of a key: the worst that is in force, not too often, and never for longer than it lasts."""

import json

from havuz_operator.health_report import USABLE, HealthBook, Verdict, decode, fields


def _verdict(
    state: str, *, until: float, model: str | None = None, connection: str = "c", message: str = ""
) -> Verdict:
    return Verdict(
        uid="k", connection=connection, state=state, model=model, until=until, message=message or f"{state} it is"
    )


def test_the_worst_state_in_force_is_shown_and_ends_by_itself() -> None:
    book = HealthBook()
    book.hear(_verdict("CoolingDown", until=110, model="gpt"))
    book.hear(_verdict("Rejected", until=150))
    assert book.look("k", 100)[0].state == "Rejected"
    assert book.look("k", 149)[0].state == "Rejected"
    assert book.look("k", 150)[0] == USABLE


def test_a_success_takes_back_what_was_said() -> None:
    book = HealthBook()
    book.hear(_verdict("Rejected", until=900, message="401 wrong key"))
    book.look("k", 100)
    book.hear(_verdict("Usable", until=0))
    assert book.look("k", 110) == (USABLE, "401 wrong key")


def test_an_object_is_written_at_most_every_few_seconds() -> None:
    book = HealthBook()
    book.hear(_verdict("CoolingDown", until=200, model="gpt"))
    assert book.look("k", 100)[0].state == "CoolingDown"
    book.hear(_verdict("Usable", until=0, model="gpt"))
    assert book.look("k", 101)[0].state == "CoolingDown"
    assert book.next_change(101) == 103
    assert book.look("k", 103)[0].state == "Usable"


def test_it_is_known_when_a_state_ends() -> None:
    book = HealthBook()
    book.hear(_verdict("Exhausted", until=400))
    book.look("k", 100)
    assert book.next_change(100) == 400
    book.look("k", 400)
    assert book.next_change(401) is None


def test_a_new_credential_starts_anew() -> None:
    book = HealthBook()
    book.connect("k", ("url", "sk-old"))
    book.hear(_verdict("Rejected", until=900))
    book.look("k", 100)
    book.connect("k", ("url", "sk-old"))
    assert book.look("k", 104)[0].state == "Rejected"
    book.connect("k", ("url", "sk-new"))
    assert book.look("k", 108)[0].state == "Usable"


def test_a_verdict_on_another_credential_ends_those_before_it() -> None:
    book = HealthBook()
    book.hear(_verdict("Rejected", until=900, connection="old"))
    book.hear(_verdict("CoolingDown", until=120, model="gpt", connection="new"))
    assert book.look("k", 100)[0].state == "CoolingDown"


def test_a_model_that_is_missing_is_no_state_of_the_key() -> None:
    book = HealthBook()
    book.hear(_verdict("ModelMissing", until=900, model="gpt", message="404 no such model"))
    assert book.look("k", 100) == (USABLE, "404 no such model")


def test_fields_are_what_the_status_takes() -> None:
    book = HealthBook()
    book.hear(_verdict("Exhausted", until=1_767_225_600, message="quota gone"))
    assert fields(*book.look("k", 100)) == {
        "state": "Exhausted",
        "until": "2026-01-01T00:00:00Z",
        "lastError": "quota gone",
    }


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
    }
    verdict = decode({b"verdict": json.dumps(told).encode()})
    assert verdict == Verdict(uid="k", connection="c", state="CoolingDown", model="gpt", until=5.0, message="")
