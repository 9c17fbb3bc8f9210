"""The table of errors that OpenAI clients are promised."""

import json

import pytest

from havuz_gateway import errors
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.surfaces.openai.errors import render_error, stream_error

REQUEST = Request(id="req_1", method="POST", path="/v1/chat/completions", host="", headers={}, query={}, body=b"")
TABLE = [
    (errors.InvalidRequest, 400, "invalid_request_error"),
    (errors.Unauthenticated, 401, "authentication_error"),
    (errors.PermissionDenied, 403, "permission_error"),
    (errors.NotFound, 404, "not_found_error"),
    (errors.MethodNotAllowed, 405, "invalid_request_error"),
    (errors.PayloadTooLarge, 413, "invalid_request_error"),
    (errors.RateLimited, 429, "rate_limit_error"),
    (errors.GatewayError, 500, "api_error"),
    (errors.ServiceUnavailable, 503, "service_unavailable"),
    (errors.DeadlineExceeded, 504, "timeout_error"),
]


@pytest.mark.parametrize(("kind", "status", "name"), TABLE)
def test_an_error_has_its_status_type_and_code(kind: type[errors.GatewayError], status: int, name: str) -> None:
    rendered = render_error(kind("what happened"), REQUEST)
    assert rendered.status == status
    assert rendered.headers["content-type"] == "application/json"
    error = {"message": "what happened", "type": name, "code": status, "param": None}
    assert json.loads(rendered.body) == {"error": error}


def test_a_provider_s_own_code_is_kept() -> None:
    error = errors.UpstreamRefused(400, "too long", code="context_length_exceeded", param="messages")
    told = json.loads(render_error(error, REQUEST).body)["error"]
    assert (told["code"], told["param"], told["type"]) == (
        "context_length_exceeded",
        "messages",
        "invalid_request_error",
    )


def test_a_provider_s_own_body_is_passed_on_as_it_came() -> None:
    body = b'{ "error": {"message": "no", "extra": 1} }'
    assert render_error(errors.UpstreamRefused(422, "no", body=body), REQUEST).body == body


def test_an_error_in_a_stream_is_one_event() -> None:
    event = stream_error(errors.StreamBroken("it broke"), REQUEST)
    assert event.startswith(b"data: {")
    assert event.endswith(b"\n\n")
    assert json.loads(event[len(b"data: ") :])["error"]["message"] == "it broke"
