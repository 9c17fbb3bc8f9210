"""What a provider is to the pipeline. One module per provider; adding one touches no other file but the registry."""

from collections.abc import Mapping
from typing import Protocol

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.transport.base import UpstreamRequest


class Provider(Protocol):
    """A company or server kind that answers requests in one protocol."""

    name: str  # as in an UpstreamKey's spec
    protocol: str  # the wire language it speaks, e.g. "openai_chat"
    telemetry_name: str  # gen_ai.provider.name of the OpenTelemetry conventions
    output_bound_field: str  # the request's member that bounds the tokens of an answer
    in_process: bool  # True: answered by this process (the mock), no socket is opened

    def base_url(self, upstream: Upstream) -> str:
        """Where this upstream is called, for spans and for people."""

    def operation_request(
        self, upstream: Upstream, operation: str, body: bytes, headers: Mapping[str, str]
    ) -> UpstreamRequest:
        """The call for one operation. `headers` are the client's that a provider may want (lower case)."""

    def probe_request(self, upstream: Upstream) -> UpstreamRequest:
        """A cheap call that shows whether the credential works (listing models)."""
