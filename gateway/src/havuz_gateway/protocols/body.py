"""A JSON request body that is read once and sent on byte for byte, but for the members that must change.

One pass decodes every top-level member and remembers where it stands in the text; an edit copies the text around
the members it touches. Unknown fields, number spellings, key order and white space reach the provider as they came.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

_WHITESPACE = " \t\n\r"


class BodyError(ValueError):
    """The body is no usable JSON object; `param` is the duplicated key where that is the reason."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise BodyError(f"the body names {duplicate!r} twice in one object; send each field once", duplicate)
    return members


def _no_constant(name: str) -> NoReturn:
    raise BodyError(f"the body holds {name}, which is not JSON; send a number or null")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


class Body:
    """A decoded JSON object with the place of each top-level member in the original text."""

    __slots__ = ("_spans", "_text", "fields", "raw")

    def __init__(self, raw: bytes, text: str, fields: dict[str, Any], spans: dict[str, tuple[int, int, int]]) -> None:
        self.raw = raw
        self.fields = fields
        self._text = text
        self._spans = spans  # name -> start of the key, start of the value, end of the value

    @classmethod
    def decode(cls, raw: bytes) -> "Body":
        """Read `raw`. Raises `BodyError` for anything but one well-formed JSON object without duplicate keys."""
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BodyError(f"the body is not valid UTF-8 (byte {error.start})") from None
        try:
            fields, spans = _read_object(text)
        except json.JSONDecodeError as error:
            raise BodyError(
                f"the body is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}"
            ) from None
        except RecursionError:
            raise BodyError("the body is nested too deeply") from None
        except BodyError:
            raise
        except ValueError:  # Python's bound on the digits of an integer
            raise BodyError("the body holds a number of too many digits") from None
        return cls(raw, text, fields, spans)

    def edited(self, change: Mapping[str, Any], remove: Collection[str] = ()) -> bytes:
        """The body with members of `change` set (added where absent) and those in `remove` gone; all else untouched."""
        absent = [name for name in change if name not in self._spans]
        present = [name for name in self._spans if name in change or name in remove]
        if not absent and not present:
            return self.raw
        kept: list[str] = []
        for name, (start, value_start, end) in self._spans.items():
            if name in remove and name not in change:
                continue
            value = _dump(change[name]) if name in change else self._text[value_start:end]
            kept.append(self._text[start:value_start] + value)
        if not any(name in remove and name not in change for name in present):
            return self._replaced(change, absent)
        kept.extend(f"{_dump(name)}:{_dump(change[name])}" for name in absent)
        return ("{" + ",".join(kept) + "}").encode()

    def _replaced(self, change: Mapping[str, Any], absent: list[str]) -> bytes:
        """Replace values in place; append absent members before the closing brace."""
        pieces: list[str] = []
        position = 0
        for name, (_, value_start, end) in self._spans.items():
            if name in change:
                pieces += (self._text[position:value_start], _dump(change[name]))
                position = end
        closing = self._text.rindex("}")
        pieces.append(self._text[position:closing])
        for index, name in enumerate(absent):
            comma = "," if self._spans or index else ""
            pieces.append(f"{comma}{_dump(name)}:{_dump(change[name])}")
        pieces.append(self._text[closing:])
        return "".join(pieces).encode()


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no UTF-8, but it has an escape
        return json.dumps(value, separators=(",", ":"))
    return text


def _skip(text: str, index: int) -> int:
    while index < len(text) and text[index] in _WHITESPACE:
        index += 1
    return index


def _expect(text: str, index: int, wanted: str) -> int:
    if text[index : index + 1] != wanted:
        raise json.JSONDecodeError(f"Expecting {wanted!r}", text, index)
    return _skip(text, index + 1)


def _read_object(text: str) -> tuple[dict[str, Any], dict[str, tuple[int, int, int]]]:
    fields: dict[str, Any] = {}
    spans: dict[str, tuple[int, int, int]] = {}
    start = _skip(text, 0)
    if text[start : start + 1] not in ("{", ""):
        _decoder.decode(text)  # not JSON at all is the clearer complaint
        raise BodyError("the body must be a JSON object")
    index = _expect(text, start, "{")
    while text[index : index + 1] != "}":
        if fields:
            index = _expect(text, index, ",")
        key_start = index
        if text[index : index + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, index)
        name, index = _decoder.raw_decode(text, index)
        value_start = _expect(text, _skip(text, index), ":")
        value, index = _decoder.raw_decode(text, value_start)
        if name in fields:
            raise BodyError(f"the body names {name!r} twice; send each field once", name)
        fields[name] = value
        spans[name] = (key_start, value_start, index)
        index = _skip(text, index)
    if _skip(text, index + 1) != len(text):
        raise json.JSONDecodeError("Extra data", text, index + 1)
    return fields, spans
