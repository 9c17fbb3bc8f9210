"""Forms with files, written and read without a line of the gateway's own code."""

from collections.abc import Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

BOUNDARY = "form-5f0c2a7d"
FORM_HEADERS = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(fields: Mapping[str, Any], files: Sequence[tuple[str, bytes]] = ()) -> bytes:
    """The body of a form; a list is a field that comes again and again."""
    body = b""
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            body += _part(f'name="{name}"', str(one).encode())
    for name, content in files:
        body += _part(f'name="{name}"; filename="{name}.bin"\r\ncontent-type: application/octet-stream', content)
    return body + f"--{BOUNDARY}--\r\n".encode()


def parts_of(headers: Mapping[str, str], body: bytes) -> list[tuple[str, bytes]]:
    """Name and content of each part of a form that was received."""
    whole: Message = BytesParser(policy=HTTP).parsebytes(
        f"content-type: {headers['content-type']}\r\n\r\n".encode() + body
    )
    found: list[tuple[str, bytes]] = []
    for part in whole.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found.append((name, content))
    return found


def _part(names: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\ncontent-disposition: form-data; {names}\r\n\r\n".encode() + content + b"\r\n"
