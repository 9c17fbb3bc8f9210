"""`POST …/models/{model}:generateContent` and `:streamGenerateContent`: https://ai.google.dev/api/generate-content."""

from functools import partial

from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.gemini.request import check_contents, settings_of
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.surfaces.openai.body import decode


async def generate(
    model: str, request: Request, writer: Writer, *, stream: bool, credential: str | None, services: Services
) -> None:
    """Answer with JSON, or with a stream."""
    await run(
        request,
        writer,
        operation="chat",
        protocol=PROTOCOL,
        credential=credential,
        read=partial(read, model=model, stream=stream),
        services=services,
    )


def read(request: Request, *, model: str, stream: bool) -> Call:
    """The call a request describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    check_contents(body.fields)
    own = read_own(body.fields)
    return Call(
        action="chat",
        protocol=PROTOCOL,
        model=model,
        stream=stream,
        body=body,
        timeout=own.timeout,
        modes=own.modes,
        include_usage=True,  # usage stands in every stream of this protocol
        parameters=settings_of(body.fields),
    )
