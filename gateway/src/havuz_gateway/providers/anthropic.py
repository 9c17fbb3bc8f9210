"""Anthropic: https://platform.claude.com/docs/en/api/overview."""

from collections.abc import Mapping

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.providers.base import Provider, ProviderCall
from havuz_gateway.providers.headers import common_headers
from havuz_gateway.providers.quirks import claude_quirks
from havuz_gateway.transport.base import UpstreamRequest

VERSION = "2023-06-01"
_PROTOCOLS: Mapping[str, tuple[str, ...]] = {"chat": ("anthropic",), "count_tokens": ("anthropic",)}
_PATHS = {"chat": "/messages", "count_tokens": "/messages/count_tokens"}
_CLIENT_HEADERS = ("anthropic-version", "anthropic-beta")


class Anthropic:
    """Calls `{base URL}/messages` with the key in `x-api-key`."""

    name = "anthropic"
    protocols = _PROTOCOLS
    telemetry_name = "anthropic"
    in_process = False
    default_base_url = "https://api.anthropic.com/v1"

    def quirks(self, model: str) -> Quirks:
        """By the family and version in the model's name."""
        return claude_quirks(model)

    def request(self, upstream: Upstream, call: ProviderCall) -> UpstreamRequest:
        """The call that asks `call`. The client's API version and betas are passed on."""
        passed = {name: call.headers[name] for name in _CLIENT_HEADERS if name in call.headers}
        return UpstreamRequest(
            method="POST",
            url=self.base_url(upstream) + _PATHS[call.action],
            headers={"content-type": "application/json", **self._headers(upstream), **passed},
            body=call.body,
            ca_bundle=upstream.ca_bundle,
        )

    def probe_request(self, upstream: Upstream) -> UpstreamRequest:
        """List the models: costs nothing, and needs a good key."""
        return UpstreamRequest(
            method="GET",
            url=self.base_url(upstream) + "/models?limit=1",
            headers=self._headers(upstream),
            ca_bundle=upstream.ca_bundle,
        )

    def base_url(self, upstream: Upstream) -> str:
        """The upstream's own base URL, else the provider's."""
        return (upstream.base_url or self.default_base_url).rstrip("/")

    def _headers(self, upstream: Upstream) -> dict[str, str]:
        return common_headers(upstream, "x-api-key") | {"anthropic-version": VERSION} | upstream.headers


_: type[Provider] = Anthropic
