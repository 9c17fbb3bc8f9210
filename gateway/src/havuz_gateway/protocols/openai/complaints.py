"""Sentences for a field that is wrong: what was sent, what is wanted. The field's path is the error's `param`."""

from typing import Any

from havuz_gateway.errors import InvalidRequest

_QUOTED = 40  # characters of a text that are shown back


def wrong(path: str, value: Any, wanted: str) -> InvalidRequest:
    """The complaint about one field."""
    return InvalidRequest(f"{path!r} is {sent(value)}; it must be {wanted}", param=path)


def missing(path: str, wanted: str) -> InvalidRequest:
    """The complaint about a field that is not there."""
    return InvalidRequest(f"{path!r} is missing; it must be {wanted}", param=path)


def sent(value: Any) -> str:
    """A short description of a decoded JSON value. Never holds more than a few characters of it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case str():
            return _text(value)
        case list():
            return f"an array of {len(value)}" if value else "an empty array"
        case dict():
            return "an object" if value else "an empty object"
        case _:
            return f"a {type(value).__name__}"


def _number(value: float) -> str:
    try:
        shown = str(value)
    except ValueError:  # an integer of more digits than Python prints
        return "a number that is too long"
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}…"


def _text(value: str) -> str:
    if not value:
        return "an empty string"
    shown = value if len(value) <= _QUOTED else value[:_QUOTED] + "…"
    return f"the string {shown.encode('utf-8', 'backslashreplace').decode()!r}"
