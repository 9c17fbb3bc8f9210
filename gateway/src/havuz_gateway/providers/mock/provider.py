"""The mock as a provider: its calls name an operation on a host that does not exist."""

from collections.abc import Mapping

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.providers.base import Provider
from havuz_gateway.transport.base import UpstreamRequest

BASE_URL = "http://mock.invalid/v1"
PATHS = {"chat": "/chat/completions", "embeddings": "/embeddings"}


class Mock:
    """Speaks OpenAI's protocol; `MockTransport` answers."""

    name = "mock"
    protocol = "openai_chat"
    telemetry_name = "havuz.mock"
    output_bound_field = "max_tokens"
    in_process = True

    def base_url(self, upstream: Upstream) -> str:
        """A name that resolves to nothing, by RFC 6761."""
        return BASE_URL

    def operation_request(
        self, upstream: Upstream, operation: str, body: bytes, headers: Mapping[str, str]
    ) -> UpstreamRequest:
        """The call for one operation."""
        return UpstreamRequest(
            method="POST", url=BASE_URL + PATHS[operation], headers={"content-type": "application/json"}, body=body
        )

    def probe_request(self, upstream: Upstream) -> UpstreamRequest:
        """List the models; always succeeds."""
        return UpstreamRequest(method="GET", url=BASE_URL + "/models", headers={})


_: type[Provider] = Mock
