"""`POST …/embeddings`: https://platform.openai.com/docs/api-reference/embeddings/create."""

from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.openai_chat.embeddings import read_embeddings
from havuz_gateway.surfaces.openai.body import decode
from havuz_gateway.surfaces.openai.chat import PROTOCOL


async def embeddings(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Answer with one vector per input."""
    await run(
        request,
        writer,
        operation="embeddings",
        protocol=PROTOCOL,
        credential=credential,
        read=read,
        services=services,
    )


def read(request: Request) -> Call:
    """The call a request's body describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    fields = read_embeddings(body.fields)
    return Call(
        action="embeddings",
        protocol=PROTOCOL,
        model=fields.model,
        stream=False,
        body=body,
        timeout=fields.timeout,
        parameters=body.fields,
    )
