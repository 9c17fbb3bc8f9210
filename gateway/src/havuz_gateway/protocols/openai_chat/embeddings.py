"""Reading an Embeddings request: https://platform.openai.com/docs/api-reference/embeddings/create."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from havuz_gateway.protocols.openai.complaints import missing, wrong
from havuz_gateway.protocols.openai.fields import Check, check_fields, integer, one_of, required_text, text
from havuz_gateway.protocols.own_members import read_own

_WANTED = "a non-empty string, or a non-empty array of strings, of tokens or of arrays of tokens"
MAX_INPUTS = 2048


@dataclass(frozen=True, slots=True)
class EmbeddingsFields:
    """What the gateway acts on. `timeout` is seconds."""

    model: str
    timeout: float | None


def read_embeddings(fields: Mapping[str, Any]) -> EmbeddingsFields:
    """Check a decoded body and read it. Raises `InvalidRequest`, whose `param` names the field."""
    model = required_text(fields, "model")
    if "input" not in fields:
        raise missing("input", _WANTED)
    _check_input(fields["input"])
    check_fields(fields, FIELDS)
    return EmbeddingsFields(model=model, timeout=read_own(fields).timeout)


def _check_input(value: Any) -> None:
    if type(value) is str and value:
        return
    if type(value) is not list or not value:
        raise wrong("input", value, _WANTED)
    if type(value[0]) is int:
        _check_tokens("input", value)
        return
    if len(value) > MAX_INPUTS:
        raise wrong("input", value, f"at most {MAX_INPUTS} inputs in one request")
    for index, item in enumerate(value):
        _check_item(f"input[{index}]", item, like=type(value[0]))


def _check_item(path: str, item: Any, *, like: type) -> None:
    """All items of one input are of one type, as OpenAI wants it."""
    if like is list:
        if type(item) is not list or not item:
            raise wrong(path, item, "a non-empty array of tokens, as the item before it")
        _check_tokens(path, item)
    elif type(item) is not str or not item:
        raise wrong(path, item, "a non-empty string")


def _check_tokens(path: str, tokens: list[Any]) -> None:
    for index, token in enumerate(tokens):
        if type(token) is not int or token < 0:
            raise wrong(f"{path}[{index}]", token, "a token: an integer of at least 0")


FIELDS: dict[str, Check] = {
    "dimensions": integer(1),
    "encoding_format": one_of("float", "base64"),
    "user": text,
}
