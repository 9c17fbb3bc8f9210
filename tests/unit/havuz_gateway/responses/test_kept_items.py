"""Items of conversations: listed, written out, told to strangers."""

import pytest

from havuz_gateway.responses.items import for_strangers, input_items, listed, reference_of, written_out
from havuz_gateway.responses.record import Record, RecordTooLarge, RecordUnreadable, pack, unpack

SAID = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
CALL = {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
SEALED = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}


def record(*, given: object = "Hello", output: tuple[object, ...] = (SAID,)) -> Record:
    response = {"id": "resp_1", "output": list(output)}
    return Record("resp_1", response, input_items(given), chain=("resp_0",), home=("uid", "model"))


def test_a_record_is_read_as_it_was_written() -> None:
    one = record(given=[{"role": "user", "content": "ş\ud800"}])
    again = unpack(pack(one, limit=10_000), limit=10_000)
    assert (again.id, again.response, again.chain, again.home) == (one.id, one.response, one.chain, one.home)
    assert again.input == one.input
    assert again.size > 0


def test_what_is_too_large_is_neither_written_nor_unfolded() -> None:
    long = record(given="a" * 100_000)
    with pytest.raises(RecordTooLarge):
        pack(long, limit=10_000)
    with pytest.raises(RecordUnreadable):
        unpack(pack(long, limit=1_000_000), limit=10_000)


@pytest.mark.parametrize("data", [b"", b"x", pack(record(), limit=10_000)[:-9]])
def test_what_is_damaged_is_called_so(data: bytes) -> None:
    with pytest.raises(RecordUnreadable):
        unpack(data, limit=10_000)


def test_a_text_is_listed_as_the_message_that_it_is() -> None:
    [item] = listed(record())
    assert item == {
        "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}],
        "status": "completed", "id": "msg_1_0",
    }  # fmt: skip


def test_items_are_listed_under_ids_of_their_own() -> None:
    given = [
        {"role": "assistant", "content": "Hi"},
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": "x"},
    ]
    items = listed(record(given=given))
    assert items[0]["content"] == [{"type": "output_text", "text": "Hi", "annotations": []}]
    assert [item["id"] for item in items] == ["msg_1_0", "fc_1", "item_1_2"]


def test_a_conversation_is_written_out_without_ids_that_only_its_provider_knows() -> None:
    question, answer, call, thought = written_out([record(output=(SAID, CALL, SEALED))])
    assert question["content"] == [{"type": "input_text", "text": "Hello"}]
    assert answer == {name: value for name, value in SAID.items() if name != "id"}
    assert call == {name: value for name, value in CALL.items() if name != "id"}
    assert thought == SEALED


@pytest.mark.parametrize(
    ("thought", "told"),
    [
        (SEALED, True),
        ({**SEALED, "encrypted_content": None}, False),
        ({**SEALED, "encrypted_content": "havuz:anthropic::thinking:EqQB"}, False),
        ({"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}, False),
    ],
    ids=["sealed", "null", "another provider's", "summary alone"],
)
def test_strangers_are_told_reasoning_that_they_can_open(thought: dict[str, object], told: bool) -> None:
    items, lost = for_strangers([SAID, thought])
    assert items == ([SAID, thought] if told else [SAID])
    assert lost == (() if told else ("reasoning",))


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"type": "item_reference", "id": "msg_1"}, "msg_1"),
        ({"id": "msg_1"}, "msg_1"),
        ({"type": None, "id": "msg_1"}, "msg_1"),
        ({"role": "user", "content": "x", "id": "msg_1"}, None),
        (SAID, None),
        ("x", None),
    ],
)
def test_a_reference_is_told_from_an_item(item: object, name: str | None) -> None:
    assert reference_of(item) == name
