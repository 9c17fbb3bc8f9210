"""Forms with files: read in any chunking, written anew with a few parts changed, refused with a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.protocols.multipart import (
    FormError,
    FormReader,
    Part,
    Span,
    boundary_of,
    content_type_of,
    fields_of,
    rewritten,
)

BOUNDARY = b"--xY'9"
PARTS = [
    ('name="model"', b"whisper-1"),
    ('name="empty"', b""),
    ('name="include[]"', b"logprobs"),
    ('name="include[]"', b"usage"),
    ('name="file"; filename="a \\"b\\".wav"', b"RIFF\r\n--\r\n--xY\r\n\x00\xff" * 9),
    ('name="mask"; filename="m.png"', b""),
    ('name="prompt"', "günaydın\r\n".encode()),
]


def written(parts: list[tuple[str, bytes]]) -> bytes:
    body = b"ignored"
    for names, content in parts:
        body += b"\r\n--" + BOUNDARY + b"\r\ncontent-disposition: form-data; " + names.encode() + b"\r\n\r\n" + content
    return body + b"\r\n--" + BOUNDARY + b"--\r\nignored, too"


def read(body: bytes, sizes: list[int] | None = None) -> tuple[Part, ...]:
    reader = FormReader(BOUNDARY)
    position = 0
    for size in sizes or [len(body)]:
        reader.feed(body[position : position + size])
        position += size
    reader.feed(body[position:])
    return reader.parts()


@given(st.lists(st.integers(1, 40), max_size=60))
def test_any_chunking_gives_the_same_parts(sizes: list[int]) -> None:
    body = written(PARTS)
    parts = read(body, sizes)
    assert parts == read(body)
    assert [body[part.content.start : part.content.end] for part in parts] == [content for _, content in PARTS]
    assert [(part.name, part.filename) for part in parts if part.text is None] == [
        ("file", 'a "b".wav'),
        ("mask", "m.png"),
    ]
    assert fields_of(parts) == {
        "model": "whisper-1",
        "empty": "",
        "include[]": ["logprobs", "usage"],
        "prompt": "günaydın\r\n",
    }


def test_a_form_without_a_preamble_is_read() -> None:
    body = written([('name="a"', b"1")]).removeprefix(b"ignored\r\n")
    assert fields_of(read(body)) == {"a": "1"}


def test_parts_are_set_added_and_removed_and_files_stay_as_they_are() -> None:
    body = written(PARTS)
    pieces = rewritten(read(body), BOUNDARY, {"model": "better", "n": "2"}, ["prompt", "model"])
    anew = b"".join(one if isinstance(one, bytes) else body[one.start : one.end] for one in pieces)
    parts = read(anew)
    assert fields_of(parts) == {"model": "better", "empty": "", "include[]": ["logprobs", "usage"], "n": "2"}
    assert [anew[slice(*part.content)] for part in parts if part.text is None] == [PARTS[4][1], b""]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (written(PARTS)[:-30], "breaks off"),
        (b"", "breaks off"),
        (b"--" + BOUNDARY + b"\r\n\r\nx\r\n--" + BOUNDARY + b"--", "no name"),
        (b"--" + BOUNDARY + b"nonsense\r\n\r\n", "not written as its boundary says"),
        (b"--" + BOUNDARY + b"\r\n" + b"x" * 9_000, "larger than 8192 bytes"),
        (written([('name="a"', b"\xff")]), "'a' is not valid UTF-8"),
        (written([('name="a"', b"1")] * 300), "more than 256 parts"),
        (written([('name="a"', b"x" * 2**22 + b"y")]), "larger than 4194304 bytes"),
    ],
    ids=["half", "empty", "nameless", "garbage", "headers", "not-utf-8", "too-many", "too-much-text"],
)
def test_what_is_no_form_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(FormError, match=words):
        read(body)


def test_a_name_that_comes_twice_is_refused_unless_it_is_a_list() -> None:
    with pytest.raises(FormError, match="'a' twice") as refused:
        fields_of(read(written([('name="a"', b"1"), ('name="a"', b"2")])))
    assert refused.value.param == "a"


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data;charset=utf-8; Boundary="a b:c"', b"a b:c"),
        ("multipart/form-data; boundary=----WebKitFormBoundaryjwSa7J ; charset=utf-8", b"----WebKitFormBoundaryjwSa7J"),
    ],
    ids=["plain", "quoted", "followed"],
)
def test_the_boundary_is_in_the_content_type(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary
    assert boundary_of(content_type_of(boundary)) == boundary


@pytest.mark.parametrize("rest", ["", "; boundary=", '; boundary="a', "; boundary=\xe7", '; boundary="a;b"'])
def test_a_content_type_without_a_boundary_is_refused(rest: str) -> None:
    with pytest.raises(FormError, match="names no usable boundary"):
        boundary_of("multipart/form-data" + rest)


def test_a_span_says_where_a_content_stands() -> None:
    body = written([('name="f"; filename="x"', b"12345")])
    assert read(body)[0].content == Span(body.index(b"12345"), body.index(b"12345") + 5)
