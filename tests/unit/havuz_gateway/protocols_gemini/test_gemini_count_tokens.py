"""Token counts in Google's words."""

from typing import Any

import pytest

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.gemini.count_tokens import (
    read_count,
    read_count_request,
    write_count,
    write_count_request,
)
from havuz_gateway.protocols.neutral.content import Text
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable

CONTENTS: list[Any] = [{"role": "user", "parts": [{"text": "How many?"}]}]


def test_contents_alone_are_counted() -> None:
    assert read_count_request({"contents": CONTENTS}).messages[0].content == (Text("How many?"),)


@pytest.mark.parametrize("name", ["generateContentRequest", "generate_content_request"])
def test_a_whole_request_is_counted_with_its_instructions(name: str) -> None:
    whole = {
        "model": "models/gemini-2.5-flash",
        "contents": CONTENTS,
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
    }
    request = read_count_request({name: whole})
    assert request.model == "gemini-2.5-flash"
    assert [message.role for message in request.messages] == ["system", "user"]
    assert write_count_request(request, Quirks()).body == {"generateContentRequest": whole}


def test_contents_beside_a_whole_request_are_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_count_request({"contents": CONTENTS, "generateContentRequest": {"contents": CONTENTS}})
    assert refused.value.param == "contents"


def test_nothing_to_count_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_count_request({})
    assert refused.value.param == "contents"


def test_the_count_is_read_and_written() -> None:
    assert read_count(write_count(31)) == 31


@pytest.mark.parametrize("body", [{}, {"totalTokens": -1}, {"totalTokens": "many"}])
def test_an_answer_without_a_count_is_unreadable(body: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        read_count(body)
