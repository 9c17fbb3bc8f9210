"""UpstreamKeys: which are in the pool, with what, and what is said of the others."""

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.manifests import upstream_key
from havuz_contract.compiler.compile import ObjectStatus, Resources, Secrets
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.snapshot.models import Limits, Upstream
from havuz_contract.v1alpha1.upstreamkey import UpstreamKey

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SECRETS = {("default", "provider-keys"): {"a": "sk-a", "empty": " \n", "line": "sk-a\nsk-b"}}


def compiled(key: UpstreamKey, secrets: Secrets = SECRETS) -> tuple[Upstream | None, ObjectStatus]:
    result = compile_snapshot(Resources(upstream_keys=[key]), secrets, NOW)
    return result.snapshot.upstreams.get(key.uid), result.statuses[key.ref]


def resolution(status: ObjectStatus) -> tuple[str, str, str]:
    condition = status.condition("Resolved")
    assert condition is not None
    return condition.status, condition.reason, condition.message


def test_a_complete_key_is_in_the_pool_with_its_credential() -> None:
    upstream, status = compiled(upstream_key(baseURL="https://eu.api.openai.com/v1/", headers={"OpenAI-Project": "p"}))
    assert upstream is not None
    assert (upstream.credential, upstream.base_url) == ("sk-a", "https://eu.api.openai.com/v1")
    assert (upstream.name, upstream.headers) == ("default/a", {"OpenAI-Project": "p"})
    assert status.served
    assert status.obstacle is None


def test_white_space_around_a_credential_is_not_part_of_it() -> None:
    upstream, _ = compiled(upstream_key(), {("default", "provider-keys"): {"a": " sk-a\n"}})
    assert upstream is not None
    assert upstream.credential == "sk-a"


@pytest.mark.parametrize(
    ("ref", "sentence"),
    [
        ({"name": "gone", "key": "a"}, "Secret 'gone' does not exist in namespace 'default'; create it"),
        ({"name": "provider-keys", "key": "b"}, "Secret 'provider-keys' has no entry 'b'; add it"),
        ({"name": "provider-keys", "key": "empty"}, "Secret 'provider-keys' has nothing in its entry 'empty'; fill it"),
    ],
)
def test_a_key_without_its_secret_is_out_of_the_pool_and_says_what_to_do(ref: dict[str, str], sentence: str) -> None:
    upstream, status = compiled(upstream_key(secretRef=ref))
    assert upstream is None
    assert resolution(status) == ("False", "SecretNotFound", sentence)


def test_a_secret_of_another_namespace_is_not_found() -> None:
    upstream, _ = compiled(upstream_key(metadata={"namespace": "other"}))
    assert upstream is None


def test_a_credential_that_would_break_a_header_is_refused_without_being_shown() -> None:
    upstream, status = compiled(upstream_key(secretRef={"name": "provider-keys", "key": "line"}, withoutSecret="Mock"))
    assert upstream is None
    assert resolution(status)[:2] == ("False", "InvalidSecret")
    assert "sk-" not in resolution(status)[2]


def test_a_key_that_mocks_without_secret_answers_from_the_mock_and_says_so() -> None:
    upstream, status = compiled(
        upstream_key(
            provider="openai-compatible",
            baseURL="https://example.com/v1",
            headers={"x-team": "a"},
            secretRef={"name": "provider-keys", "key": "empty"},
            withoutSecret="Mock",
        )
    )
    assert upstream is not None
    assert (upstream.provider, upstream.base_url, upstream.credential, upstream.headers) == ("mock", "", "", {})
    assert resolution(status)[:2] == ("True", "MockWithoutSecret")
    assert resolution(status)[2].endswith("Until then this key answers from the mock provider.")


def test_a_key_that_mocks_without_secret_is_real_once_it_has_one() -> None:
    upstream, _ = compiled(upstream_key(withoutSecret="Mock"))
    assert upstream is not None
    assert upstream.provider == "openai"


def test_a_server_that_asks_for_no_credential_needs_no_secret() -> None:
    upstream, _ = compiled(upstream_key(provider="openai-compatible", baseURL="http://vllm:8000/v1", secretRef=None))
    assert upstream is not None
    assert upstream.credential == ""


def test_a_suspended_key_is_out_of_the_pool_and_that_is_no_fault() -> None:
    upstream, status = compiled(upstream_key(suspended=True))
    assert upstream is None
    assert (status.served, status.settled, status.obstacle) == (False, True, None)


def test_a_key_that_is_being_deleted_is_gone() -> None:
    key = upstream_key(metadata={"deletionTimestamp": "2026-11-20T00:00:00Z"})
    result = compile_snapshot(Resources(upstream_keys=[key]), SECRETS, NOW)
    assert (result.snapshot.upstreams, result.statuses) == ({}, {})


def test_limits_reach_the_gateway_with_money_in_nanos() -> None:
    upstream, _ = compiled(upstream_key(limits={"concurrency": 3, "spendPerDay": "40.5"}))
    assert upstream is not None
    assert upstream.limits == Limits(concurrency=3, spend_per_day=40_500_000_000)


@pytest.mark.parametrize(
    ("pem", "reason"), [("no certificate", "InvalidSecret"), ("-----BEGIN CERTIFICATE-----\nMII", "Resolved")]
)
def test_certificate_authorities_come_from_their_secret(pem: str, reason: str) -> None:
    key = upstream_key(caBundle={"secretRef": {"name": "ca", "key": "ca.crt"}})
    upstream, status = compiled(key, {**SECRETS, ("default", "ca"): {"ca.crt": pem}})
    assert resolution(status)[1] == reason
    assert (upstream.ca_bundle if upstream else None) == (pem if reason == "Resolved" else None)


def test_durations_are_seconds_for_a_gateway() -> None:
    spec: dict[str, Any] = {"breaker": {"window": "1m30s", "openFor": "2000ms"}, "probe": {"interval": "1h"}}
    upstream, _ = compiled(upstream_key(**spec))
    assert upstream is not None
    assert (upstream.breaker.window, upstream.breaker.open_for, upstream.probe_interval) == (90.0, 2.0, 3600.0)
