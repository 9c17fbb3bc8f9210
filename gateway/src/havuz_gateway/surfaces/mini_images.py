"""`POST /api/texttoimage` and `…/jobs`: pictures by number and signature, with the settings of Stable Diffusion."""

import json
from collections.abc import Mapping
from typing import Any

from havuz_gateway.errors import GatewayError, NotFound, PermissionDenied
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.orders import links_of
from havuz_gateway.pipeline.services import Services
from havuz_gateway.protocols.openai.complaints import missing, wrong
from havuz_gateway.protocols.openai.fields import Check, check_fields, integer, number, one_of, required_text, text
from havuz_gateway.surfaces.base import Methods, Rendered, Surface
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.files import public_base_url
from havuz_gateway.surfaces.openai.chat import PROTOCOL
from havuz_gateway.surfaces.openai.errors import JSON_HEADERS
from havuz_gateway.surfaces.ordering import find_task, order_pictures

_TASK_ID = "job{}"
_STATUSES = {"PENDING": "pending", "IN_PROGRESS": "processing", "SUCCESS": "success", "FAILED": "error"}
_MOST_DIGITS = 16
_SCHEDULERS = (
    "Euler a", "Euler", "LMS", "Heun", "DPM2", "DPM2 a", "DPM++ 2S a", "DPM++ 2M", "DPM++ SDE", "DPM++ 2M SDE",
    "DPM fast", "LMS Karras", "DPM2 Karras", "DPM2 a Karras", "DPM++ 2S a Karras", "DPM++ 2M Karras",
    "DPM++ SDE Karras", "DPM++ 2M SDE Karras",
)  # fmt: skip
# This surface's names, what pictures' requests call them elsewhere, and what they are where they are not given.
SETTINGS: dict[str, tuple[str, Any]] = {
    "negativePrompt": ("negative_prompt", None),
    "scheduler": ("sampler_name", "DPM++ SDE"),
    "steps": ("steps", 4),
    "cfgScale": ("cfg_scale", 2),
    "width": ("width", 1024),
    "height": ("height", 1024),
}


async def order(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Take an order, and tell its number and signature. Raises `GatewayError`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    fields = decode(request.body).fields
    task_id = _TASK_ID.format(services.tasks.new_number())
    task_id = await order_pictures(
        request, services, identity=identity, task_id=task_id, body=read(fields), shown=fields
    )
    jobid = int(task_id.removeprefix(_TASK_ID.format("")))
    signature = services.signatures.make(identity.project.uid, jobid)
    await _send(writer, {"status": "success", "jobid": jobid, "signature": signature})


async def job(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """How far the job is, for whoever has its signature. Raises `GatewayError`."""
    fields = decode(request.body).fields
    jobid = _jobid(fields)
    uid = services.signatures.read(required_text(fields, "signature"), jobid)
    if uid is None:
        raise PermissionDenied("the signature does not belong to this jobid: send both as you were given them")
    try:
        task = await find_task(uid, _TASK_ID.format(jobid), services)
    except NotFound:
        raise NotFound("there is no such job any more", param="jobid") from None
    links = links_of(task, public_base_url(request, services), services)
    told = _STATUSES[task.status]
    reason = task.outcome.error if task.outcome is not None else None
    await _send(writer, {"status": told, "image_url": links[0] if links else None, "message": reason or told})


def read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The order in OpenAI's form, with the settings of Stable Diffusion. Raises `InvalidRequest`."""
    body: dict[str, Any] = {"model": required_text(fields, "model"), "prompt": required_text(fields, "prompt")}
    check_fields(fields, FIELDS)
    for name, (elsewhere, usual) in SETTINGS.items():
        value = usual if fields.get(name) is None else fields[name]
        if value is not None:
            body[elsewhere] = value
    body["size"] = f"{body['width']}x{body['height']}"
    return body


def render_error(error: GatewayError, request: Request) -> Rendered:
    """An error has neither job nor signature."""
    body = {"status": "error", "jobid": None, "signature": None, "message": error.message}
    return Rendered(status=error.status, headers=JSON_HEADERS, body=_dump(body))


def stream_error(error: GatewayError, request: Request) -> bytes:
    """Nothing here streams."""
    return b"data: " + render_error(error, request).body + b"\n\n"


def _jobid(fields: Mapping[str, Any]) -> int:
    """A whole number, which may be written as a string."""
    value = fields.get("jobid")
    if "jobid" not in fields:
        raise missing("jobid", "the number that you were given")
    if type(value) is int and value > 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        return int(value)
    raise wrong("jobid", value, "the number that you were given")


async def _send(writer: Writer, answer: Mapping[str, Any]) -> None:
    await writer.respond(200, JSON_HEADERS, _dump(answer))


def _dump(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


FIELDS: dict[str, Check] = {
    "negativePrompt": text,
    "scheduler": one_of(*_SCHEDULERS),
    "steps": integer(1, 8),
    "cfgScale": number(1, 7),
    "width": integer(256, 1344),
    "height": integer(256, 1344),
}
_ORDER: Methods = {"POST": order}
_JOB: Methods = {"POST": job}

MINI_IMAGES = Surface(
    name="mini-images",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={
        "/api/texttoimage": _ORDER,
        "/api/texttoimage/": _ORDER,
        "/api/texttoimage/jobs": _JOB,
        "/api/texttoimage/jobs/": _JOB,
    },
)
