"""Checks of single fields, made from a bound or a list, for tables of `name -> check`. Null counts as absent."""

from collections.abc import Callable, Mapping
from typing import Any

from havuz_gateway.protocols.openai.complaints import missing, wrong

Check = Callable[[str, Any], None]  # (path, value); raises InvalidRequest


def check_fields(fields: Mapping[str, Any], table: Mapping[str, Check]) -> None:
    """Check every field that the table knows. Unknown fields pass. Raises `InvalidRequest`."""
    for name, value in fields.items():
        if value is not None:
            check = table.get(name)
            if check is not None:
                check(name, value)


def required_text(fields: Mapping[str, Any], name: str) -> str:
    """The field as a non-empty string. Raises `InvalidRequest`."""
    value = fields.get(name)
    if isinstance(value, str) and value:
        return value
    if name not in fields:
        raise missing(name, "a non-empty string")
    raise wrong(name, value, "a non-empty string")


def number(low: float, high: float) -> Check:
    """A number from `low` to `high`."""

    def check(path: str, value: Any) -> None:
        if type(value) not in (int, float) or not low <= value <= high:
            raise wrong(path, value, f"a number from {low:g} to {high:g}")

    return check


def integer(low: int | None = None, high: int | None = None) -> Check:
    """A whole number within the bounds that are given."""
    match low, high:
        case None, None:
            wanted = "an integer"
        case _, None:
            wanted = f"an integer of at least {low}"
        case _:
            wanted = f"an integer from {low} to {high}"

    def check(path: str, value: Any) -> None:
        if type(value) is not int or (low is not None and value < low) or (high is not None and value > high):
            raise wrong(path, value, wanted)

    return check


def boolean(path: str, value: Any) -> None:
    """True or false."""
    if type(value) is not bool:
        raise wrong(path, value, "true or false")


def text(path: str, value: Any) -> None:
    """Any string."""
    if type(value) is not str:
        raise wrong(path, value, "a string")


def mapping(path: str, value: Any) -> None:
    """Any object."""
    if type(value) is not dict:
        raise wrong(path, value, "an object")


def array(path: str, value: Any) -> None:
    """Any array."""
    if type(value) is not list:
        raise wrong(path, value, "an array")


def one_of(*allowed: str) -> Check:
    """One of a few strings."""
    wanted = " or ".join(f"'{name}'" for name in allowed)

    def check(path: str, value: Any) -> None:
        if value not in allowed:
            raise wrong(path, value, wanted)

    return check
