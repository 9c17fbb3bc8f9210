"""What a provider is to the pipeline. One module per provider; adding one touches no other file but the registry."""

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.wire import Answers
from havuz_gateway.transport.base import Payload, UpstreamRequest
from havuz_gateway.values import frozen


@frozen
class ProviderCall:
    """What a provider is asked. `action` is one of `pipeline.types.Action`; `model` the provider's own name of it.

    `headers` (lower case) are the client's where it speaks the same protocol, else what a translated body needs.
    """

    action: str
    protocol: str
    model: str
    stream: bool
    body: bytes | Payload = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content_type: str = "application/json"
    answers: Answers = "json"  # how the answer comes where it is not streamed


class Provider(Protocol):
    """A company or server kind that answers requests."""

    name: str  # as in an UpstreamKey's spec
    protocols: Mapping[str, tuple[str, ...]]  # by action, the wire languages it speaks; the first where none is asked
    telemetry_name: str  # gen_ai.provider.name of the OpenTelemetry conventions
    in_process: bool  # True: answered by this process (the mock), no socket is opened

    def base_url(self, upstream: Upstream) -> str:
        """Where this upstream is called, for spans and for people."""

    def quirks(self, model: str) -> Quirks:
        """Facts about one of its models, for requests that are translated."""

    def request(self, upstream: Upstream, call: ProviderCall) -> UpstreamRequest:
        """The HTTP call that asks `call`."""

    def probe_request(self, upstream: Upstream) -> UpstreamRequest:
        """A cheap call that shows whether the credential works (listing models)."""


def protocols_for(provider: Provider, action: str, client: str) -> tuple[str, ...]:
    """The wire languages in which `provider` can be asked for `action`, the client's own first."""
    spoken = provider.protocols.get(action, ())
    return tuple(sorted(spoken, key=lambda protocol: protocol != client)) if client in spoken[1:] else spoken
