"""Checks of single fields, made from a bound or a list, for tables of `name -> check`. Null counts as absent.

What a check wants can be said as a JSON schema, so that the API's document tells the bounds that are enforced.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Number:
    low: float
    high: float

    def __call__(self, path: str, value: Any) -> None:
        if type(value) not in (int, float) or not self.low <= value <= self.high:
            raise wrong(path, value, f"a number from {self.low:g} to {self.high:g}")


@dataclass(frozen=True, slots=True)
class _Integer:
    low: int | None
    high: int | None

    def __call__(self, path: str, value: Any) -> None:
        if (
            type(value) is not int
            or (self.low is not None and value < self.low)
            or (self.high is not None and value > self.high)
        ):
            raise wrong(path, value, self._wanted())

    def _wanted(self) -> str:
        match self.low, self.high:
            case None, None:
                return "an integer"
            case low, None:
                return f"an integer of at least {low}"
            case low, high:
                return f"an integer from {low} to {high}"


@dataclass(frozen=True, slots=True)
class _OneOf:
    allowed: tuple[str, ...]

    def __call__(self, path: str, value: Any) -> None:
        if value not in self.allowed:
            raise wrong(path, value, " or ".join(f"'{name}'" for name in self.allowed))


def number(low: float, high: float) -> Check:
    """A number from `low` to `high`."""
    return _Number(low, high)


def integer(low: int | None = None, high: int | None = None) -> Check:
    """A whole number within the bounds that are given."""
    return _Integer(low, high)


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
    return _OneOf(allowed)


def schema_of(check: Check) -> dict[str, Any] | None:
    """What the check wants as a JSON schema; None for a check that is not of this module."""
    match check:
        case _Number(low, high):
            return {"type": "number", "minimum": low, "maximum": high}
        case _Integer(low, high):
            bounds = {"minimum": low, "maximum": high}
            return {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}}
        case _OneOf(allowed):
            return {"type": "string", "enum": list(allowed)}
        case _:
            kind = _KINDS.get(check)
            return None if kind is None else {"type": kind}


_KINDS: Mapping[Check, str] = {boolean: "boolean", text: "string", mapping: "object", array: "array"}
