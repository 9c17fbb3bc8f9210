"""What the mini surface fills in."""

import json
from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.surfaces.mini import read

MESSAGES = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


def call(**fields: Any) -> Call:
    body = json.dumps({"model": "gpt-4o-mini", "messages": MESSAGES, **fields}).encode()
    return read(
        Request(id="req_1", method="POST", path="/api/chat-completions/", host="", headers={}, query={}, body=body)
    )


def sent(made: Call) -> dict[str, Any]:
    fields = json.loads(made.body.raw)
    assert fields == made.parameters
    assert isinstance(fields, dict)
    return fields


@pytest.mark.parametrize("given", [{}, {"temperature": None, "max_completion_tokens": None, "stream": None}])
def test_absent_and_null_get_the_defaults(given: dict[str, Any]) -> None:
    made = call(**given)
    fields = sent(made)
    assert (fields["temperature"], fields["max_completion_tokens"], fields["stream"]) == (1, 1000, True)
    assert (made.stream, made.include_usage) == (True, True)


def test_what_is_given_stays() -> None:
    fields = sent(call(temperature=0.2, max_completion_tokens=5, top_k=3))
    assert (fields["temperature"], fields["max_completion_tokens"], fields["top_k"]) == (0.2, 5, 3)


def test_the_older_name_of_the_bound_is_not_contradicted() -> None:
    assert "max_completion_tokens" not in sent(call(max_tokens=7))


def test_a_stream_always_ends_with_usage() -> None:
    assert call(stream=True, stream_options={"include_usage": False}).include_usage


def test_json_can_be_asked_for() -> None:
    made = call(stream=False)
    assert (made.stream, made.include_usage) == (False, False)
    assert "stream_options" not in sent(made)


def test_a_wrong_field_is_named_as_it_was_sent() -> None:
    with pytest.raises(InvalidRequest) as refused:
        call(temperature="warm")
    assert refused.value.param == "temperature"


def test_half_a_surrogate_pair_survives_the_defaults() -> None:
    assert sent(call(stream_options={"note": "\ud800"}))["stream_options"]["note"] == "\ud800"
