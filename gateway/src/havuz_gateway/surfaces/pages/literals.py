"""JSON values as program code writes them: Python, JavaScript, PHP, and what a shell takes in quotes. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Language = Literal["python", "javascript", "php"]
_STEP = "    "
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SHORT = 76  # characters of a list or an object that stands in one line


@dataclass(frozen=True, slots=True)
class _Words:
    true: str
    false: str
    null: str
    open: str  # of an object
    close: str
    arrow: str


_LANGUAGES: dict[Language, _Words] = {
    "python": _Words("True", "False", "None", "{", "}", ": "),
    "javascript": _Words("true", "false", "null", "{", "}", ": "),
    "php": _Words("true", "false", "null", "[", "]", " => "),
}


def literal(value: Any, language: Language, *, indent: int = 0) -> str:
    """A decoded JSON value as code, whose further lines are indented by `indent` steps of four."""
    words = _LANGUAGES[language]
    match value:
        case bool():
            return words.true if value else words.false
        case None:
            return words.null
        case int() | float():
            return json.dumps(value)
        case str():
            return _text(value, language)
        case Mapping():
            parts = [f"{_name(name, language)}{words.arrow}{literal(one, language, indent=indent + 1)}"
                     for name, one in value.items()]  # fmt: skip
            return _enclosed(parts, words.open, words.close, indent)
        case list() | tuple():
            return _enclosed([literal(one, language, indent=indent + 1) for one in value], "[", "]", indent)
        case _:
            raise TypeError(f"no JSON value: {type(value).__name__}")


def shell(text: str) -> str:
    """A text as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _text(text: str, language: Language) -> str:
    if language == "php":  # in double quotes, a dollar sign would begin a variable
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(text, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _name(name: str, language: Language) -> str:
    plain = language == "javascript" and _IDENTIFIER.fullmatch(name) is not None
    return name if plain else _text(name, language)


def _enclosed(parts: list[str], opening: str, closing: str, indent: int) -> str:
    line = f"{opening}{', '.join(parts)}{closing}"
    if not parts or (len(line) <= _SHORT and "\n" not in line):
        return line
    inner = "".join(f"{_STEP * (indent + 1)}{part},\n" for part in parts)
    return f"{opening}\n{inner}{_STEP * indent}{closing}"
