"""The table of errors that Anthropic's clients are promised, and the headers they look for."""

import json

import pytest

from havuz_gateway import errors
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.surfaces.anthropic.errors import render_error, stream_error
from havuz_gateway.surfaces.anthropic.headers import answer_headers

REQUEST = Request(id="req_1", method="POST", path="/v1/messages", host="", headers={}, query={}, body=b"")
TABLE = [
    (errors.InvalidRequest, 400, "invalid_request_error"),
    (errors.Unauthenticated, 401, "authentication_error"),
    (errors.InsufficientBalance, 403, "billing_error"),
    (errors.PriceMissing, 403, "billing_error"),
    (errors.PermissionDenied, 403, "permission_error"),
    (errors.NotFound, 404, "not_found_error"),
    (errors.MethodNotAllowed, 405, "invalid_request_error"),
    (errors.PayloadTooLarge, 413, "request_too_large"),
    (errors.RateLimited, 429, "rate_limit_error"),
    (errors.GatewayError, 500, "api_error"),
    (errors.ServiceUnavailable, 503, "overloaded_error"),
    (errors.DeadlineExceeded, 504, "timeout_error"),
]


@pytest.mark.parametrize(("kind", "status", "name"), TABLE)
def test_an_error_has_its_status_and_type(kind: type[errors.GatewayError], status: int, name: str) -> None:
    rendered = render_error(kind("what happened"), REQUEST)
    assert (rendered.status, rendered.headers["content-type"]) == (status, "application/json")
    told = {"type": "error", "error": {"type": name, "message": "what happened"}, "request_id": "req_1"}
    assert json.loads(rendered.body) == told


def test_a_provider_s_own_body_is_passed_on_as_it_came() -> None:
    body = b'{ "type":"error", "error": {"type":"invalid_request_error","message": "no", "extra": 1} }'
    assert render_error(errors.UpstreamRefused(400, "no", body=body), REQUEST).body == body


def test_an_error_in_a_stream_is_one_event_under_its_name() -> None:
    event = stream_error(errors.StreamBroken("it broke"), REQUEST)
    name, data = event.decode().removesuffix("\n\n").split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"] == {"type": "api_error", "message": "it broke"}


def test_the_time_of_a_reset_is_named_as_anthropic_names_it() -> None:
    limits = {
        "x-ratelimit-limit-tokens": "100",
        "x-ratelimit-remaining-tokens": "7",
        "x-ratelimit-reset-tokens": "1m30s",
    }
    assert answer_headers(limits, request_id="req_1", now=1_700_000_000.0) == {
        "request-id": "req_1",
        "anthropic-ratelimit-tokens-limit": "100",
        "anthropic-ratelimit-tokens-remaining": "7",
        "anthropic-ratelimit-tokens-reset": "2023-11-14T22:14:50Z",
    }


def test_where_no_limit_applies_only_the_id_is_added() -> None:
    assert answer_headers({}, request_id="req_1", now=0.0) == {"request-id": "req_1"}
