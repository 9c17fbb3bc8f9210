"""`POST …/chat/completions`: https://platform.openai.com/docs/api-reference/chat/create."""

from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.openai_chat.request import ChatFields, read_chat
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.called import called

PROTOCOL = "openai_chat"


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


chat = called("chat", PROTOCOL, read)
