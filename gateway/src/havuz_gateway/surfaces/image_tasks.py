"""`POST /api/generate` and `GET /api/status`: pictures that are ordered, and asked for later.

Every answer is `{"code", "message", "data"}`. `DELETE /api/status` takes an order back that nobody has begun.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from havuz_gateway.callbacks.answer import delivery_answer
from havuz_gateway.errors import GatewayError, InvalidRequest
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.orders import links_of
from havuz_gateway.pipeline.services import Services
from havuz_gateway.protocols.openai.complaints import wrong
from havuz_gateway.protocols.openai.fields import Check, array, check_fields, one_of, text
from havuz_gateway.surfaces.base import Rendered, Surface
from havuz_gateway.surfaces.body import decode
from havuz_gateway.surfaces.files import public_base_url
from havuz_gateway.surfaces.openai.chat import PROTOCOL
from havuz_gateway.surfaces.openai.errors import JSON_HEADERS
from havuz_gateway.surfaces.ordering import find_task, order_pictures, take_back
from havuz_gateway.tasks.answer import status_answer
from havuz_gateway.tasks.record import Task
from havuz_gateway.transport.guarded_fetch import FetchRefused, check_url

MAX_PROMPT = 2_000  # characters
MAX_IMAGES = 16
_SIZES = ("1024*1024", "1024*1536", "1536*1024")
DEFAULTS = {"size": "1024*1024", "quality": "medium"}
_FIDELITY = "high"


async def generate(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Take an order, and tell the id to ask with. Raises `GatewayError`."""
    identity = authenticate(request, credential, PROTOCOL, services)
    fields = decode(request.body).fields
    body = read(fields, services.image_model)
    for path, url in _urls(fields):
        _check(path, url, services.fetcher.check)
    task_id = await order_pictures(
        request,
        services,
        identity=identity,
        task_id=services.tasks.new_id(),
        body=body,
        shown=fields,
        callback_url=fields.get("callback_url"),
    )
    await _send(writer, {"code": 200, "message": "success", "data": {"task_id": task_id, "status": "IN_PROGRESS"}})


async def status(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """How far the task is. Raises `NotFound` also for tasks of others."""
    task = await _asked(request, credential, services)
    answer = status_answer(task, links_of(task, public_base_url(request, services), services))
    if task.order.callback_url is not None:
        answer["data"]["callback"] = delivery_answer(await services.callbacks.delivery(task.project_uid, task.id))
    await _send(writer, answer)


async def cancel(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """Take an order back. Raises `Conflict` once it has begun."""
    task = await _asked(request, credential, services)
    await take_back(task, services)
    await _send(writer, status_answer(await find_task(task.project_uid, task.id, services), ()))


def read(fields: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The order in OpenAI's form; `model` is the public model where it names none. Raises `InvalidRequest`."""
    prompt = fields.get("prompt")
    if prompt is None or (isinstance(prompt, str) and not prompt.strip()):
        raise InvalidRequest("'prompt' is required.", param="prompt")
    text("prompt", prompt)
    if len(prompt) > MAX_PROMPT:
        raise wrong("prompt", prompt, f"at most {MAX_PROMPT} characters, and it has {len(prompt)}")
    check_fields(fields, FIELDS)
    chosen = {name: fields[name] if fields.get(name) is not None else usual for name, usual in DEFAULTS.items()}
    body: dict[str, Any] = {"model": fields.get("model") or model, "prompt": prompt, "quality": chosen["quality"]}
    body["size"] = chosen["size"].replace("*", "x")
    if fields.get("images"):
        body["images"] = [{"image_url": url} for url in fields["images"]]
        body["input_fidelity"] = fields.get("input_fidelity") or _FIDELITY
    return body


def render_error(error: GatewayError, request: Request) -> Rendered:
    """The error with the name of its status in front."""
    message = f"{HTTPStatus(error.status).phrase}: {error.message}"
    body = {"code": error.status, "message": message, "data": None}
    return Rendered(status=error.status, headers=JSON_HEADERS, body=_dump(body))


def stream_error(error: GatewayError, request: Request) -> bytes:
    """Nothing here streams."""
    return b"data: " + render_error(error, request).body + b"\n\n"


async def _asked(request: Request, credential: str | None, services: Services) -> Task:
    identity = authenticate(request, credential, PROTOCOL, services)
    task_id = request.query.get("task_id", ("",))[0]
    if not task_id:
        raise InvalidRequest("'task_id' is required.", param="task_id")
    return await find_task(identity.project.uid, task_id, services)


def _url(path: str, value: Any) -> None:
    if type(value) is not str:
        raise wrong(path, value, "an http or https URL")
    _check(path, value, check_url)


def _check(path: str, url: str, check: Callable[[str], object]) -> None:
    try:
        check(url)
    except FetchRefused as error:
        raise InvalidRequest(f"{path!r} is not taken: {error}", param=path) from None


def _images(path: str, value: Any) -> None:
    array(path, value)
    if len(value) > MAX_IMAGES:
        raise wrong(path, value, f"an array of at most {MAX_IMAGES} URLs")
    for index, one in enumerate(value):
        _url(f"{path}[{index}]", one)


def _urls(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every URL of an order whose fields are as they should be, with the place where it stands."""
    for index, one in enumerate(fields.get("images") or ()):
        yield f"images[{index}]", one
    if fields.get("callback_url") is not None:
        yield "callback_url", fields["callback_url"]


async def _send(writer: Writer, answer: Mapping[str, Any]) -> None:
    await writer.respond(200, JSON_HEADERS, _dump(answer))


def _dump(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


FIELDS: dict[str, Check] = {
    "size": one_of(*_SIZES),
    "quality": one_of("low", "medium", "high"),
    "images": _images,
    "input_fidelity": one_of("low", "high"),
    "callback_url": _url,
    "model": text,
}

IMAGE_TASKS = Surface(
    name="image-tasks",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={"/api/generate": {"POST": generate}, "/api/status": {"GET": status, "DELETE": cancel}},
)
