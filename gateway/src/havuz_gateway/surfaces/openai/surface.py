"""OpenAI's paths, and the errors its clients read."""

from havuz_gateway.surfaces.base import Methods, Surface
from havuz_gateway.surfaces.openai.chat import PROTOCOL, chat
from havuz_gateway.surfaces.openai.embeddings import embeddings
from havuz_gateway.surfaces.openai.errors import render_error, stream_error
from havuz_gateway.surfaces.openai.models import MODEL_PREFIXES, list_models, retrieve_model

_PATHS: dict[str, Methods] = {
    "/chat/completions": {"POST": chat},
    "/embeddings": {"POST": embeddings},
    "/models": {"GET": list_models},
}
_BASES = ("/v1", "/api/v1")


OPENAI = Surface(
    name="openai",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={base + path: methods for base in _BASES for path, methods in _PATHS.items()},
    prefixes={prefix: {"GET": retrieve_model} for prefix in MODEL_PREFIXES},
)
