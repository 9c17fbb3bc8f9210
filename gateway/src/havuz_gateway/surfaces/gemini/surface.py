"""Google's paths, in which a colon stands between a model and the method, and the errors its clients read.

Clients of Google's newer `/v1` share its paths with OpenAI's: they are known by the header of their key.
"""

from functools import partial
from typing import Protocol

from havuz_gateway.errors import NotFound
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.surfaces.base import Surface
from havuz_gateway.surfaces.credentials import KeyPlaces
from havuz_gateway.surfaces.gemini.count_tokens import count_tokens
from havuz_gateway.surfaces.gemini.embeddings import embed
from havuz_gateway.surfaces.gemini.errors import render_error, stream_error
from havuz_gateway.surfaces.gemini.framing import framing
from havuz_gateway.surfaces.gemini.generate import generate
from havuz_gateway.surfaces.gemini.models import list_models, retrieve_model

_KEY_HEADER = "x-goog-api-key"
_BASES = ("/v1beta", "/v1")


class _Method(Protocol):
    """What is done with one model."""

    async def __call__(
        self, model: str, request: Request, writer: Writer, *, credential: str | None, services: Services
    ) -> None: ...


_METHODS: dict[str, _Method] = {
    "generateContent": partial(generate, stream=False),
    "streamGenerateContent": partial(generate, stream=True),
    "countTokens": count_tokens,
    "embedContent": partial(embed, batch=False),
    "batchEmbedContents": partial(embed, batch=True),
}


async def call(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Do what the path asks of its model; ids may contain slashes and colons. Raises `NotFound`."""
    model, _, name = _below_models(request).rpartition(":")
    method = _METHODS.get(name)
    if method is None or not model:
        raise NotFound(
            f"the path {request.path[:200]!r} has no method that is known here: end it with the model and one of "
            f"{', '.join(f':{known}' for known in _METHODS)}"
        )
    await method(model, request, writer, credential=credential, services=services)


async def show(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Answer with the model that the path names."""
    await retrieve_model(_below_models(request), request, writer, credential=credential, services=services)


async def nothing(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Whatever else is under `/v1beta` gets its error in Google's form. Raises `NotFound`."""
    raise NotFound(f"the path {request.path[:200]!r} does not exist: check the base URL and the endpoint's name")


def _below_models(request: Request) -> str:
    return request.path.partition("/models/")[2]


GEMINI = Surface(
    name="gemini",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={f"{base}/models": {"GET": list_models} for base in _BASES},
    prefixes={
        **{f"{base}/models/": {"GET": show, "POST": call} for base in _BASES},
        "/v1beta/": dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), nothing),
    },
    asked_by=_KEY_HEADER,
    key_places=KeyPlaces(headers=("x-api-key", _KEY_HEADER), query=("api_key", "key")),
    framing=framing,
)
