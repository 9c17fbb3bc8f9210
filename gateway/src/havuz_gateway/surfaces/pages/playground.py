"""The playground: a model is asked by the pipeline as the signed-in key, and the page is told what it cost."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from havuz_contract.money import format_amount
from havuz_contract.snapshot.models import Route
from havuz_gateway.errors import GatewayError, InvalidRequest, ProviderEndedStream
from havuz_gateway.pipeline.billing import cost_of, measured
from havuz_gateway.pipeline.context import RequestContext
from havuz_gateway.pipeline.exchange import ClientGone, Writer
from havuz_gateway.pipeline.run import run
from havuz_gateway.pipeline.types import Call
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.openai import chat, images
from havuz_gateway.surfaces.openai.errors import render_error, stream_error
from havuz_gateway.surfaces.pages import snippets
from havuz_gateway.surfaces.pages.answers import Answer, Data, Page, Streamed, Visit
from havuz_gateway.surfaces.pages.open_end import OpenEnd

_SCRIPT = "playground_script."  # texts that the page gives to its script
_DRAWS = "prompt"  # the member by which a picture's request is told from a chat's


async def playground(visit: Visit) -> Answer:
    """The page, with what each model can do."""
    routes = visit.services.view().routes(visit.identity.project, visit.now)
    models = [_model(route) for route in routes if route.operations & {"chat", "image"}]
    texts = {
        name.removeprefix(_SCRIPT): text for name, text in visit.language.texts.items() if name.startswith(_SCRIPT)
    }
    unit = visit.formats.unit(visit.identity.project.billing.unit)
    return Page("playground.html", {"models": models, "texts": {**texts, "unit": unit}})


async def ask(visit: Visit) -> Answer:
    """A chat's body in OpenAI's form, answered by its stream and a last event `havuz` that tells cost and tokens."""
    found: list[RequestContext] = []

    async def noted(context: RequestContext, call: Call) -> Call:
        found.append(context)
        return call

    async def write(writer: Writer) -> None:
        held = OpenEnd(writer)
        await run(
            visit.request,
            held,
            operation="chat",
            protocol=None,
            credential=visit.credential,
            read=chat.read,
            services=visit.services,
            complete=noted,
        )
        if held.ended:
            await writer.write(b"event: havuz\ndata: " + json.dumps(_used(found[0], visit)).encode() + b"\n\n")
            await writer.end()

    return Streamed(lambda writer: _told(write, visit, writer))


async def draw(visit: Visit) -> Answer:
    """A picture's body in OpenAI's form, and its answer; the cost is in `x-havuz-cost`."""

    async def write(writer: Writer) -> None:
        await run(
            visit.request,
            writer,
            operation="image",
            protocol=None,
            credential=visit.credential,
            read=images.read,
            services=visit.services,
        )

    return Streamed(lambda writer: _told(write, visit, writer))


async def code(visit: Visit) -> Answer:
    """Programs that ask what the page would ask now. Raises `InvalidRequest`."""
    body = decode(visit.request.body).fields
    try:
        return Data(_programs(visit.base_url, body, visit.identity.project.surface.protocols))
    except UnicodeEncodeError:
        raise InvalidRequest("the text holds half of a character: enter it again") from None


def _programs(base_url: str, body: Mapping[str, Any], protocols: tuple[str, ...]) -> dict[str, str]:
    if _DRAWS in body:
        made = {
            "curl": snippets.curl(base_url, "/v1/images/generations", body),
            "python": snippets.python_image(base_url, body),
            "node": snippets.node_image(base_url, body),
        }
    else:
        made = {
            "curl": snippets.curl(base_url, "/v1/chat/completions", body, stream=body.get("stream") is True),
            "python": snippets.python_chat(base_url, body),
            "node": snippets.node_chat(base_url, body),
        }
    for program in made.values():
        program.encode()
    return made


def _model(route: Route) -> dict[str, Any]:
    return {
        "id": route.model,
        "chats": "chat" in route.operations,
        "draws": "image" in route.operations,
        "modes": sorted(route.modes),
    }


def _used(context: RequestContext, visit: Visit) -> dict[str, Any]:
    """What a request that is over cost, for the script, and as the visitor reads it."""
    usage, estimated = measured(context)
    cost = cost_of(context, context.ticket) if context.ticket is not None and context.ticket.prices else None
    unit = visit.identity.project.billing.unit
    return {
        "input": usage.input if usage is not None else None,
        "output": usage.output if usage is not None else None,
        "estimated": estimated,
        "cost": None if cost is None else format_amount(cost),
        "shown": None if cost is None else visit.formats.amount(cost, unit),
    }


async def _told(write: Callable[[Writer], Awaitable[None]], visit: Visit, writer: Writer) -> None:
    """Write, and tell an error as OpenAI's clients are told. Raises `ClientGone`."""
    try:
        await write(writer)
    except ClientGone:
        raise
    except ProviderEndedStream:
        await writer.end()
    except GatewayError as error:
        if writer.started:
            await writer.write(stream_error(error, visit.request))
            await writer.end()
            return
        rendered = render_error(error, visit.request)
        headers = {**rendered.headers, **error.headers, "cache-control": "no-store"}
        if error.retry_after is not None:
            headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
        await writer.respond(rendered.status, headers, rendered.body)
