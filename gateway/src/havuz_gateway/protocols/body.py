"""A JSON request body that is read once and sent on byte for byte, but for the members that must change.

An edit finds the top-level members it touches in the original text and copies the text around them. Unknown fields,
number spellings, key order and white space reach the provider as they came.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, NoReturn

from havuz_gateway.protocols.json_text import dump

# Decoding takes time and memory per value, not per byte: pictures are large in bytes, hostile bodies in values.
MAX_COMMAS = 500_000
_WHITESPACE = " \t\n\r"
_MANY_BRACKETS = 200  # fewer can't be nested as deeply as Python's recursion goes
_HEADROOM = 50
_QUOTED = 100  # characters of a key that are shown back
# How an escaped letter or underscore begins: a key may be written with them.
_ESCAPED_LETTERS = ("\\u005", "\\u006", "\\u007")
_ESCAPED = "\\u00"  # and each of these


class BodyError(ValueError):
    """The body is no usable JSON object; `param` is the duplicated key where that is the reason."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class Span(NamedTuple):
    """Where one top-level member stands in the text."""

    key: int
    value: int
    end: int


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        duplicate = next(name for name, count in counts.items() if count > 1)[:_QUOTED]
        raise BodyError(f"the body names {duplicate!r} twice in one object; send each field once", duplicate)
    return members


def _no_constant(name: str) -> NoReturn:
    raise BodyError(f"the body holds {name}, which is not JSON; send a number or null")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
_skipper = json.JSONDecoder()


def _decoded_below(text: str, frames: int) -> Any:
    """`text` decoded so far down the stack, so that whoever works on the result has more of it left, not less."""
    return _decoded(text) if frames == 0 else _decoded_below(text, frames - 1)


def _decoded(text: str) -> Any:
    if text[:1] == "{":  # without the decoder's search for white space, of which there mostly is none
        value, end = _decoder.raw_decode(text)
        if end == len(text):
            return value
    return _decoder.decode(text)


class Body:
    """A decoded JSON object, and its text for edits."""

    __slots__ = ("_spans", "_text", "fields", "raw")

    def __init__(self, raw: bytes, text: str, fields: dict[str, Any]) -> None:
        self.raw = raw
        self.fields = fields
        self._text = text
        self._spans: dict[str, Span] | None = None  # walked for when an edit can't do without

    @classmethod
    def decode(cls, raw: bytes) -> "Body":
        """Read `raw`. Raises `BodyError` for anything but one well-formed JSON object without duplicate keys."""
        if raw.count(b",") > MAX_COMMAS:
            raise BodyError(f"the body holds more than {MAX_COMMAS} values; send fewer")
        try:
            text = raw.decode("utf-8")
            deep = text.count("[") + text.count("{") > _MANY_BRACKETS
            fields = _decoded_below(text, _HEADROOM) if deep else _decoded(text)
        except UnicodeDecodeError as error:
            raise BodyError(f"the body is not valid UTF-8 (byte {error.start})") from None
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
        if not isinstance(fields, dict):
            raise BodyError("the body must be a JSON object")
        return cls(raw, text, fields)

    def edited(self, change: Mapping[str, Any], remove: Collection[str] = ()) -> bytes:
        """The body with members of `change` set (added where absent) and those in `remove` gone; all else untouched."""
        removed = {name for name in remove if name in self.fields and name not in change} if remove else None
        if not change and not removed:
            return self.raw
        added = [f"{dump(name)}:{dump(change[name])}" for name in change if name not in self.fields]
        if removed:
            return self._rebuilt(change, removed, added)
        return self._replaced(change, added)

    def _replaced(self, change: Mapping[str, Any], added: list[str]) -> bytes:
        """Replace values in place; append new members before the closing brace."""
        places = sorted((self._span(name), name) for name in change if name in self.fields)
        pieces: list[str] = []
        position = 0
        for span, name in places:
            pieces += (self._text[position : span.value], dump(change[name]))
            position = span.end
        closing = self._text.rindex("}")
        pieces.append(self._text[position:closing])
        if added:
            pieces.append("," if self.fields else "")
            pieces.append(",".join(added))
        pieces.append(self._text[closing:])
        return "".join(pieces).encode()

    def _rebuilt(self, change: Mapping[str, Any], removed: Collection[str], added: list[str]) -> bytes:
        """Copy each member that stays; the white space between members goes with those that do not."""
        kept = [
            self._text[span.key : span.value]
            + (dump(change[name]) if name in change else self._text[span.value : span.end])
            for name, span in self._all_spans().items()
            if name not in removed
        ]
        return ("{" + ",".join(kept + added) + "}").encode()

    def _span(self, name: str) -> Span:
        """Where a member that is there stands."""
        quoted, text = f'"{name}"', self._text
        if self._spans is None and text.count(quoted) == 1 and not self._may_escape:
            # the text of the key stands there once, so that is the key
            key = text.index(quoted)
            value = _after_colon(text, key + len(quoted))
            return Span(key, value, _skipper.raw_decode(text, value)[1])
        return self._all_spans()[name]

    @property
    def _may_escape(self) -> bool:
        """Whether a key may be written with escaped letters."""
        return _ESCAPED in self._text and any(it in self._text for it in _ESCAPED_LETTERS)

    def _all_spans(self) -> dict[str, Span]:
        if self._spans is None:
            self._spans = _walk(self._text)
        return self._spans


def _skip(text: str, index: int) -> int:
    while text[index] in _WHITESPACE:
        index += 1
    return index


def _after_colon(text: str, index: int) -> int:
    return _skip(text, _skip(text, index) + 1)


def _walk(text: str) -> dict[str, Span]:
    """Every top-level member of a text that is known to be a JSON object."""
    spans: dict[str, Span] = {}
    index = _skip(text, text.index("{") + 1)
    while text[index] != "}":
        key = index
        name, index = _skipper.raw_decode(text, key)
        value = _after_colon(text, index)
        end = _skipper.raw_decode(text, value)[1]
        spans[name] = Span(key, value, end)
        index = _skip(text, end)
        if text[index] == ",":
            index = _skip(text, index + 1)
    return spans
