"""`POST …/models/{model}:embedContent` and `:batchEmbedContents`: https://ai.google.dev/api/embeddings."""

from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.gemini.request import check_embedded
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.surfaces.body import decode


def read_embedded(request: Request, *, model: str, batch: bool) -> Call:
    """The call a request describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    check_embedded(body.fields, batch=batch)
    return Call(
        action="embeddings" if batch else "embedding",
        protocol=PROTOCOL,
        model=model,
        stream=False,
        body=body,
        timeout=read_own(body.fields).timeout,
    )
