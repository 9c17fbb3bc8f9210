"""`POST …/models/{model}:embedContent` and `:batchEmbedContents`: https://ai.google.dev/api/embeddings."""

from functools import partial

from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.gemini.request import check_embedded
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.surfaces.openai.body import decode


async def embed(
    model: str, request: Request, writer: Writer, *, batch: bool, credential: str | None, services: Services
) -> None:
    """Answer with the vector of one content, or with one for each request of a batch."""
    await run(
        request,
        writer,
        operation="embeddings",
        protocol=PROTOCOL,
        credential=credential,
        read=partial(read, model=model, batch=batch),
        services=services,
    )


def read(request: Request, *, model: str, batch: bool) -> Call:
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
