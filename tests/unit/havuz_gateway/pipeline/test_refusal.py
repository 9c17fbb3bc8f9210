"""What a client is told when nothing answered."""

import pytest

from havuz_gateway.errors import RateLimited, ServiceUnavailable, UpstreamRefused
from havuz_gateway.pipeline.attempt import Failed
from havuz_gateway.pipeline.refusal import refusal
from havuz_gateway.pool import classify
from havuz_gateway.pool.select import Unavailable
from havuz_gateway.protocols.errors import ProviderError

LIMITED = Unavailable(rate_limited_only=True, retry_after=7.0, counts={"CoolingDown": 2})
MIXED = Unavailable(rate_limited_only=False, retry_after=3.5, counts={"CoolingDown": 1, "Rejected": 1})


def failed(status: int, body: bytes | None = None, **error: str) -> Failed:
    told = ProviderError(message=error.pop("message", "no"), **error)
    return Failed(classify.classify_response(status, {}, told, 0.0), told, body)


def test_rate_limits_alone_are_a_429_with_the_soonest_return() -> None:
    told = refusal("m", [failed(429)], LIMITED, same_protocol=True)
    assert isinstance(told, RateLimited)
    assert told.retry_after == 7.0


@pytest.mark.parametrize(
    ("failures", "pool"), [([failed(429)], MIXED), ([failed(429), failed(500)], LIMITED), ([], MIXED)]
)
def test_anything_else_is_a_503(failures: list[Failed], pool: Unavailable) -> None:
    assert isinstance(refusal("m", failures, pool, same_protocol=True), ServiceUnavailable)


def test_the_states_of_the_keys_are_counted_and_none_is_named() -> None:
    told = refusal("m", [failed(401)], MIXED, same_protocol=True)
    assert "1 CoolingDown, 1 Rejected" in told.message
    assert "after 1 attempt" in told.message


def test_a_wait_is_never_shorter_than_a_second() -> None:
    at_once = Unavailable(rate_limited_only=False, retry_after=0.0, counts={})
    assert refusal("m", [failed(500)], at_once, same_protocol=True).retry_after == 1.0


def test_the_providers_words_are_relayed_only_in_the_clients_own_language() -> None:
    body = b'{"error":{"message":"bad temperature","type":"invalid_request_error","param":"temperature","code":null}}'
    failure = failed(400, body, message="bad temperature", type="invalid_request_error", param="temperature")
    same = refusal("m", [failure], LIMITED, same_protocol=True)
    other = refusal("m", [failure], LIMITED, same_protocol=False)
    assert isinstance(same, UpstreamRefused)
    assert isinstance(other, UpstreamRefused)
    assert (same.body, other.body) == (body, None)
    assert (other.status, other.param, other.message) == (400, "temperature", "bad temperature")
