"""`POST …/responses` and `…/responses/input_tokens`: https://platform.openai.com/docs/api-reference/responses."""

from dataclasses import replace

from havuz_gateway.errors import GatewayError, InvalidRequest, ProviderEndedStream
from havuz_gateway.metering.estimate import estimate
from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call, Earlier
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.openai_responses.request import ResponseFields, read_response_request
from havuz_gateway.protocols.own_members import read_own
from havuz_gateway.responses.items import for_strangers, input_items, written_out
from havuz_gateway.responses.record import Record
from havuz_gateway.responses.store import ResponseStore
from havuz_gateway.surfaces.openai.body import decode
from havuz_gateway.surfaces.openai.keeping import KeepingWriter
from havuz_gateway.surfaces.openai.responses_errors import PROTOCOL, error_event

# A client that speaks Open Responses names the version it knows: https://www.openresponses.org/specification
DIALECT_HEADER = "openresponses-version"
_MOST_EARLIER = 1_000  # responses of one conversation


async def create(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Answer with a response object, or with its events where `stream` is true; keep it unless `store` is false."""
    keeping = KeepingWriter(writer, services.responses, dialect=DIALECT_HEADER in request.headers)

    async def complete(context: RequestContext, call: Call) -> Call:
        fields = read_response_request(call.body.fields)
        records = await _conversation(context, fields, services.responses)
        if fields.store:
            chain = (*records[-1].chain, records[-1].id) if records else ()
            keeping.keep(context, items=input_items(call.body.fields.get("input")), chain=chain)
        return _going_on(call, records)

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
        fields = read_response_request(call.body.fields)
        records = await _conversation(context, fields, services.responses)
        return _going_on(replace(call, action="count_tokens", stream=False), records)

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


def _going_on(call: Call, records: list[Record]) -> Call:
    """The call with all that went before it, and the means to estimate its tokens."""
    if records:
        before = written_out(records)
        told, lost = for_strangers(before)
        whole = _with_input(call.body, before)
        relayed = _with_input(call.body, told) if lost else whole
        call = replace(call, earlier=Earlier(whole=whole, relayed=relayed, home=records[-1].home, lost=lost))
    return replace(call, estimate=lambda: _estimated(call.whole)) if call.action == "count_tokens" else call


def _estimated(body: Body) -> bytes:
    tokens = estimate("chat", body.fields, body.raw, protocol=PROTOCOL).input
    return dump({"object": "response.input_tokens", "input_tokens": tokens}).encode()


async def _conversation(context: RequestContext, fields: ResponseFields, store: ResponseStore) -> list[Record]:
    """All responses that the request goes on from, in order. Raises `InvalidRequest` where one is not kept."""
    last_id = fields.previous_response_id
    if last_id is None or context.identity is None:
        return []
    project_uid = context.identity.project.uid
    last = await store.find(project_uid, last_id)
    if last is None:
        raise _not_found(last_id)
    if len(last.chain) >= _MOST_EARLIER:
        raise InvalidRequest(
            f"the conversation has more than {_MOST_EARLIER} responses: start a new one, with a summary of it as input",
            param="previous_response_id",
        )
    ids = (*last.chain, last_id)
    found = await store.recall(project_uid, ids)
    records = [record for record in found if record is not None]
    if len(records) < len(ids):
        raise _not_found(next(one for one, record in zip(ids, found, strict=True) if record is None))
    return records


def _not_found(response_id: str) -> InvalidRequest:
    return InvalidRequest(
        f"Previous response with id {response_id!r} not found: it was not stored, has expired or was deleted; "
        "send the whole conversation as input",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def _with_input(body: Body, before: list[object]) -> Body:
    own = body.fields.get("input")
    change = {"input": [*before, *(input_items(own) if isinstance(own, str) else own or [])]}
    raw = body.edited(change, ("previous_response_id",))
    fields = {name: value for name, value in body.fields.items() if name != "previous_response_id"}
    return Body(raw, raw.decode(), fields | change)
