"""`POST …/chat/completions`: https://platform.openai.com/docs/api-reference/chat/create."""

from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.openai_chat.request import ChatFields, read_chat
from havuz_gateway.surfaces.openai.body import decode

PROTOCOL = "openai_chat"


async def chat(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Answer with JSON, or with a stream where `stream` is true."""
    await run(
        request,
        writer,
        operation="chat",
        protocol=PROTOCOL,
        credential=credential,
        read=read,
        services=services,
    )


def read(request: Request) -> Call:
    """The call a request's body describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    return chat_call(body, read_chat(body.fields))


def chat_call(body: Body, fields: ChatFields) -> Call:
    """A chat call of a body whose fields were read."""
    return Call(
        action="chat",
        protocol=PROTOCOL,
        model=fields.model,
        stream=fields.stream,
        body=body,
        timeout=fields.timeout,
        modes=fields.modes,
        include_usage=fields.include_usage,
        parameters=body.fields,
    )
