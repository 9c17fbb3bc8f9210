"""A body is read once and sent on byte for byte, but for the members that must change."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.protocols.body import Body, BodyError

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_objects = st.dictionaries(st.text(), _json, max_size=6)


def test_nothing_to_change_gives_the_very_same_bytes() -> None:
    raw = b'{ "model" : "a",\n "temperature": 1.0e0 }'
    assert Body.decode(raw).edited({}, ("absent",)) is raw


def test_replacing_the_model_leaves_every_other_byte_as_it_was() -> None:
    raw = '{\t"x": {"model":"inner"}, "model"  : "a" ,"näme":"ş\\u0131", "big":123456789012345678901234567890}'.encode()
    edited = Body.decode(raw).edited({"model": "upstream/ş"})
    assert edited == raw.replace(b'"a"', '"upstream/ş"'.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b'{"\\u006dodel":"a","x":{"model":"inner"}}',
        b'{"x":"model","model":"a"}',
        b'{"x":"\\"model\\":","model":"a"}',
        b'{"x":["model",{"model":"model"}],"model" : "a","model2":"model"}',
        b'{"model":{"model":"a"}}',
    ],
)
def test_only_the_member_itself_is_replaced(raw: bytes) -> None:
    before = json.loads(raw)
    assert json.loads(Body.decode(raw).edited({"model": "new"})) == before | {"model": "new"}


def test_an_absent_member_is_added_before_the_closing_brace() -> None:
    assert Body.decode(b'{"a":1 }\n').edited({"b": {"c": True}}) == b'{"a":1 ,"b":{"c":true}}\n'
    assert Body.decode(b"{}").edited({"b": 1}) == b'{"b":1}'


def test_a_removed_member_takes_its_comma_along() -> None:
    body = Body.decode(b'{"timeout":5,"model":"m","think":true}')
    assert body.edited({}, ("timeout", "think")) == b'{"model":"m"}'
    assert json.loads(body.edited({"model": "n", "new": 1}, ("timeout",))) == {"model": "n", "think": True, "new": 1}


@given(_objects, _objects, st.sets(st.text()))
def test_an_edit_means_what_it_says(fields: dict[str, object], change: dict[str, object], remove: set[str]) -> None:
    wanted = {name: value for name, value in fields.items() if name not in remove} | change
    for raw in (
        json.dumps(fields).encode(),
        json.dumps(fields, indent=1, ensure_ascii=False).encode("utf-8", "replace"),
    ):
        body = Body.decode(raw)
        if body.fields != fields:  # lone surrogates do not survive UTF-8
            continue
        assert json.loads(body.edited(change, remove)) == wanted


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused_with_a_sentence(raw: bytes) -> None:
    try:
        outcome: object = Body.decode(raw).fields
    except BodyError as error:
        outcome = str(error)
    assert isinstance(outcome, dict) or str(outcome).startswith("the body ")


@pytest.mark.parametrize(
    ("raw", "message", "param"),
    [
        (b"", "is not valid JSON", None),
        (b"hello", "is not valid JSON", None),
        (b"[1]", "must be a JSON object", None),
        (b'"text"', "must be a JSON object", None),
        (b'{"a":1}x', "is not valid JSON", None),
        (b'{"a":1', "is not valid JSON", None),
        (b'{"a" 1}', "is not valid JSON", None),
        (b'{"a":1,}', "is not valid JSON", None),
        (b'{,"a":1}', "is not valid JSON", None),
        (b'{"a":NaN}', "NaN", None),
        (b'{"a":[' + b"[]," * 500_001 + b"[]]}", "more than 500000 values", None),
        (b'{"a":"\xff"}', "not valid UTF-8 (byte 6)", None),
        (b'{"a":1,"a":2}', "'a' twice", "a"),
        (b'{"a":1,"\\u0061":2}', "'a' twice", "a"),
        (b'{"m":[{"role":1,"role":2}]}', "'role' twice", "role"),
        (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply", None),
    ],
)
def test_a_bad_body_is_refused_with_its_reason(raw: bytes, message: str, param: str | None) -> None:
    with pytest.raises(BodyError) as refused:
        Body.decode(raw)
    assert message in refused.value.message
    assert refused.value.param == param


def test_a_key_repeated_behind_very_many_others_is_found_at_once() -> None:
    names = [f'"k{number}":0' for number in range(100_000)]
    started = time.process_time()
    with pytest.raises(BodyError) as refused:
        Body.decode(f"{{{','.join([*names, names[-1]])}}}".encode())
    assert refused.value.param == "k99999"
    assert time.process_time() - started < 5, "the time must not grow with the square of the number of keys"


def test_a_very_long_key_is_not_repeated_as_a_whole() -> None:
    with pytest.raises(BodyError) as refused:
        Body.decode(b'{"%b":1,"%b":2}' % (b"k" * 5_000, b"k" * 5_000))
    assert len(refused.value.message) < 300
    assert len(refused.value.param or "") < 300
