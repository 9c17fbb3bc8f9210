"""Google's paths, in which a colon stands between a model and the method, and the errors its clients read.

Clients of Google's newer `/v1` share its paths with OpenAI's: they are known by the header of their key.
"""

from collections.abc import Callable
from functools import partial

from havuz_gateway.errors import NotFound
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.surfaces.base import Surface
from havuz_gateway.surfaces.called import called
from havuz_gateway.surfaces.credentials import KeyPlaces
from havuz_gateway.surfaces.gemini.count_tokens import read_count
from havuz_gateway.surfaces.gemini.embeddings import read_embedded
from havuz_gateway.surfaces.gemini.errors import render_error, stream_error
from havuz_gateway.surfaces.gemini.framing import framing
from havuz_gateway.surfaces.gemini.generate import read_contents
from havuz_gateway.surfaces.gemini.models import list_models, retrieve_model

_KEY_HEADER = "x-goog-api-key"
_BASES = ("/v1beta", "/v1")


# What is done with a model, by the name of the method: the operation, and what reads a request for a model.
_METHODS: dict[str, tuple[str, Callable[..., Call]]] = {
    "generateContent": ("chat", partial(read_contents, stream=False)),
    "streamGenerateContent": ("chat", partial(read_contents, stream=True)),
    "countTokens": ("count_tokens", read_count),
    "embedContent": ("embeddings", partial(read_embedded, batch=False)),
    "batchEmbedContents": ("embeddings", partial(read_embedded, batch=True)),
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
    operation, read = method
    answer = called(operation, PROTOCOL, partial(read, model=model))
    await answer(request, writer, credential=credential, services=services)


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
