"""What a customer sees of its money: `GET /api/balance/{keyid}` and `GET …/usage`, each of the key's own project."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never, cast, get_args

from havuz_contract.money import format_amount
from havuz_contract.snapshot.models import Project
from havuz_gateway.errors import InvalidRequest, NotFound
from havuz_gateway.metering.span import Span, read_time, span_of, write_time
from havuz_gateway.metering.usage import GroupBy, Holding, SpanError, Used, check
from havuz_gateway.pipeline.authenticate import authenticate
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.surfaces.base import Surface
from havuz_gateway.surfaces.openai.chat import PROTOCOL
from havuz_gateway.surfaces.openai.errors import JSON_HEADERS, render_error, stream_error

_BALANCE = "/api/balance/"
GROUPS = get_args(GroupBy)
_PARAMETERS = ("from", "to", "group_by")
_USUAL_SPAN = timedelta(days=30)


async def balance(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """The money of the project that has the key of this id. Raises `NotFound` for every other id."""
    identity = authenticate(request, credential, None, services)
    key_id = request.path.removeprefix(_BALANCE)
    if all(key.id != key_id for key in identity.project.keys):
        # what was asked for is not repeated: it may be a key
        raise NotFound("no key of your project has this id: use the id of a key, never the key itself", param="keyid")
    holding = await services.usage.holding(identity.project, identity.key, services.wall())
    await _send(writer, {"keyid": key_id, **_money(holding)})


async def usage(request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
    """What the key's project used, in rows. Raises `InvalidRequest` and `ServiceUnavailable`."""
    identity = authenticate(request, credential, None, services)
    asked = _read(request.query, services.wall())
    used = await services.usage.used(identity.project, identity.key, asked.span, asked.by)
    answer = {
        "object": "list",
        "data": [_group(identity.project, asked.by, group) | _row(row) for group, row in used.items()],
        "unit": identity.project.billing.unit,
        "from": write_time(asked.span.start),
        "to": write_time(asked.span.end),
    }
    await _send(writer, answer)


@dataclass(frozen=True, slots=True)
class _Asked:
    span: Span
    by: GroupBy


def _read(query: Mapping[str, tuple[str, ...]], now: float) -> _Asked:
    """The question that a query asks; without an answer to `from` and `to`, about the last 30 days."""
    for name, values in query.items():
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise InvalidRequest(f"there is no parameter {name[:40]!r}: use {known}", param=name[:40])
        if len(values) > 1:
            raise InvalidRequest(f"the parameter {name!r} is given {len(values)} times: give it once", param=name)
    by = query.get("group_by", ("model",))[0]
    if by not in GROUPS:
        raise InvalidRequest(f"'group_by' is {by[:40]!r}: use {', '.join(GROUPS)}", param="group_by")
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = _time(query, "to") or today + timedelta(days=1)
    span = span_of(_time(query, "from") or end - _USUAL_SPAN, end)
    try:
        check(span, now)
    except SpanError as error:
        raise InvalidRequest(f"{error.name!r} can't be answered: {error}", param=error.name) from None
    return _Asked(span, cast("GroupBy", by))


def _time(query: Mapping[str, tuple[str, ...]], name: str) -> datetime | None:
    if name not in query:
        return None
    text = query[name][0]
    try:
        return read_time(text.replace(" ", "+"), end=name == "to")  # the plus of a zone, where it was not escaped
    except ValueError as error:
        raise InvalidRequest(f"{name!r} can't be read: {error}", param=name) from None


def _money(holding: Holding) -> dict[str, Any]:
    has = holding.standing
    month = None
    if has.period is not None:
        month = {
            "id": has.period.id,
            "start": _unix(has.period.start),
            "end": _unix(has.period.end),
            "allowance": format_amount(has.allowance),
            "spent": format_amount(has.period_spent),
        }
    return {
        "balance": format_amount(has.available),
        "unit": holding.unit,
        "reserved": format_amount(has.reserved),
        "spent": format_amount(has.spent),
        "period": month,
        "updated_at": None if holding.updated is None else _unix(holding.updated),
    }


def _group(project: Project, by: GroupBy, group: str) -> dict[str, Any]:
    match by:
        case "model":
            return {"model": group}
        case "key":
            return {"keyid": group, "name": next((key.name for key in project.keys if key.id == group), None)}
        case "day":
            return {"day": f"{group[:4]}-{group[4:6]}-{group[6:]}"}
        case _:
            assert_never(by)


def _row(used: Used) -> dict[str, Any]:
    return {
        "requests": used.requests,
        "errors": used.errors,
        "input_tokens": used.input,
        "output_tokens": used.output,
        "cache_read_tokens": used.cache_read,
        "cache_write_tokens": used.cache_write,
        "images": used.images,
        "characters": used.characters,
        "audio_seconds": used.audio_ms / 1000,
        "cost": format_amount(used.cost),
    }


def _unix(seconds: float) -> str:
    return write_time(datetime.fromtimestamp(seconds, UTC))


async def _send(writer: Writer, answer: dict[str, Any]) -> None:
    headers = {**JSON_HEADERS, "cache-control": "no-store"}
    await writer.respond(200, headers, json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())


ACCOUNT = Surface(
    name="account",
    protocol=PROTOCOL,
    render_error=render_error,
    stream_error=stream_error,
    paths={base + "/usage": {"GET": usage} for base in ("/v1", "/api/v1")},
    prefixes={_BALANCE: {"GET": balance}},
)
