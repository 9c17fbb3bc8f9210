"""The mock as a provider: its calls name an operation on a host that does not exist."""

from collections.abc import Mapping

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.providers.base import Provider, ProviderCall
from havuz_gateway.transport.base import UpstreamRequest

BASE_URL = "http://mock.invalid/v1"
_PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "chat": ("openai_chat",),
    "embeddings": ("openai_chat",),
    "image": ("openai_images",),
    "image_edit": ("openai_images",),
    "speech": ("openai_audio",),
    "transcription": ("openai_audio",),
}
PATHS = {
    "chat": "/chat/completions",
    "embeddings": "/embeddings",
    "image": "/images/generations",
    "image_edit": "/images/edits",
    "speech": "/audio/speech",
    "transcription": "/audio/transcriptions",
}


class Mock:
    """Speaks OpenAI's protocol; `MockTransport` answers."""

    name = "mock"
    protocols = _PROTOCOLS
    telemetry_name = "havuz.mock"
    in_process = True

    def base_url(self, upstream: Upstream) -> str:
        """A name that resolves to nothing, by RFC 6761."""
        return BASE_URL

    def quirks(self, model: str) -> Quirks:
        """It takes whatever comes."""
        return Quirks()

    def request(self, upstream: Upstream, call: ProviderCall) -> UpstreamRequest:
        """The call that asks `call`."""
        return UpstreamRequest(
            method="POST",
            url=BASE_URL + PATHS[call.action],
            headers={"content-type": call.content_type},
            body=call.body,
        )

    def probe_request(self, upstream: Upstream) -> UpstreamRequest:
        """List the models; always succeeds."""
        return UpstreamRequest(method="GET", url=BASE_URL + "/models", headers={})


_: type[Provider] = Mock
