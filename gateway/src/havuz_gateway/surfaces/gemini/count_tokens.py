"""`POST …/models/{model}:countTokens`: https://ai.google.dev/api/tokens.

A provider that counts is asked; where none does, or none answers, it is the estimate by which requests are metered,
marked by the header `x-havuz-estimated`.
"""

from havuz_gateway.metering.estimate import estimate
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.gemini.count_tokens import write_count
from havuz_gateway.protocols.gemini.request import check_count, counted
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.surfaces.body import decode


def read_count(request: Request, *, model: str) -> Call:
    """The call a request describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    check_count(body.fields)
    own = read_own(body.fields)
    return Call(
        action="count_tokens",
        protocol=PROTOCOL,
        model=model,
        stream=False,
        body=body,
        timeout=own.timeout,
        modes=own.modes,
        estimate=lambda: _estimated(body),
    )


def _estimated(body: Body) -> bytes:
    tokens = estimate("chat", counted(body.fields), body.raw, protocol=PROTOCOL).input
    return dump(write_count(tokens)).encode()
