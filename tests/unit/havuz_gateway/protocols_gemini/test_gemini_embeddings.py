"""Embeddings between Google's operations and OpenAI's."""

import base64
import struct
from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.gemini.embeddings import answer_to_gemini, answer_to_openai, to_gemini, to_openai
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable, CannotExpress


def content(*texts: str) -> dict[str, Any]:
    return {"parts": [{"text": text} for text in texts]}


def test_one_content_is_one_input() -> None:
    body = {"content": content("Hello", " world"), "taskType": "RETRIEVAL_DOCUMENT", "title": "T", "model": "models/x"}
    encoded = to_openai({**body, "output_dimensionality": 256}, batch=False)
    assert encoded.body == {"input": ["Hello world"], "dimensions": 256}
    assert encoded.dropped == ("taskType", "title")


def test_a_batch_is_a_list_of_inputs_and_comes_back_as_it_was() -> None:
    requests = [{"model": "models/e", "content": content(text), "outputDimensionality": 3} for text in ("one", "two")]
    encoded = to_openai({"requests": requests}, batch=True)
    assert encoded.body == {"input": ["one", "two"], "dimensions": 3}
    assert to_gemini({"model": "e", **encoded.body}).body == {"requests": requests}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"requests": []}, "requests"),
        ({"requests": [{}]}, "requests[0].content"),
        ({"requests": [{"content": {"parts": []}}]}, "requests[0].content.parts"),
        ({"requests": [{"content": {"parts": [{"inlineData": {}}]}}]}, "requests[0].content.parts[0]"),
        (
            {"requests": [{"content": content("a"), "outputDimensionality": 1}, {"content": content("b")}]},
            "requests[1].outputDimensionality",
        ),
    ],
)
def test_what_openai_cannot_embed_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        to_openai(body, batch=True)
    assert refused.value.param == param


def test_one_string_is_a_batch_of_one_and_the_user_is_named() -> None:
    encoded = to_gemini({"model": "gemini-embedding-001", "input": "Hi", "user": "u", "encoding_format": "base64"})
    assert encoded.body == {"requests": [{"model": "models/gemini-embedding-001", "content": content("Hi")}]}
    assert encoded.dropped == ("user",)


@pytest.mark.parametrize("tokens", [[1, 2], [[1], [2]]])
def test_tokens_are_no_text(tokens: Any) -> None:
    with pytest.raises(CannotExpress) as refused:
        to_gemini({"model": "m", "input": tokens})
    assert refused.value.param == "input"


@pytest.mark.parametrize("wrong", [None, [], 5, ["a", 1]])
def test_an_input_of_another_kind_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidRequest):
        to_gemini({"model": "m", "input": wrong})


def test_googles_answer_is_openais_list() -> None:
    body = {"embeddings": [{"values": [0.5, -1]}, {"values": [1.0, 0]}], "usageMetadata": {"promptTokenCount": 4}}
    answer = answer_to_openai(body, model="e", encoding=None, tokens=9)
    assert [item["embedding"] for item in answer["data"]] == [[0.5, -1], [1.0, 0]]
    assert [item["index"] for item in answer["data"]] == [0, 1]
    assert answer["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert answer_to_gemini(answer, batch=True)["embeddings"] == body["embeddings"]


def test_base64_is_little_endian_floats_both_ways() -> None:
    answer = answer_to_openai({"embedding": {"values": [0.5, -2]}}, model="e", encoding="base64", tokens=3)
    packed = answer["data"][0]["embedding"]
    assert base64.b64decode(packed) == struct.pack("<2f", 0.5, -2)
    assert answer["usage"]["prompt_tokens"] == 3
    assert answer_to_gemini(answer, batch=False) == {
        "embedding": {"values": [0.5, -2.0]},
        "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
    }


def test_openais_items_are_told_in_the_order_of_their_indexes() -> None:
    data = [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]
    assert answer_to_gemini({"data": data}, batch=True) == {"embeddings": [{"values": [1]}, {"values": [2]}]}


@pytest.mark.parametrize("body", [{}, {"embeddings": [{}]}, {"embedding": {"values": ["x"]}}])
def test_an_answer_without_numbers_is_unreadable(body: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        answer_to_openai(body, model="e", encoding=None, tokens=0)


@pytest.mark.parametrize("embedding", ["", "AAA=", "!", 5, [None]])
def test_an_embedding_of_another_kind_is_unreadable(embedding: Any) -> None:
    with pytest.raises(AnswerUnreadable):
        answer_to_gemini({"data": [{"index": 0, "embedding": embedding}]}, batch=True)


def test_a_number_that_is_no_float32_is_unreadable_as_base64() -> None:
    with pytest.raises(AnswerUnreadable, match="float32"):
        answer_to_openai({"embedding": {"values": [1e300]}}, model="e", encoding="base64", tokens=0)
