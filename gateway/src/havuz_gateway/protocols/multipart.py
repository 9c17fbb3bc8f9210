"""A form with files (`multipart/form-data`), read as it arrives and written anew with a few parts changed.

Text is kept; of a file only where it stands, so that a large one need not be held. RFC 7578, RFC 2046 section 5.1.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_MAX_HEAD = 8_192
_MAX_PARTS = 256
MAX_TEXT = 4 * 1024 * 1024  # bytes of all parts that are no files
# RFC 2046's characters of a boundary; those that have no place in a token need quotes around them.
_BOUNDARY = re.compile(r""";\s*boundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'+.-]{1,70})(?=\s*(?:;|$)))""", re.I | re.A)
_TOKEN = re.compile(rb"[\w'+.-]+")
_PARAMETER = re.compile(r';\s*(name|filename\*?)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)|%(22|0[AaDd])")


class FormError(ValueError):
    """The body is no usable form; the message says why, `param` names the part where it is about one."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class Span(NamedTuple):
    """From `start` until before `end`, bytes of the body."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its headers as they came, where its content stands, and the content itself where it is text."""

    name: str
    filename: str | None
    head: bytes
    content: Span
    text: str | None = field(default=None, repr=False)


def boundary_of(content_type: str) -> bytes:
    """The boundary that a content type names. Raises `FormError`."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise FormError("content-type multipart/form-data names no usable boundary: send the one of the body")
    return (found[1] or found[2]).encode()


def content_type_of(boundary: bytes) -> str:
    """The content type of a form with this boundary."""
    text = boundary.decode()
    written = text if _TOKEN.fullmatch(boundary) else f'"{text}"'
    return f"multipart/form-data; boundary={written}"


class FormReader:
    """Feed it the body in any chunking, then take `parts`. Every method raises `FormError`."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._buffer = b"\r\n"  # the first delimiter may stand at the very start
        self._offset = -2  # in the body, of the buffer's first byte
        self._step = self._skip_preamble
        self._head = b""
        self._name = ""
        self._filename: str | None = None
        self._start = 0
        self._text: bytearray | None = None
        self._text_left = MAX_TEXT
        self._parts: list[Part] = []
        self._ended = False

    def feed(self, chunk: bytes) -> None:
        """Take more of the body."""
        if self._ended:
            return
        self._buffer += chunk
        while not self._ended and self._step():
            pass

    def parts(self) -> tuple[Part, ...]:
        """All parts, after the last byte."""
        if not self._ended:
            raise FormError("the form breaks off: it must end with its boundary and two hyphens")
        return tuple(self._parts)

    def _skip_preamble(self) -> bool:
        if not self._find_delimiter():
            return False
        self._step = self._after_delimiter
        return True

    def _after_delimiter(self) -> bool:
        """Two hyphens end the form; else the line ends and headers follow."""
        if len(self._buffer) < 2:
            return False
        if self._buffer.startswith(b"--"):
            self._ended = True
            return False
        line_end = self._buffer.find(b"\r\n")
        if line_end < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise FormError("the form is not written as its boundary says")
            return False
        if self._buffer[:line_end].strip():
            raise FormError("the form is not written as its boundary says")
        self._advance(line_end)
        self._step = self._read_head
        return True

    def _read_head(self) -> bool:
        """Headers end at a blank line; the line break before the first one is in the buffer still."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > _MAX_HEAD:
            if len(self._buffer) > _MAX_HEAD:
                raise FormError(f"the headers of a part are larger than {_MAX_HEAD} bytes")
            return False
        if len(self._parts) >= _MAX_PARTS:
            raise FormError(f"the form has more than {_MAX_PARTS} parts")
        self._head = self._buffer[2:end]
        self._name, self._filename = _names(self._head)
        self._advance(end + 4)
        self._start = self._offset
        self._text = bytearray() if self._filename is None else None
        # an empty content's delimiter begins with the line break that ends the headers
        self._buffer, self._offset = b"\r\n" + self._buffer, self._offset - 2
        self._step = self._read_content
        return True

    def _read_content(self) -> bool:
        found = self._find_delimiter()
        if found:
            self._close()
            self._step = self._after_delimiter
        return found

    def _close(self) -> None:
        name, filename = self._name, self._filename
        end = self._offset - len(self._delimiter)
        text = None
        if self._text is not None:
            try:
                text = bytes(self._text[2:]).decode()
            except UnicodeDecodeError:
                raise FormError(f"the part {name!r} is not valid UTF-8", name) from None
        self._parts.append(Part(name, filename, self._head, Span(self._start, max(self._start, end)), text))

    def _find_delimiter(self) -> bool:
        """Move behind the next delimiter; where it has not come, past all that can not be the start of it."""
        at = self._buffer.find(self._delimiter)
        done = at if at >= 0 else max(0, len(self._buffer) - len(self._delimiter) + 1)
        if self._text is not None and self._step == self._read_content:
            self._text_left -= done
            if self._text_left < 0:
                raise FormError(f"the parts of the form that are no files are larger than {MAX_TEXT} bytes")
            self._text += self._buffer[:done]
        self._advance(at + len(self._delimiter) if at >= 0 else done)
        return at >= 0

    def _advance(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self._offset += count


def _names(head: bytes) -> tuple[str, str | None]:
    """A part's name, and the name of its file where it is one."""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        title, _, value = line.partition(":")
        if title.strip().lower() == "content-disposition":
            named = {name.lower().rstrip("*"): quoted or plain for name, quoted, plain in _PARAMETER.findall(value)}
            if "name" in named:
                filename = named.get("filename")
                return _plain(named["name"]), None if filename is None else _plain(filename)
    raise FormError("a part of the form has no name: send Content-Disposition: form-data; name=…")


def _plain(quoted: str) -> str:
    return _ESCAPED.sub(lambda found: found[1] or chr(int(found[2], 16)), quoted)


def fields_of(parts: Collection[Part]) -> dict[str, str | list[str]]:
    """The texts of a form by name; those of a name that ends in `[]` as a list. Raises `FormError`."""
    fields: dict[str, str | list[str]] = {}
    for part in parts:
        if part.text is None:
            continue
        before = fields.get(part.name)
        if isinstance(before, list):
            before.append(part.text)
        elif before is not None:
            raise FormError(f"the form names {part.name!r} twice; send each field once", part.name)
        else:
            fields[part.name] = [part.text] if part.name.endswith("[]") else part.text
    return fields


def rewritten(
    parts: Collection[Part], boundary: bytes, change: Mapping[str, str], remove: Collection[str]
) -> Iterator[bytes | Span]:
    """The form with the texts of `change` set and the parts in `remove` gone: bytes, and spans of the old body."""
    fields = dict(change)
    for part in parts:
        if part.name in remove and part.name not in change:
            continue
        if part.name in change:
            if part.name in fields:
                yield _written(boundary, part.name, fields.pop(part.name))
            continue
        yield b"--" + boundary + b"\r\n" + part.head + b"\r\n\r\n"
        yield part.content if part.text is None else part.text.encode()
        yield b"\r\n"
    for name, text in fields.items():
        yield _written(boundary, name, text)
    yield b"--" + boundary + b"--\r\n"


def _written(boundary: bytes, name: str, text: str) -> bytes:
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = f'Content-Disposition: form-data; name="{quoted}"\r\n\r\n{text}\r\n'
    return b"--" + boundary + b"\r\n" + head.encode("utf-8", "replace")
