"""Values for JSON schemas: what a tool or an answer with a schema gets."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.providers.mock.schema import sample

ITEM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
NODE = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
        "required": ["next"]}  # fmt: skip
CASES: list[tuple[Any, Any]] = [
    ({"type": "boolean"}, True),
    ({"type": "null"}, None),
    ({"type": ["null", "integer"]}, 1),
    ({"type": "integer", "minimum": 18}, 18),
    ({"type": "integer", "exclusiveMinimum": 18}, 19),
    ({"type": "integer", "maximum": -5}, -5),
    ({"type": "integer", "multipleOf": 10}, 10),
    ({"type": "number", "exclusiveMaximum": 1}, 0.5),
    ({"type": "string", "minLength": 20}, "example valuexxxxxxx"),
    ({"type": "string", "maxLength": 3}, "exa"),
    ({"type": "string", "format": "date"}, "2024-01-01"),
    ({"enum": ["red", "blue"]}, "red"),
    ({"const": 7}, 7),
    ({"default": "x", "type": "string"}, "x"),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
    ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
    ({"$ref": "#/$defs/Item", "$defs": {"Item": ITEM}}, {"name": "example name"}),
    ({"allOf": [ITEM, {"properties": {"age": {"type": "integer"}}, "required": ["age"]}]},
     {"name": "example name", "age": 1}),
    ({"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}, {"a": 1}),
    (None, None),
    ("nonsense", None),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value"), CASES, ids=[str(case[0])[:60] for case in CASES])
def test_a_value_fits_its_schema(schema: Any, value: Any) -> None:
    assert sample(schema) == value


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    value = sample({**NODE, "$defs": {"Node": NODE}})
    depth = 0
    while value is not None:
        value, depth = value["next"], depth + 1
    assert 0 < depth < 20


WORDS = st.sampled_from(
    ["type", "items", "properties", "required", "anyOf", "$ref", "minItems", "minLength", "multipleOf", "minimum"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
)


@given(ANYTHING)
def test_no_schema_however_odd_raises(schema: Any) -> None:
    assert json.dumps(sample(schema))
