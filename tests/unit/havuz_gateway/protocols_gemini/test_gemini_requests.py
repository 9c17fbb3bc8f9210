"""Requests to and from Gemini, rule by rule."""

from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.gemini.codec import CODEC
from havuz_gateway.protocols.neutral.content import (
    Base64Source,
    Document,
    FileSource,
    Image,
    PartsSource,
    Text,
    ToolCall,
    ToolResult,
    UrlSource,
    parts_of,
)
from havuz_gateway.protocols.neutral.errors import CannotExpress
from havuz_gateway.protocols.neutral.request import ChatRequest, Message, Reasoning
from havuz_gateway.protocols.neutral.tools import CustomTool, FunctionTool, ProviderTool, ToolChoice, WebSearchTool

BUDGET, ALWAYS, NONE = (Quirks(gemini_thinking=kind) for kind in ("budget", "always", "none"))


def encoded(*messages: Message, quirks: Quirks | None = None, **fields: Any) -> Encoded:
    request = ChatRequest("m", messages or (Message("user", "Hi"),), **fields)
    return CODEC.encode_request(request, quirks or Quirks())


def decoded(*parts: dict[str, Any], **fields: Any) -> ChatRequest:
    return CODEC.decode_request({"contents": [{"role": "user", "parts": list(parts)}], **fields})


@pytest.mark.parametrize(
    ("reasoning", "quirks", "config", "dropped"),
    [
        (Reasoning(effort="low"), Quirks(), {"includeThoughts": True, "thinkingLevel": "LOW"}, False),
        (Reasoning(effort="max"), Quirks(), {"includeThoughts": True, "thinkingLevel": "HIGH"}, False),
        (Reasoning(mode="on", budget=2048), Quirks(), {"includeThoughts": True, "thinkingLevel": "LOW"}, False),
        (Reasoning(mode="auto", summary="omitted"), Quirks(), {"includeThoughts": False}, False),
        (Reasoning(mode="off", effort="none"), Quirks(), {"thinkingLevel": "MINIMAL"}, True),
        (Reasoning(effort="none"), Quirks(efforts=("low", "high")), {"thinkingLevel": "LOW"}, True),
        (Reasoning(effort="medium"), BUDGET, {"includeThoughts": True, "thinkingBudget": 8192}, False),
        (Reasoning(effort="xhigh"), BUDGET, {"includeThoughts": True, "thinkingBudget": 24576}, False),
        (Reasoning(mode="on", budget=100), ALWAYS, {"includeThoughts": True, "thinkingBudget": 128}, False),
        (Reasoning(mode="auto"), BUDGET, {"includeThoughts": True, "thinkingBudget": -1}, False),
        (Reasoning(mode="off"), BUDGET, {"thinkingBudget": 0}, False),
        (Reasoning(mode="off"), ALWAYS, {"thinkingBudget": 128}, True),
        (Reasoning(effort="high"), NONE, None, True),
    ],
)
def test_thinking_is_asked_for_as_the_model_understands_it(
    reasoning: Reasoning, quirks: Quirks, config: Any, dropped: bool
) -> None:
    found = encoded(quirks=quirks, reasoning=reasoning)
    assert found.body.get("generationConfig", {}).get("thinkingConfig") == config
    assert ("reasoning_effort" in found.dropped) == dropped


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("tool", "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("auto", allowed=("f", "g")), {"mode": "VALIDATED", "allowedFunctionNames": ["f", "g"]}),
        (ToolChoice("required", allowed=("f", "g")), {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}),
    ],
)
def test_every_choice_of_tools_has_its_mode(choice: ToolChoice, config: Any) -> None:
    found = encoded(tools=(FunctionTool("f"),), tool_choice=choice)
    assert found.body["toolConfig"] == {"functionCallingConfig": config}
    assert CODEC.decode_request(found.body).tool_choice == choice


@pytest.mark.parametrize("tool", [CustomTool("c"), ProviderTool("anthropic", {"type": "bash_20250124"})])
def test_a_tool_of_another_provider_is_refused(tool: Any) -> None:
    with pytest.raises(CannotExpress) as refused:
        encoded(tools=(FunctionTool("f"), tool))
    assert refused.value.param == "tools[1]"


def test_what_search_cannot_be_told_is_named() -> None:
    found = encoded(tools=(WebSearchTool(max_uses=2, allowed_domains=("a",), blocked_domains=("b",)),))
    assert found.body["tools"] == [{"googleSearch": {}}]
    assert found.dropped == ("web_search.max_uses", "web_search.allowed_domains", "web_search.blocked_domains")


def test_search_in_the_words_of_older_models_is_search() -> None:
    raw = [{"googleSearchRetrieval": {"dynamicRetrievalConfig": {"mode": "MODE_DYNAMIC", "dynamicThreshold": 0.3}}}]
    request = decoded({"text": "?"}, tools=raw)
    assert isinstance((request.tools or ())[0], WebSearchTool)
    assert CODEC.encode_request(request, Quirks()).body["tools"] == raw


def test_leading_instructions_are_one_and_later_ones_are_told_in_the_users_turn() -> None:
    found = encoded(
        Message("system", "A"), Message("developer", "B"), Message("user", "Hi"), Message("system", "C"),
    )  # fmt: skip
    assert found.body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}]}
    assert found.body["contents"][1] == {"role": "user", "parts": [{"text": "<system>\nC\n</system>"}]}
    assert found.dropped == ("messages[3].role",)


def call(call_id: str, name: str) -> ToolCall:
    return ToolCall(call_id, name, "{}", signature="c2ln")


def test_results_of_one_turn_stand_in_one_content_under_their_functions_names() -> None:
    found = encoded(
        Message("assistant", (call("1", "f"), call("2", "g"))),
        Message("tool", (ToolResult("1", "a"),)),
        Message("tool", (ToolResult("2", (Text('{"b":'), Text("1}"))),)),
        Message("user", "Go on."),
    )
    assert [content["role"] for content in found.body["contents"]] == ["model", "user", "user"]
    assert [part["functionResponse"] for part in found.body["contents"][1]["parts"]] == [
        {"id": "1", "name": "f", "response": {"output": "a"}},
        {"id": "2", "name": "g", "response": {"b": 1}},
    ]


@pytest.mark.parametrize(
    ("content", "failed", "response"),
    [
        ("14", None, {"output": "14"}),
        ("", None, {"output": ""}),
        ('{"a":1}', None, {"a": 1}),
        ('{"output":"x"}', None, {"output": '{"output":"x"}'}),
        ('{"error":"x"}', None, {"output": '{"error":"x"}'}),
        ("no", True, {"error": "no"}),
        ('{"error":{"code":5}}', True, {"error": {"code": 5}}),
        (None, None, {}),
    ],
)
def test_a_result_is_an_object_that_reads_back_the_same(content: Any, failed: Any, response: Any) -> None:
    turn = Message("assistant", (call("1", "f"),))
    found = encoded(turn, Message("user", (ToolResult("1", content, is_error=failed),)))
    part = found.body["contents"][1]["parts"][0]
    assert part["functionResponse"]["response"] == response
    read = parts_of(CODEC.decode_request(found.body).messages[1].content)[0]
    assert isinstance(read, ToolResult)
    assert (read.content, read.is_error) == (content if content is not None else "{}", failed)


def test_pictures_stand_in_a_result_or_after_it() -> None:
    result = ToolResult("1", (Text("See"), Image(Base64Source("image/png", "iVBO"))))
    turns = Message("assistant", (call("1", "f"),)), Message("user", (result,))
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}
    inside = encoded(*turns).body["contents"][1]["parts"]
    assert inside[0]["functionResponse"]["parts"] == [picture]
    beside = encoded(*turns, quirks=Quirks(gemini_result_parts=False)).body["contents"][1]["parts"]
    assert "parts" not in beside[0]["functionResponse"]
    assert beside[1] == picture


def test_results_without_ids_answer_the_calls_in_their_order() -> None:
    turns = [
        {"role": "model", "parts": [{"functionCall": {"name": name, "args": {}}} for name in ("f", "g", "f")]},
        {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {}}} for name in ("g", "f", "f")]},
    ]
    request = CODEC.decode_request({"contents": turns})
    calls = {part.id: part.name for part in parts_of(request.messages[0].content) if isinstance(part, ToolCall)}
    answered = [part.call_id for part in parts_of(request.messages[1].content) if isinstance(part, ToolResult)]
    assert calls == {"call_0": "f", "call_1": "g", "call_2": "f"}
    assert answered == ["call_1", "call_0", "call_2"]
    assert CODEC.encode_request(request, Quirks()).body == {"contents": turns}


def test_a_file_of_another_provider_is_refused() -> None:
    with pytest.raises(CannotExpress) as refused:
        encoded(Message("user", (Text("?"), Document(FileSource("file-1", "openai_chat")))))
    assert refused.value.param == "messages[0].content[1]"


def test_a_document_made_of_parts_is_told_part_by_part() -> None:
    inner = PartsSource((Text("a"), Image(UrlSource("https://example.org/x.webp"))))
    found = encoded(Message("user", (Document(inner, title="T"),)))
    assert found.body["contents"][0]["parts"] == [
        {"text": "a"},
        {"fileData": {"fileUri": "https://example.org/x.webp", "mimeType": "image/webp"}},
    ]
    assert found.dropped == ("messages[0].content[0].title",)


def test_base64_of_the_other_alphabet_is_made_everyones() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": "_-8="}}
    request = decoded(part)
    image = parts_of(request.messages[0].content)[0]
    assert isinstance(image, Image)
    assert image.source == Base64Source("image/png", "/+8=")
    assert CODEC.encode_request(request, Quirks()).body["contents"][0]["parts"] == [part]


def test_model_and_stream_are_read_from_what_the_surface_adds_and_are_not_written() -> None:
    request = decoded({"text": "Hi"}, model="models/gemini-3-pro", stream=True)
    assert (request.model, request.stream) == ("gemini-3-pro", True)
    assert CODEC.encode_request(request, Quirks()).body.keys() == {"contents"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({"contents": {}}, "contents"),
        ({"contents": [{"role": "assistant", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": [{"hologram": {}}]}]}, "contents[0].parts[0].text"),
        ({"contents": [{"parts": [{"inline_data": {"data": ""}}]}]}, "contents[0].parts[0].inlineData.mimeType"),
        ({"contents": [], "tools": [{"teleport": {}}]}, "tools[0].teleport"),
        (
            {"contents": [], "toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}},
            "toolConfig.functionCallingConfig.mode",
        ),
        ({"contents": [], "generationConfig": {"topK": "many"}}, "generationConfig.topK"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.decode_request(body)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"generationConfig": {}},
        {"generationConfig": {"thinkingConfig": {}}},
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}}},
        {"generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}},
        {"generation_config": {"top_p": 0.5, "image_config": {"aspect_ratio": "1:1"}, "imageSize": None}},
        {"toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["f"]}}},
        {"tools": []},
        {"tools": [{}]},
        {"tools": [{"functionDeclarations": [{"name": "a"}]}, {"functionDeclarations": [{"name": "b"}]}]},
        {"systemInstruction": {"role": "system", "parts": [{"text": "S"}]}},
        {"serviceTier": "STANDARD", "labels": {"my_team": "x"}, "somethingNew": {"a_b": 1}},
    ],
)
def test_members_of_googles_own_come_back_as_they_were_written(fields: dict[str, Any]) -> None:
    body = {"contents": [{"parts": [{"text": "Hi", "part_metadata": {"my_key": 1}}]}, {"role": "model"}], **fields}
    encoded_again = CODEC.encode_request(CODEC.decode_request(body), Quirks())
    assert encoded_again.body == body
    assert encoded_again.dropped == ()
