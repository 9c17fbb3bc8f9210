"""Taking a decoded JSON object apart: each member is taken once, what stays is what nobody understood."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Complaint = Callable[[str, Any, str], Exception]  # (path, value, what is wanted)
_T = TypeVar("_T")


class Members:
    """One JSON object at `path`. A member that is null counts as absent, and stays.

    Every method raises what `complaint` makes if a member is of the wrong type.
    """

    __slots__ = ("_complaint", "_left", "path")

    def __init__(self, value: Any, path: str, complaint: Complaint) -> None:
        if not isinstance(value, Mapping):
            raise complaint(path or "body", value, "an object")
        self._left = dict(value)
        self._complaint = complaint
        self.path = path

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, value: Any, wanted: str) -> Exception:
        """The complaint about a member, to be raised."""
        return self._complaint(self.at(name), value, wanted)

    def peek(self, name: str) -> Any:
        """A member that is not taken."""
        return self._left.get(name)

    def take(self, name: str) -> Any:
        """A member of any type."""
        return None if self._left.get(name) is None else self._left.pop(name)

    def put_back(self, name: str, value: Any) -> None:
        """Count a member as not understood after all."""
        self._left[name] = value

    def text(self, name: str) -> str | None:
        """A string."""
        return self._typed(name, str, "a string")

    def needed_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise self.wrong(name, None, "a string")
        return value

    def flag(self, name: str) -> bool | None:
        """True or false."""
        return self._typed(name, bool, "true or false")

    def whole(self, name: str) -> int | None:
        """An integer."""
        value = self.number(name)
        if value is not None and value != int(value):
            raise self.wrong(name, value, "an integer")
        return None if value is None else int(value)

    def tokens(self, name: str) -> int:
        """A number of tokens that must be there."""
        value = self.whole(name)
        if value is None or value < 0:
            raise self.wrong(name, value, "a number of tokens")
        return value

    def number(self, name: str) -> float | None:
        """A number; an integer stays one."""
        value = self.take(name)
        if value is not None and type(value) not in (int, float):
            raise self.wrong(name, value, "a number")
        if value is not None and not abs(value) < float("inf"):
            raise self.wrong(name, value, "a finite number")
        return value  # type: ignore[no-any-return]

    def array(self, name: str) -> list[Any] | None:
        """An array."""
        return self._typed(name, list, "an array")

    def texts(self, name: str) -> tuple[str, ...] | None:
        """An array of strings."""
        values = self.array(name)
        if values is not None and not all(isinstance(value, str) for value in values):
            raise self.wrong(name, values, "an array of strings")
        return None if values is None else tuple(values)

    def mapping(self, name: str) -> dict[str, Any] | None:
        """An object, as it is."""
        return self._typed(name, dict, "an object")

    def members(self, name: str) -> "Members | None":
        """An object, to be taken apart."""
        value = self.mapping(name)
        return None if value is None else Members(value, self.at(name), self._complaint)

    def each(self, name: str) -> "list[Members]":
        """The objects of an array; none where it is absent."""
        values = self.array(name) or []
        return [Members(value, f"{self.at(name)}[{index}]", self._complaint) for index, value in enumerate(values)]

    def some(self, name: str) -> "list[Members]":
        """The same; but an empty array, which says nothing, stays."""
        return self.each(name) if self._left.get(name) != [] else []

    def rest(self) -> dict[str, Any]:
        """What was not taken."""
        return self._left

    def _typed(self, name: str, kind: type[_T], wanted: str) -> _T | None:
        value = self.take(name)
        if value is not None and type(value) is not kind:
            raise self.wrong(name, value, wanted)
        return value
