"""Anthropic's paths, and the errors its clients read."""

from havuz_gateway.protocols.anthropic.wire import PROTOCOL
from havuz_gateway.surfaces.anthropic.count_tokens import count_tokens
from havuz_gateway.surfaces.anthropic.errors import render_error, stream_error
from havuz_gateway.surfaces.anthropic.headers import answer_headers
from havuz_gateway.surfaces.anthropic.messages import messages
from havuz_gateway.surfaces.anthropic.models import list_models, retrieve_model
from havuz_gateway.surfaces.base import Methods, Surface

_PATHS: dict[str, Methods] = {
    "/messages": {"POST": messages},
    "/messages/count_tokens": {"POST": count_tokens},
    "/models": {"GET": list_models},
}
_BASES = ("/v1", "/api/v1")


ANTHROPIC = Surface(
    name="anthropic",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={base + path: methods for base in _BASES for path, methods in _PATHS.items()},
    prefixes={f"{base}/models/": {"GET": retrieve_model} for base in _BASES},
    asked_by="anthropic-version",
    answer_headers=answer_headers,
)
