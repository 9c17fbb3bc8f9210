"""A provider's error in the words of the client's protocol."""

import json

import pytest

from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Stamp
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.neutral.errors import AnswerFailed, status_of
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT

STAMP = Stamp()


@pytest.mark.parametrize(
    ("status", "anthropic", "openai"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "authentication_error", "authentication_error"),
        (402, "billing_error", "insufficient_balance"),
        (403, "permission_error", "permission_error"),
        (404, "not_found_error", "not_found_error"),
        (413, "request_too_large", "invalid_request_error"),
        (422, "invalid_request_error", "invalid_request_error"),
        (429, "rate_limit_error", "rate_limit_error"),
        (500, "api_error", "api_error"),
        (502, "api_error", "api_error"),
        (503, "overloaded_error", "service_unavailable"),
        (504, "timeout_error", "timeout_error"),
        (529, "overloaded_error", "service_unavailable"),
    ],
)
def test_each_status_has_its_type_in_each_protocol(status: int, anthropic: str, openai: str) -> None:
    error = ProviderError("No.")
    assert ANTHROPIC.encode_error(status, error, "req_1") == {
        "type": "error",
        "error": {"type": anthropic, "message": "No."},
        "request_id": "req_1",
    }
    assert OPENAI_CHAT.encode_error(status, error, "req_1")["error"]["type"] == openai


def test_an_error_keeps_its_words_on_the_way() -> None:
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}, "request_id": "req_011"}
    error = ANTHROPIC.decode_error(json.dumps(body).encode())
    assert (error.type, error.message) == ("rate_limit_error", "Slow down")
    told = OPENAI_CHAT.encode_error(429, error, None)
    assert told == {"error": {"message": "Slow down", "type": "rate_limit_error", "param": None, "code": 429}}


def test_a_providers_own_code_is_kept() -> None:
    body = b'{"error":{"message":"Too long","type":"invalid_request_error","code":"context_length_exceeded"}}'
    error = OPENAI_CHAT.decode_error(body)
    assert OPENAI_CHAT.encode_error(400, error, None)["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ProviderError("", type="overloaded_error"), 529),
        (ProviderError("", type="server_error"), 500),
        (ProviderError("", code="rate_limit_exceeded"), 429),
        (ProviderError("", code=503), 503),
        (ProviderError("", type="?"), 500),
    ],
)
def test_an_error_in_a_stream_has_the_status_of_its_words(error: ProviderError, status: int) -> None:
    assert status_of(error) == status


def test_an_error_under_status_200_is_no_answer() -> None:
    with pytest.raises(AnswerFailed) as failed:
        OPENAI_CHAT.decode_response({"error": {"message": "boom", "code": 500}})
    assert failed.value.error.message == "boom"
    with pytest.raises(AnswerFailed):
        ANTHROPIC.decode_response({"type": "error", "error": {"type": "api_error", "message": "boom"}})


@pytest.mark.parametrize(("reason", "expected"), [("model_length", "max_tokens"), ("eos", "end_turn")])
def test_a_compatible_servers_own_finish_reason_is_understood(reason: str, expected: str) -> None:
    message = {"role": "assistant", "content": "x"}
    response = OPENAI_CHAT.decode_response({"choices": [{"message": message, "finish_reason": reason}]})
    assert ANTHROPIC.encode_response(response, STAMP).body["stop_reason"] == expected
    assert OPENAI_CHAT.encode_response(response, STAMP).body["choices"][0]["finish_reason"] == reason


def test_a_server_that_gave_up_is_no_success_for_a_client_of_another_protocol() -> None:
    choice = {"message": {"role": "assistant", "content": "x"}, "finish_reason": "insufficient_system_resource"}
    with pytest.raises(AnswerFailed):
        ANTHROPIC.encode_response(OPENAI_CHAT.decode_response({"choices": [choice]}), STAMP)
