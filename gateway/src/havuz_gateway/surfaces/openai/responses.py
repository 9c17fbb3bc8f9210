"""`POST …/responses`: https://platform.openai.com/docs/api-reference/responses/create."""

from dataclasses import replace

from havuz_gateway.errors import GatewayError, InvalidRequest, ProviderEndedStream
from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Call, Earlier
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.openai_responses.request import ResponseFields, read_response_request
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
        return await _complete(context, call, keeping, services.responses)

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


def read(request: Request) -> Call:
    """The call a request's body describes. Raises `InvalidRequest`."""
    body = decode(request.body)
    fields = read_response_request(body.fields)
    return Call(
        action="chat",
        protocol=PROTOCOL,
        model=fields.model,
        stream=fields.stream,
        body=body,
        timeout=fields.timeout,
        modes=fields.modes,
        include_usage=True,
        parameters=body.fields,
        dialect="open_responses" if DIALECT_HEADER in request.headers else None,
        echo=body.fields,
    )


async def _complete(context: RequestContext, call: Call, keeping: KeepingWriter, store: ResponseStore) -> Call:
    """The call with the conversation that it goes on from, and what is to be kept of it noted."""
    fields = read_response_request(call.body.fields)
    earlier = await _conversation(context, fields, store)
    if fields.store:
        chain = (*earlier[-1].chain, earlier[-1].id) if earlier else ()
        keeping.keep(context, items=input_items(call.body.fields.get("input")), chain=chain)
    return replace(call, earlier=_earlier(call.body, earlier)) if earlier else call


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


def _earlier(body: Body, records: list[Record]) -> Earlier:
    before = written_out(records)
    told, lost = for_strangers(before)
    whole = _with_input(body, before)
    return Earlier(
        whole=whole, relayed=_with_input(body, told) if lost else whole, home=records[-1].home, lost=lost
    )  # fmt: skip


def _with_input(body: Body, before: list[object]) -> Body:
    own = body.fields.get("input")
    change = {"input": [*before, *(input_items(own) if isinstance(own, str) else own or [])]}
    raw = body.edited(change, ("previous_response_id",))
    fields = {name: value for name, value in body.fields.items() if name != "previous_response_id"}
    return Body(raw, raw.decode(), fields | change)
