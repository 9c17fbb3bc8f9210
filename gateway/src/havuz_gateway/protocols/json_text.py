"""JSON between texts and values, strict both ways."""

import json
from typing import Any, NoReturn


def dump(value: Any) -> str:
    """Compact JSON that can always be sent as UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no UTF-8, but it has an escape
        return json.dumps(value, separators=(",", ":"))
    return text


def load(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError` for anything else, NaN and absurd depth included."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def load_object(text: str | bytes) -> dict[str, Any] | None:
    """The object that a text holds, or None if it holds none."""
    try:
        value = load(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
