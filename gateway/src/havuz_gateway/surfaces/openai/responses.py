"""`POST …/responses` and `…/responses/input_tokens`: https://platform.openai.com/docs/api-reference/responses."""

from dataclasses import replace

from havuz_gateway.errors import GatewayError, ProviderEndedStream
from havuz_gateway.metering.estimate import estimate
from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call, Earlier
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.openai_responses.request import read_response_request
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.responses.conversation import Conversation, load
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.openai.keeping import KeepingWriter
from havuz_gateway.surfaces.openai.responses_errors import PROTOCOL, error_event

# A client that speaks Open Responses names the version it knows: https://www.openresponses.org/specification
DIALECT_HEADER = "openresponses-version"


async def create(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Answer with a response object, or with its events where `stream` is true; keep it unless `store` is false."""
    keeping = KeepingWriter(writer, services.responses, dialect=DIALECT_HEADER in request.headers)

    async def complete(context: RequestContext, call: Call) -> Call:
        conversation = await _conversation(context, call, services)
        if call.body.fields.get("store") is not False:
            items = conversation.items(call.body.fields.get("input"))
            keeping.keep(context, items=items, chain=conversation.chain)
        return _going_on(call, conversation)

    try:
        await run(
            request,
            keeping,
            operation="chat",
            protocol=PROTOCOL,
            credential=credential,
            read=read,
            services=services,
            complete=complete,
        )
    except ProviderEndedStream:
        raise
    except GatewayError as error:
        if not writer.started:
            raise
        await writer.write(error_event(error, sequence_number=keeping.events))
        raise ProviderEndedStream(error.message) from error


async def input_tokens(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Count what a request would ask, by a provider that counts or else by an estimate, which a header marks."""

    async def complete(context: RequestContext, call: Call) -> Call:
        counted = _going_on(call, await _conversation(context, call, services))
        return replace(counted, action="count_tokens", stream=False, estimate=lambda: _estimated(counted.whole))

    await run(
        request,
        writer,
        operation="count_tokens",
        protocol=PROTOCOL,
        credential=credential,
        read=read,
        services=services,
        complete=complete,
    )


def read(request: Request) -> Call:
    """The call a request's body describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    fields, own = read_response_request(body.fields), read_own(body.fields)
    return Call(
        action="chat",
        protocol=PROTOCOL,
        model=fields.model,
        stream=fields.stream,
        body=body,
        timeout=own.timeout,
        modes=own.modes,
        include_usage=True,
        parameters=body.fields,
        dialect="open_responses" if DIALECT_HEADER in request.headers else None,
        echo=body.fields,
    )


async def _conversation(context: RequestContext, call: Call, services: Services) -> Conversation:
    if context.identity is None:
        return Conversation()
    found = await load(services.responses, context.identity.project.uid, call.body.fields)
    return found or Conversation()


def _going_on(call: Call, conversation: Conversation) -> Call:
    """The call with all that it only names."""
    if not conversation.homes:
        return call
    relayed, lost = conversation.relayed(call.body)
    earlier = Earlier(whole=conversation.whole(call.body), relayed=relayed, home=conversation.home, lost=lost)
    return replace(call, earlier=earlier)


def _estimated(body: Body) -> bytes:
    tokens = estimate("chat", body.fields, body.raw, protocol=PROTOCOL).input
    return dump({"object": "response.input_tokens", "input_tokens": tokens}).encode()
