"""Which endpoint a path and a method lead to."""

import pytest

from havuz_gateway.errors import MethodNotAllowed, NotFound
from havuz_gateway.surfaces.anthropic.surface import ANTHROPIC
from havuz_gateway.surfaces.catalogue import every_surface
from havuz_gateway.surfaces.mini import MINI
from havuz_gateway.surfaces.openai.surface import OPENAI
from havuz_gateway.surfaces.registry import Registry

REGISTRY = every_surface()
PATHS = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/api/v1/chat/completions"),
    ("POST", "/v1/embeddings"),
    ("POST", "/api/v1/embeddings"),
    ("GET", "/v1/models"),
    ("HEAD", "/v1/models"),
    ("GET", "/api/v1/models"),
    ("GET", "/v1/models/gemini-2.0-flash"),
    ("GET", "/api/v1/models/meta/llama-3/70b"),
    ("POST", "/v1/messages"),
    ("POST", "/api/v1/messages/count_tokens"),
    ("POST", "/api/chat-completions"),
    ("POST", "/api/chat-completions/"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_path_has_its_endpoint(method: str, path: str) -> None:
    assert REGISTRY.find(path).endpoint(method, path) is not None


@pytest.mark.parametrize(
    "path", ["/", "", "/v1", "/v1/", "/v1/chat", "/v1/chat/completions/", "/v2/models", "/v1/models/", "/V1/models"]
)
def test_an_unknown_path_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        REGISTRY.find(path)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "OPTIONS, POST"),
        ("DELETE", "/v1/models/x", "GET, HEAD, OPTIONS"),
        ("HEAD", "/v1/embeddings", "OPTIONS, POST"),
        ("BREW", "/api/chat-completions/", "OPTIONS, POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allow: str) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        REGISTRY.find(path).endpoint(method, path)
    assert refused.value.headers == {"allow": allow}


def test_options_needs_no_endpoint() -> None:
    assert REGISTRY.find("/v1/models").endpoint("OPTIONS", "/v1/models") is None


def test_a_path_is_on_one_surface_only() -> None:
    with pytest.raises(ValueError, match="on two surfaces"):
        Registry((OPENAI, MINI, MINI), default=OPENAI)


@pytest.mark.parametrize("path", ["/v1/models", "/api/v1/models", "/v1/models/claude-opus-4-6"])
def test_a_shared_path_is_on_the_surface_that_a_header_asks_for(path: str) -> None:
    assert REGISTRY.find(path).surface is OPENAI
    assert REGISTRY.find(path, {"anthropic-version"}).surface is ANTHROPIC


def test_a_header_changes_nothing_on_a_path_of_one_surface() -> None:
    assert REGISTRY.find("/v1/chat/completions", {"anthropic-version"}).surface is OPENAI
    assert REGISTRY.find("/v1/messages").surface is ANTHROPIC


def test_an_unknown_path_is_answered_by_the_surface_that_is_asked_for() -> None:
    assert REGISTRY.unknown(()) is OPENAI
    assert REGISTRY.unknown({"anthropic-version"}) is ANTHROPIC


def test_two_surfaces_are_not_asked_for_by_one_header() -> None:
    with pytest.raises(ValueError, match="on two surfaces"):
        Registry((OPENAI, ANTHROPIC, ANTHROPIC), default=OPENAI)
