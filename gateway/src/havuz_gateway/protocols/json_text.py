"""JSON between texts and values, strict both ways.

msgspec does the usual in a quarter of the time; what it does not take is left to the standard library, which decides:
half a surrogate pair in an escape, and numbers larger than a float can be.
"""

import json
from typing import Any, NoReturn

import msgspec


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_escaped = json.JSONEncoder(separators=(",", ":")).encode
_decoder = json.JSONDecoder(parse_constant=_no_constant)


def encode_json(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    try:
        return _encode(value)
    except (TypeError, ValueError, msgspec.MsgspecError):
        return _spelled(value).encode()


def dump(value: Any) -> str:
    """Compact JSON that can always be sent as UTF-8."""
    return encode_json(value).decode()


def load(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError` for anything else, NaN and absurd depth included."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, ValueError):
        return _loaded(text if isinstance(text, str) else text.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def load_object(text: str | bytes) -> dict[str, Any] | None:
    """The object that a text holds, or None if it holds none."""
    try:
        value = load(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _spelled(value: Any) -> str:
    text = _compact(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no UTF-8, but it has an escape
        return _escaped(value)
    return text


def _loaded(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
