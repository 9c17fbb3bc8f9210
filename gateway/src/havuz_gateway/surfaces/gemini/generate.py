"""`POST …/models/{model}:generateContent` and `:streamGenerateContent`: https://ai.google.dev/api/generate-content."""

from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Call
from havuz_gateway.protocols.gemini.request import check_contents, settings_of
from havuz_gateway.protocols.gemini.wire import PROTOCOL
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.surfaces.body import decode


def read_contents(request: Request, *, model: str, stream: bool) -> Call:
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
