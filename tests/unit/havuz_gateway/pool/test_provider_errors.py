"""How real providers say no, body by body, and what it says of the key. The bodies are in `provider_errors/`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from havuz_gateway.pool.classify import classify_response, classify_stream_error
from havuz_gateway.pool.verdict import Scope, Verdict
from havuz_gateway.protocols.openai.errors import read_error as read_openai_error
from havuz_gateway.protocols.registry import RELAYED

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
OF_THE_KEY = {
    "RateLimited": Scope.KEY_MODEL, "ModelMissing": Scope.KEY_MODEL, "ContextLength": Scope.REQUEST,
    "ClientError": Scope.REQUEST,
}  # fmt: skip


def _cases() -> list[Any]:
    found = []
    for file in sorted((Path(__file__).parent / "provider_errors").glob("*.yaml")):
        told = yaml.safe_load(file.read_text())
        for error in told["errors"]:
            found.append(pytest.param(told["protocol"], error, id=f"{file.stem}: {error['case']}"))
    return found


def _judged(protocol: str, error: dict[str, Any]) -> Verdict:
    relayed = RELAYED.get((protocol, "chat"))
    read = read_openai_error if relayed is None else relayed.read_error
    headers = {"content-type": "application/json", **error.get("headers", {})}
    told = read(error["body"].encode())
    if error["status"] == 200:
        return classify_stream_error(told, headers, NOW)
    return classify_response(error["status"], headers, told, NOW)


@pytest.mark.parametrize(("protocol", "error"), _cases())
def test_what_a_provider_says_is_understood(protocol: str, error: dict[str, Any]) -> None:
    verdict = _judged(protocol, error)
    scope = error.get("scope", OF_THE_KEY.get(error["reason"], Scope.KEY))
    assert (verdict.reason, verdict.scope) == (error["reason"], scope)
    hint = error.get("hint")
    assert verdict.retry_after == (None if hint is None else pytest.approx(hint))
