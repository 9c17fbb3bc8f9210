"""Where each provider is called for pictures and sound, and with what credential."""

import base64

import pytest

from harness.builders import make_upstream
from havuz_contract.snapshot.models import Failover
from havuz_gateway.pipeline.patience import pace_of
from havuz_gateway.pipeline.types import Action, Call
from havuz_gateway.protocols.body import Body
from havuz_gateway.providers.base import ProviderCall
from havuz_gateway.providers.registry import provider_for


@pytest.mark.parametrize(
    ("provider", "base_url", "action", "url"),
    [
        ("openai", "", "image", "https://api.openai.com/v1/images/generations"),
        ("openai", "", "image_edit", "https://api.openai.com/v1/images/edits"),
        ("openai", "", "speech", "https://api.openai.com/v1/audio/speech"),
        ("azure-openai", "https://x.openai.azure.com", "transcription",
         "https://x.openai.azure.com/openai/v1/audio/transcriptions"),
        ("openai-compatible", "http://vllm/v1", "image", "http://vllm/v1/images/generations"),
        ("stable-diffusion", "http://sd:7860", "image", "http://sd:7860/sdapi/v1/txt2img"),
        ("stable-diffusion", "http://sd:7860/", "image_edit", "http://sd:7860/sdapi/v1/img2img"),
    ],
)  # fmt: skip
def test_each_provider_has_its_own_paths(provider: str, base_url: str, action: str, url: str) -> None:
    called = provider_for(provider)
    (protocol,) = called.protocols[action]
    call = ProviderCall(action, protocol, "m", stream=False, body=b"{}", content_type="multipart/form-data; boundary=x")
    request = called.request(make_upstream(base_url, provider=provider), call)
    assert (request.method, request.url) == ("POST", url)
    assert request.headers["content-type"] == "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("credential", "header"),
    [
        ("user:pass:word", "Basic " + base64.b64encode(b"user:pass:word").decode()),
        ("token", "Bearer token"),
        ("", None),
    ],
    ids=["password", "token", "none"],
)
def test_a_drawing_server_is_told_who_asks(credential: str, header: str | None) -> None:
    upstream = make_upstream("http://sd:7860", provider="stable-diffusion", credential=credential)
    assert provider_for("stable-diffusion").probe_request(upstream).headers.get("authorization") == header


@pytest.mark.parametrize(("action", "patient"), [("image", True), ("image_edit", True), ("speech", False)])
def test_a_picture_may_take_as_long_as_its_request(action: Action, patient: bool) -> None:
    call = Call(action=action, protocol="x", model="m", stream=True, body=Body(b"{}", "{}", {}))
    pace = pace_of(call, Failover(total=300, first_token=5, idle=7))
    assert (pace.total, pace.first_token, pace.idle) == ((300, 300, 300) if patient else (300, 5, 7))
