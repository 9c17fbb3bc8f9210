"""The laws of every codec, for whatever its protocol can say."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.neutral_domains import DOMAINS
from havuz_gateway.protocols.anthropic.codec import CODEC as ANTHROPIC
from havuz_gateway.protocols.codec import Codec, Quirks, Stamp, StreamReader
from havuz_gateway.protocols.gemini.codec import CODEC as GEMINI
from havuz_gateway.protocols.json_text import load_object
from havuz_gateway.protocols.neutral.content import (
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    joined_text,
)
from havuz_gateway.protocols.neutral.errors import AnswerUnreadable
from havuz_gateway.protocols.neutral.events import ChatEvent, ResponseEnd
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.neutral.response import ChatResponse
from havuz_gateway.protocols.neutral.unfold import unfold
from havuz_gateway.protocols.openai_chat.codec import CODEC as OPENAI_CHAT
from havuz_gateway.protocols.openai_responses.codec import CODEC as OPENAI_RESPONSES

CODECS = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI)
PAIRS = [(client, provider) for client in CODECS for provider in CODECS if client is not provider]
MAX_EVENT = 1_000_000
RELAXED = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
each_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.protocol)
each_pair = pytest.mark.parametrize(("client", "provider"), PAIRS, ids=lambda codec: codec.protocol)


def streamed(codec: Codec, events: list[ChatEvent]) -> bytes:
    encoder = codec.stream_encoder(Stamp(), True)
    return b"".join(encoder.feed(event) for event in events)


def read(codec: Codec, stream: bytes, cuts: list[int] | None = None) -> list[ChatEvent]:
    reader = StreamReader(codec.stream_decoder(), max_event_bytes=MAX_EVENT)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts or []), len(stream)]
    found = [event for start, end in pairwise(places) for event in reader.feed(stream[start:end])]
    return found + reader.end()


@each_codec
@RELAXED
@given(data=st.data())
def test_an_answer_survives_its_own_protocol(codec: Codec, data: st.DataObject) -> None:
    response = data.draw(DOMAINS[codec.protocol].responses)
    encoded = codec.encode_response(response, Stamp())
    assert encoded.dropped == ()
    assert codec.decode_response(encoded.body) == response


@each_codec
@RELAXED
@given(data=st.data())
def test_a_streamed_answer_folds_to_the_answer(codec: Codec, data: st.DataObject) -> None:
    response = data.draw(DOMAINS[codec.protocol].responses)
    events = list(unfold(response))
    assert fold(events) == response
    assert fold(read(codec, streamed(codec, events))) == response


@each_codec
@RELAXED
@given(data=st.data())
def test_any_chunking_gives_the_same_events(codec: Codec, data: st.DataObject) -> None:
    response = data.draw(DOMAINS[codec.protocol].responses)
    stream = streamed(codec, list(unfold(response)))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    assert read(codec, stream, cuts) == read(codec, stream)


@each_codec
@RELAXED
@given(data=st.data())
def test_a_truncated_stream_never_ends_clean(codec: Codec, data: st.DataObject) -> None:
    response = data.draw(DOMAINS[codec.protocol].responses)
    stream = streamed(codec, list(unfold(response))).rstrip(b"\n")
    cut = data.draw(st.integers(0, len(stream) - 1))
    reader = StreamReader(codec.stream_decoder(), max_event_bytes=MAX_EVENT)
    found = reader.feed(stream[:cut])
    assert ResponseEnd() not in found
    with pytest.raises(AnswerUnreadable):
        reader.end()


@each_codec
@RELAXED
@given(data=st.data())
def test_a_request_survives_its_own_protocol(codec: Codec, data: st.DataObject) -> None:
    request = data.draw(DOMAINS[codec.protocol].requests)
    encoded = codec.encode_request(request, Quirks())
    assert encoded.dropped == ()
    assert codec.decode_request(encoded.body) == request


@each_pair
@RELAXED
@given(data=st.data())
def test_an_answer_keeps_what_matters_through_another_protocol(
    client: Codec, provider: Codec, data: st.DataObject
) -> None:
    response = data.draw(DOMAINS[client.protocol].responses)
    response = replace(response, choices=response.choices[:1])
    whole = provider.decode_response(provider.encode_response(response, Stamp()).body)
    assert essence(whole) == essence(response)
    events = read(provider, streamed(provider, list(unfold(response))))
    assert essence(fold(events)) == essence(response)
    again = fold(read(client, streamed(client, events)))
    assert essence(again) == essence(response)


def essence(response: ChatResponse) -> object:
    """Text (a refusal's too), tool calls, thinking with its seals, why it stopped, and usage."""
    parts = response.choices[0].content
    finish = response.choices[0].finish
    calls = [(call.id, call.name, told(call.arguments), call.signature) for call in parts if isinstance(call, ToolCall)]
    spoken = joined_text(tuple(part for part in parts if isinstance(part, Text)))
    refused = "".join(part.text for part in parts if isinstance(part, Refusal))
    sequence = None if finish is None else finish.stop_sequence
    return spoken + refused, calls, thoughts(parts), sequence, response.usage


def told(arguments: str) -> object:
    """Of a call, whether or not its protocol has calls with free text: others wrap the text in an object.

    An object counts by its value: the same number may be spelled in several ways.
    """
    match load_object(arguments):
        case {"input": str() as text, **others} if not others:
            return told(text)
        case None:
            return arguments
        case value:
            return value


def thoughts(parts: tuple[Part, ...]) -> list[object]:
    """Thinking as it is handed back. Neighbours that nothing marks are one: no protocol tells where they met."""
    found: list[object] = []
    plain = ""
    for part in parts:
        if isinstance(part, Thinking) and part == Thinking(part.text):
            plain += part.text
        elif isinstance(part, Thinking | RedactedThinking):
            found += [plain] if plain else []
            found.append(part)
            plain = ""
    return [*found, plain] if plain else found
