"""OpenAI's paths, and the errors its clients read."""

from havuz_gateway.surfaces.base import FormKind, Methods, Surface
from havuz_gateway.surfaces.openai.audio import speech, transcriptions
from havuz_gateway.surfaces.openai.chat import PROTOCOL, chat
from havuz_gateway.surfaces.openai.embeddings import embeddings
from havuz_gateway.surfaces.openai.errors import render_error, stream_error
from havuz_gateway.surfaces.openai.images import edits, generations
from havuz_gateway.surfaces.openai.kept_responses import RESPONSE_PREFIXES, cancel, delete, read
from havuz_gateway.surfaces.openai.models import MODEL_PREFIXES, list_models, retrieve_model
from havuz_gateway.surfaces.openai.responses import create, input_tokens
from havuz_gateway.surfaces.openai.responses_errors import PROTOCOL as RESPONSES_PROTOCOL
from havuz_gateway.surfaces.openai.responses_errors import stream_error as responses_stream_error

_PATHS: dict[str, Methods] = {
    "/chat/completions": {"POST": chat},
    "/embeddings": {"POST": embeddings},
    "/images/generations": {"POST": generations},
    "/images/edits": {"POST": edits},
    "/audio/speech": {"POST": speech},
    "/audio/transcriptions": {"POST": transcriptions},
    "/models": {"GET": list_models},
}
_RESPONSES_PATHS: dict[str, Methods] = {
    "/responses": {"POST": create},
    "/responses/input_tokens": {"POST": input_tokens},
}
_FORMS: dict[str, FormKind] = {"/images/edits": "image", "/audio/transcriptions": "audio"}
_BASES = ("/v1", "/api/v1")


OPENAI = Surface(
    name="openai",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={base + path: methods for base in _BASES for path, methods in _PATHS.items()},
    prefixes={prefix: {"GET": retrieve_model} for prefix in MODEL_PREFIXES},
    forms={base + path: kind for base in _BASES for path, kind in _FORMS.items()},
)

RESPONSES = Surface(
    name="openai-responses",
    protocol=RESPONSES_PROTOCOL,
    render_error=render_error,
    stream_error=responses_stream_error,
    paths={base + path: methods for base in _BASES for path, methods in _RESPONSES_PATHS.items()},
    prefixes={prefix: {"GET": read, "DELETE": delete, "POST": cancel} for prefix in RESPONSE_PREFIXES},
)
