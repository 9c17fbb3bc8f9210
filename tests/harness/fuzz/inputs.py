"""What is thrown at the wire languages: golden cases with a few things changed, and sheer junk."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from havuz_gateway.protocols import sse

_CASES = Path(__file__).parents[2] / "golden" / "protocols"
JUNK: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 10**400, "", "x", "text", "function", "base64", "http://[", "data:;base64,",
    [], [[]], [None], ["x"], {}, {"type": "x"}, {"type": "text"}, {"type": None}, [{"type": "tool_use"}], [{}],
    {"": ""}, "\ud800", "\0", "9" * 5_000,
]  # fmt: skip
_BYTES = [
    b"", b"\n", b"\r", b"\n\n", b"\r\n\r\n", b"data:", b"data: ", b"data: {}\n\n", b"data: [DONE]\n\n",
    b"data: null\n\n", b": x\n\n", b"event: error\n", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\xff", b"\xc3",
    b"\0", b"NaN", b"1e999", b"null", b"\\ud800", b'"error"', b'"usage":null', b"[" * 2_000,
]  # fmt: skip


@cache
def corpus(protocol: str, kind: str) -> tuple[bytes, ...]:
    """The golden cases of a protocol: kind is request.json, response.json or stream.chunks."""
    paths = sorted((_CASES / protocol).glob(f"*.{kind}"))
    return tuple(path.read_bytes() for path in paths if ".to_" not in path.name)


@st.composite
def spoiled(draw: st.DrawFn, protocol: str, kind: str) -> bytes:
    """A JSON case with one to three values replaced by junk, doubled or gone."""
    value = json.loads(draw(st.sampled_from(corpus(protocol, kind) or (b"{}",))))
    for _ in range(draw(st.integers(1, 3))):
        value = _changed(draw, value)
    return json.dumps(value).encode()


def _changed(draw: st.DrawFn, value: Any) -> Any:
    """The same JSON with one thing in it changed."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(value)))
        rest = {key: inner for key, inner in value.items() if key != name}
        match draw(st.integers(0, 7)):
            case 0:
                return rest
            case 1:
                return {**rest, draw(st.sampled_from(["x", "type", "error", "usage"])): value[name]}
            case _:
                return {**rest, name: _changed(draw, value[name])}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        place = draw(st.integers(0, len(value) - 1))
        one = value[place]
        changed = [one, one] if not draw(st.integers(0, 5)) else [_changed(draw, one)]
        return [*value[:place], *changed, *value[place + 1 :]]
    return draw(st.sampled_from(JUNK))


@st.composite
def torn(draw: st.DrawFn, protocol: str, kind: str) -> bytes:
    """A case with bytes cut out, doubled or put in; or no case at all."""
    if not draw(st.integers(0, 9)):
        return draw(st.binary(max_size=200))
    found = draw(st.sampled_from(corpus(protocol, kind) or (b"{}",)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(found)))
        end = min(len(found), start + draw(st.integers(0, 40)))
        found = found[:start] + draw(st.sampled_from([*_BYTES, found[start:end] * 2])) + found[end:]
    return found


@st.composite
def streams(draw: st.DrawFn, protocol: str) -> bytes:
    """A stream with events left out, doubled, moved or spoiled, or torn anywhere."""
    if draw(st.booleans()):
        return draw(torn(protocol, "stream.chunks"))
    stream = draw(st.sampled_from(corpus(protocol, "stream.chunks") or (b"data: {}\n\n",)))
    frames = [event.rstrip(b"\r\n") for event in sse.events(stream)]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(frames) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                frames = frames[:place] + frames[place + 1 :] or [b""]
            case 1:
                frames.insert(draw(st.integers(0, len(frames))), frames[place])
            case _:
                frames[place] = _changed_frame(draw, frames[place])
    return b"".join(frame + b"\n\n" for frame in frames)


def _changed_frame(draw: st.DrawFn, frame: bytes) -> bytes:
    head, mark, payload = frame.rpartition(b"data: ")
    if not payload.startswith(b"{"):
        return head + mark + json.dumps(draw(st.sampled_from(JUNK))).encode()
    try:
        value = json.loads(payload)
    except ValueError:  # changed before
        return b""
    return head + mark + json.dumps(_changed(draw, value)).encode()


@st.composite
def chunkings(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """The stream in pieces."""
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    return [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
