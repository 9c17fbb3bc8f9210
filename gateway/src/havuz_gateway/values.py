"""Values that are made for every request or every event: frozen for the type checker, and quickly made.

`@dataclass(frozen=True)` sets each field through `object.__setattr__`, so that a value of ten fields takes some 2 µs to
make; without it the fields are plain stores, which take a quarter of that. What is made once per configuration or per
process stays a frozen dataclass.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_T]) -> type[_T]:
    """Like `@dataclass(frozen=True, slots=True)`: equal and hashed by its fields; mypy refuses a change of one."""
    return _made(cls)


_made: Callable[[type[Any]], type[Any]] = dataclass(slots=True, unsafe_hash=True)
