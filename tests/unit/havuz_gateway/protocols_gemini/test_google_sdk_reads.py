"""What is written in Google's protocol pleases Google's own SDK.

Its models forbid members they do not know, but for the few that havuz adds (see `finish` and `usage`).
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from google.genai import types

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols import sse
from havuz_gateway.protocols.codec import Codec, Quirks, Stamp, StreamReader
from havuz_gateway.protocols.gemini.codec import CODEC as GEMINI
from havuz_gateway.protocols.neutral.content import Text
from havuz_gateway.protocols.neutral.fold import fold
from havuz_gateway.protocols.registry import CODECS

CASES = Path(__file__).parents[3] / "golden" / "protocols"
BROKEN = ("overloaded", "failed")


def paths(kind: str) -> pytest.MarkDecorator:
    found = [path for path in sorted(CASES.glob(f"*/*.{kind}")) if ".to_" not in path.name]
    return pytest.mark.parametrize("path", found, ids=lambda path: f"{path.parent.name}-{path.name.partition('.')[0]}")


def source_of(path: Path) -> Codec:
    return CODECS[path.parent.name]


def without_ours(body: dict[str, Any]) -> dict[str, Any]:
    """A chunk or answer without the members that are havuz's own."""
    usage = {name: value for name, value in body.get("usageMetadata", {}).items() if name != "cacheWriteTokenCount"}
    candidates = [
        {name: value for name, value in candidate.items() if name != "stopSequence"}
        for candidate in body.get("candidates", [])
    ]
    return {**body, "usageMetadata": usage, "candidates": candidates}


@paths("request.json")
def test_the_sdk_takes_an_encoded_request(path: Path) -> None:
    request = source_of(path).decode_request(json.loads(path.read_text()))
    with suppress(InvalidRequest):  # what is refused, and by which name, is for the golden cases
        check(GEMINI.encode_request(request, Quirks()).body)


def check(body: dict[str, Any]) -> None:
    contents = [types.Content.model_validate(content) for content in body["contents"]]
    assert len(contents) == len(body["contents"])
    config = body.get("generationConfig", {})
    types.GenerateContentConfig.model_validate(
        {**config, **{name: body[name] for name in ("tools", "toolConfig", "systemInstruction") if name in body}}
    )


@paths("response.json")
def test_the_sdk_reads_an_encoded_answer(path: Path) -> None:
    response = source_of(path).decode_response(json.loads(path.read_text()))
    body = GEMINI.encode_response(response, Stamp()).body
    read = types.GenerateContentResponse.model_validate(without_ours(body))
    said = "".join(part.text for part in response.choices[0].content if isinstance(part, Text))
    if said and not any(part.signature for part in response.choices[0].content if isinstance(part, Text)):
        assert said in (read.text or "")


@paths("stream.chunks")
def test_the_sdk_reads_every_chunk_of_an_encoded_stream(path: Path) -> None:
    reader = StreamReader(source_of(path).stream_decoder(), max_event_bytes=1_000_000)
    events = reader.feed(path.read_bytes()) + reader.end()
    encoder = GEMINI.stream_encoder(Stamp(), True)
    stream = b"".join(encoder.feed(event) for event in events)
    chunks = [json.loads(sse.data_of(event) or b"") for event in sse.events(stream)]
    if path.name.startswith(BROKEN):
        assert chunks[-1]["error"]["code"] in (429, 500, 503)
        return
    read = [types.GenerateContentResponse.model_validate(without_ours(chunk)) for chunk in chunks]
    spoken = [part.text for chunk in read for part in chunk.parts or [] if part.text and not part.thought]
    parts = fold(events).choices[0].content
    assert "".join(spoken) == "".join(part.text for part in parts if isinstance(part, Text)) or any(
        type(part).__name__ == "Refusal" for part in parts
    )
