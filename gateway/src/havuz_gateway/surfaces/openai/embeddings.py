"""`POST …/embeddings`: https://platform.openai.com/docs/api-reference/embeddings/create."""

from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.openai_chat.embeddings import read_embeddings
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.called import called
from havuz_gateway.surfaces.openai.chat import PROTOCOL


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


embeddings = called("embeddings", PROTOCOL, read)
