"""A Stable Diffusion server: the AUTOMATIC1111 web UI, or one with its API, started with `--api`.

https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API. The base URL is where the UI is; a target's model is
the name of a checkpoint; a credential `user:password` is what `--api-auth` was given.
"""

import base64
from collections.abc import Mapping

from havuz_contract.snapshot.models import Upstream
from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.stable_diffusion.images import PROTOCOL
from havuz_gateway.providers.base import Provider, ProviderCall
from havuz_gateway.providers.headers import common_headers
from havuz_gateway.transport.base import UpstreamRequest

_PROTOCOLS: Mapping[str, tuple[str, ...]] = {"image": (PROTOCOL,), "image_edit": (PROTOCOL,)}
_PATHS = {"image": "/sdapi/v1/txt2img", "image_edit": "/sdapi/v1/img2img"}


class StableDiffusion:
    """Calls `{base URL}/sdapi/v1/txt2img` and its sibling."""

    name = "stable-diffusion"
    protocols = _PROTOCOLS
    telemetry_name = "stable_diffusion"
    in_process = False

    def base_url(self, upstream: Upstream) -> str:
        """Where the server is."""
        return upstream.base_url.rstrip("/")

    def quirks(self, model: str) -> Quirks:
        """Nothing is known of checkpoints."""
        return Quirks()

    def request(self, upstream: Upstream, call: ProviderCall) -> UpstreamRequest:
        """The call that draws. None of the client's headers is passed on."""
        return UpstreamRequest(
            method="POST",
            url=self.base_url(upstream) + _PATHS[call.action],
            headers={"content-type": call.content_type, **_headers(upstream)},
            body=call.body,
            ca_bundle=upstream.ca_bundle,
        )

    def probe_request(self, upstream: Upstream) -> UpstreamRequest:
        """List the samplers: costs nothing, and needs a good credential."""
        return UpstreamRequest(
            method="GET",
            url=self.base_url(upstream) + "/sdapi/v1/samplers",
            headers=_headers(upstream),
            ca_bundle=upstream.ca_bundle,
        )


def _headers(upstream: Upstream) -> dict[str, str]:
    """A user and password by HTTP's own scheme; any other credential as a token, for a proxy before the server."""
    if ":" not in upstream.credential:
        return common_headers(upstream, "authorization", "Bearer ") | upstream.headers
    basic = base64.b64encode(upstream.credential.encode()).decode()
    without = upstream.model_copy(update={"credential": ""})
    return common_headers(without, "authorization") | {"authorization": f"Basic {basic}"} | upstream.headers


_: type[Provider] = StableDiffusion
