"""Reading an embeddings request: what passes, what is refused, and which field the refusal names."""

from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.openai_chat.embeddings import read_embeddings

ACCEPTED: list[Any] = ["Merhaba dünya", ["one", "two"], [1, 2, 3], [[1, 2], [3]]]


@pytest.mark.parametrize("value", ACCEPTED, ids=repr)
def test_every_form_of_input_is_read(value: Any) -> None:
    fields = {"model": "m", "input": value, "dimensions": 256, "encoding_format": "base64", "timeout": 5}
    read = read_embeddings(fields)
    assert (read.model, read.timeout) == ("m", 5)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"input": "x"}, "model"),
    ({"model": "m"}, "input"),
    ({"model": "m", "input": None}, "input"),
    ({"model": "m", "input": ""}, "input"),
    ({"model": "m", "input": []}, "input"),
    ({"model": "m", "input": {"text": "x"}}, "input"),
    ({"model": "m", "input": 5}, "input"),
    ({"model": "m", "input": ["x", ""]}, "input[1]"),
    ({"model": "m", "input": ["x", 1]}, "input[1]"),
    ({"model": "m", "input": [1, "x"]}, "input[1]"),
    ({"model": "m", "input": [1, True]}, "input[1]"),
    ({"model": "m", "input": [1, -1]}, "input[1]"),
    ({"model": "m", "input": [[1], []]}, "input[1]"),
    ({"model": "m", "input": [[1], ["x"]]}, "input[1][0]"),
    ({"model": "m", "input": ["x"] * 2049}, "input"),
    ({"model": "m", "input": "x", "dimensions": 0}, "dimensions"),
    ({"model": "m", "input": "x", "dimensions": "8"}, "dimensions"),
    ({"model": "m", "input": "x", "encoding_format": "int8"}, "encoding_format"),
    ({"model": "m", "input": "x", "user": 1}, "user"),
    ({"model": "m", "input": "x", "timeout": 0}, "timeout"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED, ids=[case[1] for case in REFUSED])
def test_a_wrong_field_of_an_embeddings_request_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_embeddings(fields)
    assert refused.value.param == param
