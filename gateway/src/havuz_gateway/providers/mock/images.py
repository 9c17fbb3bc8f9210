"""What the mock answers to a request for pictures: real PNGs of the asked size, whatever format was asked for."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from havuz_gateway.protocols.openai_images.request import size_of
from havuz_gateway.providers.mock.chat import count_text
from havuz_gateway.providers.mock.picture import draw

_USUAL_SIZE = (1024, 1024)
_MOST_SIDE = 4_096
_TOKENS = {"low": 272, "medium": 1_056}
_BEST_TOKENS = 4_160
_INPUT_PICTURE_TOKENS = 323


def whole(fields: Mapping[str, Any], *, digest: str, created: int, pictures_read: int) -> Iterator[bytes]:
    """The JSON answer, picture by picture: each is work, and all of them can be large."""
    shown = _shown(fields)
    yield _dump({"created": created, **shown})[:-1] + b',"data":['
    count = fields.get("n") or 1
    for index in range(count):
        encoded = _drawn(fields, digest, index)
        as_url = fields.get("response_format") == "url"
        picture = {"url": f"data:image/png;base64,{encoded}"} if as_url else {"b64_json": encoded}
        yield (b"," if index else b"") + _dump(picture)
    yield b"]," + _dump({"usage": _usage(fields, count, pictures_read)})[1:]


def events(fields: Mapping[str, Any], *, digest: str, created: int, pictures_read: int, kind: str) -> Iterator[bytes]:
    """The stream: partial pictures, then each whole one. `kind` is image_generation or image_edit."""
    shown = {"created_at": created, **_shown(fields)}
    for index in range(fields.get("partial_images") or 0):
        members = {"partial_image_index": index, "b64_json": _drawn(fields, digest, -1 - index), **shown}
        yield _event(f"{kind}.partial_image", members)
    for index in range(fields.get("n") or 1):
        usage = _usage(fields, 1, pictures_read)
        yield _event(f"{kind}.completed", {"b64_json": _drawn(fields, digest, index), **shown, "usage": usage})


def blocked() -> bytes:
    """The error for a prompt that OpenAI's safety system refuses."""
    error = {
        "message": "Your request was rejected by the safety system. The mock provider was asked for a refusal.",
        "type": "image_generation_user_error",
        "param": None,
        "code": "moderation_blocked",
    }
    return _dump({"error": error})


def _event(kind: str, members: Mapping[str, Any]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + _dump({"type": kind, **members}) + b"\n\n"


def _size(fields: Mapping[str, Any]) -> tuple[int, int]:
    width, height = size_of(fields) or _USUAL_SIZE
    return min(width, _MOST_SIDE), min(height, _MOST_SIDE)


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    width, height = _size(fields)
    quality = fields.get("quality")
    return {
        "background": "opaque",
        "output_format": "png",
        "quality": quality if quality in _TOKENS else "high",
        "size": f"{width}x{height}",
    }


def _drawn(fields: Mapping[str, Any], digest: str, index: int) -> str:
    turn = index * 2 % len(digest)  # each picture of one answer has colours of its own
    return base64.b64encode(draw(*_size(fields), digest[turn:] + digest[:turn])).decode()


def _usage(fields: Mapping[str, Any], count: int, pictures_read: int) -> dict[str, Any]:
    text, read = count_text(str(fields.get("prompt"))), pictures_read * _INPUT_PICTURE_TOKENS
    made = count * _TOKENS.get(str(fields.get("quality")), _BEST_TOKENS)
    return {
        "input_tokens": text + read,
        "input_tokens_details": {"text_tokens": text, "image_tokens": read},
        "output_tokens": made,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
        "total_tokens": text + read + made,
    }


def _dump(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
