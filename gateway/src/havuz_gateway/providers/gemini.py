"""Google's Gemini API: https://ai.google.dev/api. The model and the manner of a call are in its URL."""

from collections.abc import Mapping
from urllib.parse import quote

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.gemini.images import PROTOCOL as IMAGES
from havuz_gateway.protocols.gemini.images import is_imagen
from havuz_gateway.providers.base import Provider, ProviderCall
from havuz_gateway.providers.headers import common_headers
from havuz_gateway.providers.quirks import gemini_quirks
from havuz_gateway.transport.base import UpstreamRequest

_PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "chat": ("gemini",), "embeddings": ("gemini",), "embedding": ("gemini",), "count_tokens": ("gemini",),
    "image": (IMAGES,), "image_edit": (IMAGES,),
}  # fmt: skip
_METHODS = {"embeddings": "batchEmbedContents", "embedding": "embedContent", "count_tokens": "countTokens"}
_COLLECTIONS = ("models/", "tunedModels/")


class Gemini:
    """Calls `{base URL}/models/{model}:{method}` with the key in `x-goog-api-key`."""

    name = "gemini"
    protocols = _PROTOCOLS
    telemetry_name = "gcp.gemini"
    in_process = False
    default_base_url = "https://generativelanguage.googleapis.com/v1beta"

    def quirks(self, model: str) -> Quirks:
        """By the generation in the model's name."""
        return gemini_quirks(model)

    def request(self, upstream: Upstream, call: ProviderCall) -> UpstreamRequest:
        """The call that asks `call`. None of the client's headers is passed on."""
        name = call.model if call.model.startswith(_COLLECTIONS) else f"models/{call.model}"
        return UpstreamRequest(
            method="POST",
            url=f"{self.base_url(upstream)}/{quote(name, safe='/')}:{_method(call)}",
            headers={"content-type": "application/json", **self._headers(upstream)},
            body=call.body,
            ca_bundle=upstream.ca_bundle,
        )

    def probe_request(self, upstream: Upstream) -> UpstreamRequest:
        """List the models: costs nothing, and needs a good key."""
        return UpstreamRequest(
            method="GET",
            url=self.base_url(upstream) + "/models?pageSize=1",
            headers=self._headers(upstream),
            ca_bundle=upstream.ca_bundle,
        )

    def base_url(self, upstream: Upstream) -> str:
        """The upstream's own base URL, else the provider's."""
        return (upstream.base_url or self.default_base_url).rstrip("/")

    def _headers(self, upstream: Upstream) -> dict[str, str]:
        return common_headers(upstream, "x-goog-api-key") | upstream.headers


def _method(call: ProviderCall) -> str:
    if call.protocol == IMAGES:
        return "predict" if is_imagen(call.model) else "generateContent"
    if call.action == "chat":
        return "streamGenerateContent?alt=sse" if call.stream else "generateContent"
    return _METHODS[call.action]


_: type[Provider] = Gemini
