"""The keys of the project: what is known of each, and what the customer may do: reset, make and revoke."""

import re
from dataclasses import dataclass
from typing import Any

import redis

from havuz_contract.key_requests import KeyAction, KeyRequest, TooManyRequestsError
from havuz_contract.snapshot.models import ProjectKey
from havuz_gateway.errors import NotFound, PermissionDenied, RateLimited, ServiceUnavailable
from havuz_gateway.sessions.store import Awaited
from havuz_gateway.surfaces.pages.answers import Answer, Page, Redirect, Visit

_PATH = "/dashboard/keys"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_AWAY_SECONDS = 2.0
_FULL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A key with what its owner may do to it."""

    key: ProjectKey
    used: float | None
    is_own: bool
    expired: bool
    may_reset: bool
    may_revoke: bool


async def keys(visit: Visit) -> Answer:
    """Every key that works, and a form for another one where the project allows it."""
    return await _page(visit)


async def create(visit: Visit) -> Answer:
    """Ask for a further key."""
    name = visit.form.get("name", "").strip()
    if not _NAME.fullmatch(name):
        return await _page(visit, problem="keys.bad_name", name=name)
    if any(key.name == name for key in visit.identity.project.keys):
        return await _page(visit, problem="keys.known_name", name=name)
    if not _left(visit):
        raise PermissionDenied("no more keys can be made here: revoke one first")
    return await _asked(visit, "Create", name)


async def ask_reset(visit: Visit) -> Answer:
    """What a reset means, and whether it is meant."""
    return Page("key_confirm.html", {"action": "reset", "shown": await _named(visit, may="may_reset")})


async def reset(visit: Visit) -> Answer:
    """Ask for a new key in the place of one, which ends at once."""
    shown = await _named(visit, may="may_reset")
    return await _asked(visit, "Reset", shown.key.name, own=shown.is_own)


async def ask_revoke(visit: Visit) -> Answer:
    """What a revocation means, and whether it is meant."""
    return Page("key_confirm.html", {"action": "revoke", "shown": await _named(visit, may="may_revoke")})


async def revoke(visit: Visit) -> Answer:
    """Ask for the end of a key that the customer made."""
    return await _asked(visit, "Revoke", (await _named(visit, may="may_revoke")).key.name)


async def _page(visit: Visit, *, problem: str | None = None, name: str = "") -> Page:
    values: dict[str, Any] = {
        "shown": await _all(visit),
        "most": visit.identity.project.most_self_made,
        "left": _left(visit),
        "problem": visit.language.say(problem) if problem else None,
        "name": name,
    }
    return Page("keys.html", values, status=400 if problem else 200)


async def _all(visit: Visit) -> list[Shown]:
    own, project = visit.identity.key, visit.identity.project
    try:
        used = await visit.services.last_used.of(project.uid)
    except (redis.RedisError, OSError):
        raise _away() from None
    return [
        Shown(
            key=key,
            used=used.get(key.id),
            is_own=key.sha256 == own.sha256,
            expired=key.expires_at is not None and key.expires_at <= visit.now,
            may_reset=key.origin != "Brought" and _covers(own, key),
            may_revoke=key.origin == "SelfMade" and _covers(own, key),
        )
        for key in project.keys
    ]


def _covers(own: ProjectKey, key: ProjectKey) -> bool:
    """A test key says nothing about keys that cost money."""
    return own.mode == "Live" or key.mode == "Test"


async def _named(visit: Visit, *, may: str) -> Shown:
    """The key with the id in the path. Raises `NotFound` for those of others, and for what may not be done to it."""
    found = next((one for one in await _all(visit) if one.key.id == visit.parts["key"]), None)
    if found is None or not getattr(found, may):
        raise NotFound("there is no such key, or nothing to be done to it here: see the list of keys")
    return found


def _left(visit: Visit) -> int:
    """How many further keys the customer may make."""
    project = visit.identity.project
    made = sum(key.origin == "SelfMade" for key in project.keys)
    return max(project.most_self_made - made, 0) if visit.identity.key.mode == "Live" else 0


async def _asked(visit: Visit, action: KeyAction, name: str, *, own: bool = False) -> Redirect:
    """Leave the request, and go on to where its answer shows. Raises `RateLimited` and `ServiceUnavailable`."""
    identity = visit.identity
    namespace, _, project = identity.project.name.partition("/")
    request_id = visit.desk.sessions.tokens.name()
    if own and visit.session is not None:
        await visit.desk.sessions.wait_for(visit.session, Awaited(identity.project.uid, request_id))
    request = KeyRequest(
        id=request_id,
        action=action,
        project_uid=identity.project.uid,
        namespace=namespace,
        project=project,
        key=name,
        asked_at=visit.now,
        asked_by=identity.key.id,
    )
    try:
        await visit.services.key_requests.ask(request)
    except TooManyRequestsError:
        raise RateLimited("other requests wait to be done: try again in a while", retry_after=_FULL_SECONDS) from None
    except (redis.RedisError, OSError):
        raise _away() from None
    return Redirect(f"{_PATH}/requests/{request_id}")


def _away() -> ServiceUnavailable:
    return ServiceUnavailable("keys can't be read at the moment: try again later", retry_after=_AWAY_SECONDS)
