"""Structured output for models that have none: through a forced tool there, as text for the client."""

from typing import Any

from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Encoded, Quirks
from havuz_gateway.protocols.neutral.answer_tool import AnswerToolStream, answer_as_text
from havuz_gateway.protocols.neutral.content import Text, ToolCall
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.neutral.unfold import unfold
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "event", "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "json_answer"}}
OLDER = Quirks(output_schema="tool", thinking="budget")


def sent(**fields: Any) -> Encoded:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return ANTHROPIC.encode_request(OPENAI_CHAT.decode_request(body), OLDER)


def test_a_schema_becomes_the_only_tool_and_is_forced() -> None:
    encoded = sent(response_format=FORMAT)
    assert encoded.answer_tool == "json_answer"
    assert encoded.body["tools"][0]["input_schema"] == SCHEMA
    assert encoded.body["tool_choice"] == {"type": "tool", "name": "json_answer"}


def test_beside_other_tools_any_may_be_called_and_none_shares_its_name() -> None:
    encoded = sent(response_format=FORMAT, tools=[TOOL])
    assert encoded.answer_tool == "json_answer_"
    assert [tool["name"] for tool in encoded.body["tools"]] == ["json_answer", "json_answer_"]
    assert encoded.body["tool_choice"] == {"type": "any"}


def test_plain_json_mode_takes_any_object_even_from_new_models() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "JSON"}], "response_format": {"type": "json_object"}}
    encoded = ANTHROPIC.encode_request(OPENAI_CHAT.decode_request(body), Quirks())
    assert encoded.answer_tool == "json_answer"
    assert encoded.body["tools"][0]["input_schema"] == {"type": "object"}


def test_thinking_is_kept_and_the_format_named_where_both_cannot_be_had() -> None:
    encoded = sent(response_format=FORMAT, reasoning_effort="low")
    assert encoded.answer_tool is None
    assert encoded.dropped == ("response_format",)


def response(*names: str) -> ChatResponse:
    calls = tuple(ToolCall(f"c{number}", name, '{"a":"b"}') for number, name in enumerate(names))
    return ChatResponse("r", "m", (Choice(calls, Finish("tool-calls", "tool_use")),))


def test_the_call_comes_back_as_text_whole_and_streamed() -> None:
    whole = answer_as_text(response("json_answer"), "json_answer")
    assert whole.choices[0].content == (Text('{"a":"b"}'),)
    assert whole.choices[0].finish == Finish("stop")
    turning = AnswerToolStream("json_answer")
    assert fold(turning.feed(event) for event in unfold(response("json_answer"))) == whole


def test_other_calls_stay_calls() -> None:
    given = response("look")
    assert answer_as_text(given, "json_answer") == given
    turning = AnswerToolStream("json_answer")
    assert fold(turning.feed(event) for event in unfold(given)) == given
