"""`POST …/messages/count_tokens`: https://platform.claude.com/docs/en/api/messages/count_tokens.

A provider that counts is asked; where none does, or none answers, it is the estimate by which requests are metered,
marked by the header `x-havuz-estimated`.
"""

from havuz_gateway.metering.estimate import estimate
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.anthropic.request import read_count_fields
from havuz_gateway.protocols.anthropic.wire import PROTOCOL
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.surfaces.anthropic.messages import passed_on
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.called import called


def read(request: Request) -> Call:
    """The call a request's body describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    fields, own = read_count_fields(body.fields), read_own(body.fields)
    return Call(
        action="count_tokens",
        protocol=PROTOCOL,
        model=fields.model,
        stream=False,
        body=body,
        timeout=own.timeout,
        modes=own.modes,
        parameters=body.fields,
        headers=passed_on(request.headers),
        estimate=lambda: _estimated(body),
    )


def _estimated(body: Body) -> bytes:
    tokens = estimate("chat", body.fields, body.raw, protocol=PROTOCOL).input
    return dump({"input_tokens": tokens}).encode()


count_tokens = called("count_tokens", PROTOCOL, read)
