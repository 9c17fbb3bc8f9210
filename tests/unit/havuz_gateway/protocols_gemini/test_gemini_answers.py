"""Answers and errors of Gemini, rule by rule."""

import json
from typing import Any

import pytest

from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.gemini.codec import CODEC
from havuz_gateway.protocols.gemini.usage import read_usage
from havuz_gateway.protocols.neutral.content import Citation, Text
from havuz_gateway.protocols.neutral.errors import AnswerFailed, AnswerUnreadable
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT
from havuz_gateway.protocols.usage import Usage


def ended(reason: str, **members: Any) -> dict[str, Any]:
    content = {"parts": [{"text": "x"}], "role": "model"}
    candidate = {"content": content, "finishReason": reason, "index": 0, **members}
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r"}


@pytest.mark.parametrize(
    ("reason", "unified"),
    [
        ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content-filter"), ("RECITATION", "content-filter"),
        ("SPII", "content-filter"), ("IMAGE_SAFETY", "content-filter"), ("LANGUAGE", "other"), ("OTHER", "other"),
        ("MALFORMED_FUNCTION_CALL", "error"), ("UNEXPECTED_TOOL_CALL", "error"), ("TOO_MANY_TOOL_CALLS", "error"),
        ("MISSING_THOUGHT_SIGNATURE", "error"), ("SOMETHING_NEW", "other"),
    ],
)  # fmt: skip
def test_every_reason_is_understood_and_kept(reason: str, unified: str) -> None:
    response = CODEC.decode_response(ended(reason))
    finish = response.choices[0].finish
    assert finish is not None
    assert (finish.unified, finish.raw) == (unified, reason)
    assert CODEC.encode_response(response, Stamp()).body == ended(reason)


def test_a_call_that_went_wrong_is_no_success_for_a_client_of_another_protocol() -> None:
    with pytest.raises(AnswerFailed, match="MALFORMED_FUNCTION_CALL"):
        OPENAI_CHAT.encode_response(CODEC.decode_response(ended("MALFORMED_FUNCTION_CALL")), Stamp())


def test_an_error_of_another_provider_is_no_success_for_a_gemini_client() -> None:
    response = ChatResponse("r", "m", (Choice((Text("x"),), Finish("error", "insufficient_system_resource")),))
    with pytest.raises(AnswerFailed):
        CODEC.encode_response(response, Stamp())


@pytest.mark.parametrize("body", [{}, {"candidates": []}, {"promptFeedback": {"safetyRatings": []}}])
def test_an_answer_without_candidates_or_a_block_reason_is_unreadable(body: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        CODEC.decode_response(body)


def test_an_error_under_status_200_is_no_answer() -> None:
    with pytest.raises(AnswerFailed) as failed:
        CODEC.decode_response({"error": {"code": 500, "message": "boom", "status": "INTERNAL"}})
    assert failed.value.error == ProviderError("boom", code=500, status="INTERNAL")


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        ({"promptTokenCount": 9}, Usage(9, 0)),
        (
            {"promptTokenCount": 9, "toolUsePromptTokenCount": 4, "candidatesTokenCount": 2, "thoughtsTokenCount": 7,
             "cachedContentTokenCount": 5},
            Usage(13, 9, cache_read=5, reasoning=7),
        ),
        ({"promptTokenCount": -1, "candidatesTokenCount": 2}, Usage(0, 2, clamped=True)),
        ({"promptTokenCount": 10**12}, Usage(0, 0, clamped=True)),
        ({"promptTokenCount": "9"}, Usage(0, 0, clamped=True)),
        (None, None),
    ],
)  # fmt: skip
def test_usage_counts_thoughts_as_output_and_tools_as_input(wire: Any, usage: Usage | None) -> None:
    assert read_usage(wire) == usage


def test_bytes_of_a_source_are_counted_as_characters() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://example.org", "title": "E"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 6, "text": " é"}, "groundingChunkIndices": [0, 7, "0"]},
            {"segment": {"startIndex": 3, "endIndex": 99}, "groundingChunkIndices": [0]},
        ],
    }
    body = ended("STOP", groundingMetadata=grounding)
    body["candidates"][0]["content"]["parts"][0]["text"] = "aé é xy"
    text = CODEC.decode_response(body).choices[0].content[0]
    assert isinstance(text, Text)
    place, placeless = text.citations
    assert (place.url, place.start, place.end) == ("https://example.org", 2, 4)
    assert (placeless.start, placeless.end) == (None, None)


def test_sources_of_another_provider_become_grounding_in_bytes() -> None:
    cited = Text("né ici.", citations=(Citation(url="https://example.org", title="E", start=1, end=6),))
    response = ChatResponse("r", "m", (Choice((cited,), Finish("stop")),))
    body = CODEC.encode_response(response, Stamp()).body
    assert body["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": "https://example.org", "title": "E"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 1, "endIndex": 7, "text": "é ici"}, "groundingChunkIndices": [0]}
        ],
    }
    assert CODEC.decode_response(body).choices[0].content == (cited,)


def test_recited_sources_are_citations() -> None:
    sources = {"citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 1, "uri": "https://a.example"}]}}
    text = CODEC.decode_response(ended("RECITATION", **sources)).choices[0].content[0]
    assert isinstance(text, Text)
    assert text.citations == (Citation(url="https://a.example", start=0, end=1),)


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (400, 400, "INVALID_ARGUMENT"), (401, 401, "UNAUTHENTICATED"), (402, 402, "FAILED_PRECONDITION"),
        (403, 403, "PERMISSION_DENIED"), (404, 404, "NOT_FOUND"), (413, 413, "INVALID_ARGUMENT"),
        (429, 429, "RESOURCE_EXHAUSTED"), (500, 500, "INTERNAL"), (502, 502, "UNAVAILABLE"),
        (503, 503, "UNAVAILABLE"), (504, 504, "DEADLINE_EXCEEDED"), (529, 503, "UNAVAILABLE"), (599, 599, "INTERNAL"),
    ],
)  # fmt: skip
def test_each_status_has_its_word(status: int, code: int, word: str) -> None:
    told = CODEC.encode_error(status, ProviderError("No."), "req_1")
    assert told == {"error": {"code": code, "message": "No.", "status": word}}


def test_when_to_come_back_is_told_both_ways() -> None:
    error = ProviderError("Slow down", code=429, status="RESOURCE_EXHAUSTED", retry_delay=12.5)
    body = CODEC.encode_error(429, error, None)
    assert body["error"]["details"][0]["retryDelay"] == "12.5s"
    assert CODEC.decode_error(json.dumps(body).encode()) == error
    assert CODEC.decode_error(json.dumps([body]).encode()) == error


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("messages[1].content[2]", "contents[1].parts[2]"),
        ("messages[0].role", "contents[0].role"),
        ("messages[0].content", "contents[0].parts"),
        ("system.content[0]", "systemInstruction.parts[0]"),
        ("system", "systemInstruction"),
        ("tools[1]", "tools[1]"),
        ("generationConfig.topK", "generationConfig.topK"),
    ],
)
def test_a_field_that_is_complained_of_has_googles_name(place: str, told: str) -> None:
    error = ProviderError(f"{place!r} holds a hologram of the system", param=place)
    body = CODEC.encode_error(400, error, None)["error"]
    assert body["message"] == f"{told!r} holds a hologram of the system"
    assert body["details"][0]["fieldViolations"][0]["field"] == told


def test_an_answer_without_an_id_stays_without_one() -> None:
    answer = {"candidates": [{"content": {"parts": [{"text": "x"}], "role": "model"}, "avgLogprobs": -0.1}]}
    body = CODEC.encode_response(CODEC.decode_response(answer), Stamp()).body
    assert "responseId" not in body
    assert body["candidates"] == answer["candidates"]


@pytest.mark.parametrize("created", [-(10**18), 10**18], ids=["long gone", "far off"])
def test_a_time_that_no_calendar_has_is_not_told(created: int) -> None:
    response = ChatResponse(id="r", model="m", choices=(), created=created)
    assert "createTime" not in CODEC.encode_response(response, Stamp()).body
