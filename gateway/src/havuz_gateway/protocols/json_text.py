"""JSON between texts and values, strict both ways."""

import json
from typing import Any, NoReturn


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_escaped = json.JSONEncoder(separators=(",", ":")).encode
_WHITESPACE = " \t\n\r"
_decoder = json.JSONDecoder(parse_constant=_no_constant)


def dump(value: Any) -> str:
    """Compact JSON that can always be sent as UTF-8."""
    text = _compact(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair has no UTF-8, but it has an escape
            return _escaped(value)
    return text


def load(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError` for anything else, NaN and absurd depth included."""
    whole = text if isinstance(text, str) else text.decode()
    try:
        if whole[:1] == "{":  # without the decoder's search for white space, of which there mostly is none
            value, end = _decoder.raw_decode(whole)
            if end == len(whole) or not whole[end:].strip(_WHITESPACE):
                return value
        return _decoder.decode(whole)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def load_object(text: str | bytes) -> dict[str, Any] | None:
    """The object that a text holds, or None if it holds none."""
    try:
        value = load(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
