"""OpenAI: https://platform.openai.com/docs/api-reference."""

from collections.abc import Mapping

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.providers.base import Provider, ProviderCall
from havuz_gateway.providers.headers import common_headers
from havuz_gateway.providers.quirks import openai_quirks
from havuz_gateway.transport.base import UpstreamRequest

_PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "chat": ("openai_chat", "openai_responses"),
    "embeddings": ("openai_chat",),
    "count_tokens": ("openai_responses",),
    "image": ("openai_images",),
    "image_edit": ("openai_images",),
    "speech": ("openai_audio",),
    "transcription": ("openai_audio",),
}
_PATHS = {
    ("chat", "openai_chat"): "/chat/completions",
    ("chat", "openai_responses"): "/responses",
    ("embeddings", "openai_chat"): "/embeddings",
    ("count_tokens", "openai_responses"): "/responses/input_tokens",
    ("image", "openai_images"): "/images/generations",
    ("image_edit", "openai_images"): "/images/edits",
    ("speech", "openai_audio"): "/audio/speech",
    ("transcription", "openai_audio"): "/audio/transcriptions",
}


class OpenAI:
    """Calls `{base URL}/chat/completions` and its siblings with a bearer token."""

    name = "openai"
    protocols = _PROTOCOLS
    telemetry_name = "openai"
    in_process = False
    credential_header = ("authorization", "Bearer ")
    default_base_url = "https://api.openai.com/v1"

    def quirks(self, model: str) -> Quirks:
        """OpenAI's own models, by family."""
        return openai_quirks(model)

    def request(self, upstream: Upstream, call: ProviderCall) -> UpstreamRequest:
        """The call that asks `call`. None of the client's headers is passed on."""
        return UpstreamRequest(
            method="POST",
            url=self.base_url(upstream) + _PATHS[call.action, call.protocol],
            headers={"content-type": call.content_type, **self._headers(upstream)},
            body=call.body,
            ca_bundle=upstream.ca_bundle,
        )

    def probe_request(self, upstream: Upstream) -> UpstreamRequest:
        """List the models: costs nothing, and needs a good key."""
        return UpstreamRequest(
            method="GET",
            url=self.base_url(upstream) + "/models",
            headers=self._headers(upstream),
            ca_bundle=upstream.ca_bundle,
        )

    def base_url(self, upstream: Upstream) -> str:
        """The upstream's own base URL, else the provider's."""
        return (upstream.base_url or self.default_base_url).rstrip("/")

    def _headers(self, upstream: Upstream) -> dict[str, str]:
        return common_headers(upstream, *self.credential_header) | upstream.headers


_: type[Provider] = OpenAI
