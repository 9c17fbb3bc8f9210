"""What providers really answer, and the verdict each of it gets."""

import json
from typing import Any

import pytest

from havuz_gateway.pool import classify
from havuz_gateway.pool.verdict import Next, Reason, Scope
from havuz_gateway.protocols.errors import ProviderError
from havuz_gateway.protocols.openai.errors import read_error
from havuz_gateway.transport.base import FailureKind, TransportFailure

NOW = 1_700_000_000.0


def openai(message: str, type_: str | None = None, code: str | int | None = None, param: str | None = None) -> Any:
    return {"error": {"message": message, "type": type_, "code": code, "param": param}}


def google(status: str, message: str, *details: Any, code: int = 429) -> Any:
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


GOOGLE_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)
PER_MINUTE = {"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}
PER_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31.5s"}

CASES: list[tuple[str, int, Any, Reason]] = [
    ("OpenAI, bad key", 401, openai("Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
     Reason.REJECTED),
    ("403 without words", 403, {}, Reason.REJECTED),
    ("Google, key leaked", 403, google("PERMISSION_DENIED", "Your API key was reported as leaked.", code=403),
     Reason.REJECTED),
    ("Google, bad key is a 400", 400, google("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
     code=400), Reason.REJECTED),
    ("the same words from a client", 400, openai("API key not valid in messages[0]", "invalid_request_error"),
     Reason.CLIENT_ERROR),
    ("a region", 403, openai("Country, region, or territory not supported", "request_forbidden",
     "unsupported_country_region_territory"), Reason.REJECTED),
    ("OpenRouter, moderation", 403, openai("openai/gpt-4o requires moderation on OpenAI. Your input was flagged",
     code=403), Reason.CLIENT_ERROR),
    ("content policy", 403, openai("Your request was rejected", "invalid_request_error", "content_policy_violation"),
     Reason.CLIENT_ERROR),
    ("OpenAI, project without the model", 403, openai("Project `proj_x` does not have access to model `gpt-4o`",
     "invalid_request_error", "model_not_found"), Reason.MODEL_MISSING),
    ("OpenAI, rate limit", 429, openai("Rate limit reached for gpt-4o", "tokens", "rate_limit_exceeded"),
     Reason.RATE_LIMITED),
    ("OpenAI, quota", 429, openai("You exceeded your current quota, please check your plan and billing details.",
     "insufficient_quota", "insufficient_quota"), Reason.EXHAUSTED),
    ("OpenAI, hard limit is a 400", 400, openai("Billing hard limit has been reached", "invalid_request_error",
     "billing_hard_limit_reached"), Reason.EXHAUSTED),
    ("OpenAI, account", 429, openai("Your account is not active, please check your billing details",
     "billing_not_active", "billing_not_active"), Reason.EXHAUSTED),
    ("Anthropic, credit is a 400", 400, {"type": "error", "error": {"type": "invalid_request_error", "message":
     "Your credit balance is too low to access the Anthropic API."}}, Reason.EXHAUSTED),
    ("DeepSeek, balance", 402, openai("Insufficient Balance", "unknown_error", "invalid_request_error"),
     Reason.EXHAUSTED),
    ("Google, per minute", 429, google("RESOURCE_EXHAUSTED", GOOGLE_QUOTA, PER_MINUTE, RETRY), Reason.RATE_LIMITED),
    ("Google, per day", 429, google("RESOURCE_EXHAUSTED", GOOGLE_QUOTA, PER_DAY, RETRY), Reason.EXHAUSTED),
    ("Google, per day in words", 429, google("RESOURCE_EXHAUSTED", "Quota exceeded: requests per day"),
     Reason.EXHAUSTED),
    ("OpenAI, context", 400, openai("This model's maximum context length is 8192 tokens. However…",
     "invalid_request_error", "context_length_exceeded", "messages"), Reason.CONTEXT_LENGTH),
    ("vLLM, context", 400, {"object": "error", "message": "This model's maximum context length is 4096 tokens.",
     "type": "BadRequestError", "code": 400}, Reason.CONTEXT_LENGTH),
    ("Anthropic, context", 400, openai("prompt is too long: 212011 tokens > 200000 maximum", "invalid_request_error"),
     Reason.CONTEXT_LENGTH),
    ("Google, context", 400, google("INVALID_ARGUMENT", "The input token count (1048577) exceeds the maximum number of "
     "tokens allowed (1048576).", code=400), Reason.CONTEXT_LENGTH),
    ("llama.cpp, context", 500, openai("the request exceeds the available context size",
     "exceed_context_size_error", 500), Reason.CONTEXT_LENGTH),
    ("OpenAI, no model", 404, openai("The model `x` does not exist", "invalid_request_error", "model_not_found"),
     Reason.MODEL_MISSING),
    ("Ollama, no model", 404, {"error": "model 'x' not found"}, Reason.MODEL_MISSING),
    ("404 without words", 404, {"detail": "Not Found"}, Reason.MODEL_MISSING),
    ("DeepSeek, no model is a 400", 400, openai("Model Not Exist", "invalid_request_error"), Reason.MODEL_MISSING),
    ("a file the client named", 404, openai("No such File object: file-abc", "invalid_request_error", param="id"),
     Reason.CLIENT_ERROR),
    ("a client's mistake", 400, openai("Invalid value for 'temperature'", "invalid_request_error", None, "temperature"),
     Reason.CLIENT_ERROR),
    ("unprocessable", 422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, Reason.CLIENT_ERROR),
    ("too large", 413, openai("Payload too large"), Reason.CLIENT_ERROR),
    ("timeout", 408, {}, Reason.TIMEOUT),
    ("server error", 500, openai("The server had an error", "server_error"), Reason.SERVER_ERROR),
    ("overloaded", 529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
     Reason.SERVER_ERROR),
    ("a redirect", 307, {}, Reason.SERVER_ERROR),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_answer_gets_its_verdict(status: int, body: Any, reason: Reason) -> None:
    found = classify.classify_response(status, {}, read_error(json.dumps(body).encode()), NOW)
    assert found.reason is reason
    assert (found.scope, found.next) == classify._CONSEQUENCES[reason]
    assert found.status == status


def test_a_firewalls_html_is_no_verdict_on_the_credential() -> None:
    page = read_error(b"<html><head><title>Attention Required!</title></head><body>Blocked</body></html>")
    found = classify.classify_response(403, {"content-type": "text/html; charset=UTF-8"}, page, NOW)
    assert found.reason is Reason.SERVER_ERROR
    assert found.message == "Attention Required! Blocked"


def test_a_request_above_the_whole_allowance_moves_on_and_blames_nobody() -> None:
    message = "Request too large for gpt-4o in organization org-x on tokens per min: Limit 10000, Requested 12000."
    for status in (413, 429):
        error = read_error(json.dumps(openai(message, "tokens", "rate_limit_exceeded")).encode())
        found = classify.classify_response(status, {}, error, NOW)
        assert (found.reason, found.scope, found.next) == (Reason.RATE_LIMITED, Scope.REQUEST, Next.NEXT_KEY)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ProviderError("Provider returned error", code=502), Reason.SERVER_ERROR),
        (ProviderError("slow down", code=429), Reason.RATE_LIMITED),
        (ProviderError("slow down", code="rate_limit_exceeded"), Reason.RATE_LIMITED),
        (ProviderError("no credit", type="insufficient_quota"), Reason.EXHAUSTED),
        (ProviderError("bad key", type="authentication_error"), Reason.REJECTED),
        (ProviderError("your fault", type="invalid_request_error"), Reason.CLIENT_ERROR),
        (ProviderError("too long", type="invalid_request_error", code="context_length_exceeded"),
         Reason.CONTEXT_LENGTH),
        (ProviderError("not here", status="NOT_FOUND"), Reason.MODEL_MISSING),
        (ProviderError("The server had an error", type="server_error"), Reason.SERVER_ERROR),
        (ProviderError(""), Reason.SERVER_ERROR),
        (ProviderError("odd", code="9" * 5_000), Reason.SERVER_ERROR),
    ],
)  # fmt: skip
def test_an_error_under_status_200_counts_as_what_it_says(error: ProviderError, reason: Reason) -> None:
    assert classify.classify_stream_error(error, {}, NOW).reason is reason


@pytest.mark.parametrize(
    ("kind", "reason", "scope"),
    [("connect", Reason.CONNECT, Scope.UPSTREAM), ("tls", Reason.CONNECT, Scope.UPSTREAM),
     ("reset", Reason.CONNECT, Scope.KEY), ("timeout", Reason.TIMEOUT, Scope.KEY),
     ("protocol", Reason.SERVER_ERROR, Scope.KEY), ("broken", Reason.SERVER_ERROR, Scope.KEY)],
)  # fmt: skip
def test_failures_below_http(kind: FailureKind, reason: Reason, scope: Scope) -> None:
    found = classify.classify_transport(TransportFailure(kind, "it broke"))
    assert (found.reason, found.scope, found.next) == (reason, scope, Next.NEXT_KEY)
    assert found.message == "it broke"


def test_the_pipelines_own_findings() -> None:
    assert classify.first_token_timeout().reason is Reason.TIMEOUT
    assert classify.garbage("no JSON").reason is Reason.SERVER_ERROR
    assert (classify.broken().reason, classify.broken().next) == (Reason.BROKEN, Next.CLIENT)


def test_a_daily_quota_does_not_return_after_the_delay_of_the_one_per_minute() -> None:
    error = read_error(json.dumps(google("RESOURCE_EXHAUSTED", GOOGLE_QUOTA, PER_MINUTE, PER_DAY, RETRY)).encode())
    assert error.retry_delay == 31.5
    assert classify.classify_response(429, {}, error, NOW).retry_after is None


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-abcdefghijklmnop", "sk-ant-api03-AbCdEf123456", "AIzaSyA1234567890abcdef", "gsk_abcdef123456",
     "Bearer abcdef123456", "0123456789abcdef0123456789abcdef01234567"],
)  # fmt: skip
def test_no_credential_survives_in_a_message(secret: str) -> None:
    error = ProviderError(f"Incorrect API key provided: {secret}. Find it at https://example.com for gpt-4o-2024-08-06")
    message = classify.classify_response(401, {}, error, NOW).message
    assert secret not in message
    assert message.endswith("gpt-4o-2024-08-06")


def test_a_message_is_one_bounded_line() -> None:
    found = classify.classify_response(500, {}, ProviderError("a\nb " * 10_000), NOW)
    assert "\n" not in found.message
    assert len(found.message) <= 300
