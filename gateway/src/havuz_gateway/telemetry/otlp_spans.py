"""Spans in OTLP's protobuf: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto.

Written by hand, since objects of the protobuf library for each attribute cost more than all else about a span. How
protobuf is written: https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from struct import Struct

from havuz_gateway.telemetry.recording import SpanRecord

_DOUBLE = Struct("<d").pack
_TIMES = Struct("<BQBQ").pack  # start_time_unix_nano (7) and end_time_unix_nano (8), both fixed64
_START, _END = 7 << 3 | 1, 8 << 3 | 1
_NO_ERROR, _ERROR = b"\x7a\x00", b"\x7a\x02\x18\x02"  # status (15); its code (3) 2
_HAS_IS_REMOTE, _IS_REMOTE = b"\x85\x01\x00\x01\x00\x00", b"\x85\x01\x00\x03\x00\x00"  # flags (16), fixed32
_TRUE, _FALSE = b"\x12\x02\x10\x01", b"\x12\x02\x10\x00"  # value (2) of an attribute: bool_value (2)
_LOW = 0x7F


def encode_span(span: SpanRecord) -> bytes:
    """A span that has ended, as a `Span` without its tag."""
    parts = [b"\x0a\x10", span.trace_id.to_bytes(16, "big"), b"\x12\x08", span.span_id.to_bytes(8, "big")]
    if span.state:
        parts.append(_text(b"\x1a", span.state.to_header()))
    if span.parent_id is not None:
        parts += (b"\x22\x08", span.parent_id.to_bytes(8, "big"))
    parts += (_text(b"\x2a", span.name), b"\x30", _varint(span.kind), _TIMES(_START, span.start_ns, _END, span.end_ns))
    for key, value in span.attributes.items():
        parts.append(_known(key, value) if isinstance(value, str | int) else _attribute(key, value))
    parts.append(_ERROR if span.error else _NO_ERROR)
    parts.append(_IS_REMOTE if span.parent_is_remote else _HAS_IS_REMOTE)
    return b"".join(parts)


def encode_resource(attributes: Mapping[str, object]) -> bytes:
    """Whom spans are of, as the `resource` field of `ResourceSpans`."""
    said = [_framed(b"\x0a", _text(b"\x0a", key) + _value(value)) for key, value in attributes.items()]
    return _framed(b"\x0a", b"".join(said))


def encode_request(resource: bytes, scopes: Mapping[str, Sequence[bytes]]) -> bytes:
    """An `ExportTraceServiceRequest` of spans from `encode_span`, by the scope that each is of."""
    held = [resource]
    for scope, spans in scopes.items():
        named = _framed(b"\x0a", _text(b"\x0a", scope))
        held.append(_framed(b"\x12", named + b"".join([_framed(b"\x12", span) for span in spans])))
    return _framed(b"\x0a", b"".join(held))


def _value(value: object) -> bytes:
    match value:
        case str():
            return _framed(b"\x12", _text(b"\x0a", value))
        case bool():  # before int, which it is, too
            return _TRUE if value else _FALSE
        case int():
            return _framed(b"\x12", b"\x18" + _varint(value))
        case float():
            return b"\x12\x09\x21" + _DOUBLE(value)
        case Iterable():
            array = b"".join([_framed(b"\x0a", _text(b"\x0a", str(one))) for one in value])
            return _framed(b"\x12", _framed(b"\x2a", array))
        case _:
            raise TypeError(f"an attribute's value is {value!r}: text, a number, a flag or a list of texts is wanted")


def _attribute(key: str, value: object) -> bytes:
    return _framed(b"\x4a", _text(b"\x0a", key) + _value(value))


_known = lru_cache(maxsize=4096, typed=True)(_attribute)  # most say the same of every request: typed, for True is 1


def _text(tag: bytes, text: str) -> bytes:
    return _framed(tag, text.encode("utf-8", "replace"))


def _framed(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    return tag + (_SIZES[size] if size <= _LOW else _varint(size)) + content


def _varint(number: int) -> bytes:
    if 0 <= number <= _LOW:
        return _SIZES[number]
    number &= 0xFFFF_FFFF_FFFF_FFFF  # negative numbers are written as if they had 64 bits
    written = bytearray()
    while number > _LOW:
        written.append(number & _LOW | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


_SIZES = tuple(bytes((size,)) for size in range(_LOW + 1))
