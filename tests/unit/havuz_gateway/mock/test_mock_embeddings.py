"""Laws of the mock's vectors."""

import asyncio
import base64
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.providers.mock import MockTransport
from havuz_gateway.providers.mock.embeddings import MAX_DIMENSIONS, embed
from havuz_gateway.transport.base import UpstreamRequest


def vectors(**fields: Any) -> list[Any]:
    answer = json.loads(b"".join(embed({"model": "m", **fields})))
    return [item["embedding"] for item in answer["data"]]


@given(text=st.text(min_size=1, max_size=50), dimensions=st.integers(1, 300))
def test_a_vector_has_the_asked_size_and_unit_length(text: str, dimensions: int) -> None:
    (vector,) = vectors(input=text, dimensions=dimensions)
    assert len(vector) == dimensions
    assert math.isclose(math.sqrt(sum(number * number for number in vector)), 1.0, rel_tol=1e-5)


def test_base64_says_the_same_numbers() -> None:
    (plain,) = vectors(input="Merhaba", dimensions=8)
    (packed,) = vectors(input="Merhaba", dimensions=8, encoding_format="base64")
    assert list(struct.unpack("<8f", base64.b64decode(packed))) == plain


def test_equal_texts_have_equal_vectors_and_others_do_not() -> None:
    one, two, three = vectors(input=["a", "a", "b"], dimensions=16)
    assert one == two
    assert one != three


@pytest.mark.parametrize(("value", "count"), [("a", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1], [2]], 2)])
def test_every_form_of_input_has_its_vectors(value: Any, count: int) -> None:
    assert len(vectors(input=value)) == count


def test_the_size_of_a_vector_is_bounded() -> None:
    assert len(vectors(input="a", dimensions=10**9)[0]) == MAX_DIMENSIONS


async def test_others_get_their_turn_while_many_vectors_are_made() -> None:
    body = json.dumps({"model": "m", "input": ["a"] * 200, "dimensions": 512}).encode()
    answer = await MockTransport(lambda: 0.0).send(UpstreamRequest("POST", "mock:/v1/embeddings", {}, body))
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    assert len(json.loads(await answer.read(10_000_000))["data"]) == 200
    other.cancel()
    assert turns >= 200
