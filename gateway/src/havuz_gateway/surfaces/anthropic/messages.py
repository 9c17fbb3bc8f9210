"""`POST …/messages`: https://platform.claude.com/docs/en/api/messages/create."""

from collections.abc import Mapping

from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.anthropic.request import read_message_fields
from havuz_gateway.protocols.anthropic.wire import PROTOCOL
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.surfaces.anthropic.headers import PASSED_ON
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.called import called


def read(request: Request) -> Call:
    """The call a request's body describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    fields, own = read_message_fields(body.fields), read_own(body.fields)
    return Call(
        action="chat",
        protocol=PROTOCOL,
        model=fields.model,
        stream=fields.stream,
        body=body,
        timeout=own.timeout,
        modes=own.modes,
        include_usage=True,  # usage stands in every stream of this protocol
        parameters=body.fields,
        headers=passed_on(request.headers),
    )


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's API version and betas."""
    return {name: headers[name] for name in PASSED_ON if name in headers}


messages = called("chat", PROTOCOL, read)
