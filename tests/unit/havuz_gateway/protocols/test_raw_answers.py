"""Answers that are no JSON, and how long a sound says that it is."""

import struct

import pytest

from havuz_gateway.protocols.error_bodies import read_error
from havuz_gateway.protocols.errors import AnswerUnreadable
from havuz_gateway.protocols.openai_audio.answer import heard
from havuz_gateway.protocols.openai_audio.wav import seconds_of
from havuz_gateway.protocols.raw import RawTap, read_text
from havuz_gateway.protocols.usage import Usage

SRT = b"1\n00:00:00,000 --> 00:00:02,500\nHi\n\n2\n00:00:02,500 --> 01:02:03,004\nBye\n"
VTT = b"WEBVTT\n\n00:00.000 --> 00:02.500\nHi\n"


@pytest.mark.parametrize(
    ("body", "length"), [(SRT, 3_723_004), (VTT, 2_500), (b"Merhaba.\n", 0), (b"{braces}", 0), (b"", 0)]
)
def test_subtitles_say_how_long_the_sound_was(body: bytes, length: int) -> None:
    answer = read_text(body, read_error)
    assert (answer.body, answer.content_type) == (body, "text/plain; charset=utf-8")
    assert answer.usage == Usage(input=0, output=0, audio_ms=length)


def test_a_page_is_no_text() -> None:
    with pytest.raises(AnswerUnreadable, match="HTML"):
        read_text(b"\n<html>busy</html>", read_error)


def test_an_error_in_place_of_a_text_is_one() -> None:
    error = read_text(b'{"error": {"message": "busy"}}', read_error).error
    assert error is not None
    assert error.message == "busy"


def test_bytes_are_whole_when_they_end_and_there_were_any() -> None:
    tap = RawTap()
    assert (tap.end(), tap.found.done) == (b"", False)
    assert tap.feed(b"\x00data: x\n\n") == b"\x00data: x\n\n"
    tap.end()
    assert tap.found.done


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({}, Usage(0, 0)),
        ({"usage": {"type": "duration", "seconds": 1.5}}, Usage(0, 0, audio_ms=1_500)),
        ({"duration": "8.4700"}, Usage(0, 0, audio_ms=8_470)),
        ({"duration": -1}, Usage(0, 0, clamped=True)),
        ({"duration": "long"}, Usage(0, 0, clamped=True)),
        ({"duration": "nan"}, Usage(0, 0, clamped=True)),
        ({"usage": {"type": "tokens", "input_tokens": 3, "output_tokens": 2}, "duration": 1},
         Usage(3, 2, audio_ms=1_000)),
    ],
    ids=["nothing", "usage", "text", "negative", "word", "nan", "both"],
)  # fmt: skip
def test_a_transcription_tells_tokens_or_seconds(fields: dict[str, object], usage: Usage) -> None:
    assert heard(fields) == usage


def test_a_wav_says_how_long_it_is_and_nothing_else_does() -> None:
    header = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16)
    header += b"data" + struct.pack("<I", 0)
    assert seconds_of(header, 44 + 32_000) == 2.0
    assert seconds_of(header[:40], 44) is None
    assert seconds_of(b"ID3" + bytes(60), 63) is None
    assert seconds_of(header[:28] + bytes(4) + header[32:], 100) is None
