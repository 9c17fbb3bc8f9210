"""What came of a request about a key. A new key is shown by the first answer that has it, and never again."""

import hashlib

import redis

from havuz_contract.key_requests import KeyAnswer
from havuz_gateway.errors import NotFound, ServiceUnavailable
from havuz_gateway.sessions.store import LONGEST_SECONDS
from havuz_gateway.surfaces.pages.answers import Answer, Page, Redirect, Visit
from havuz_gateway.surfaces.pages.security import cookie
from havuz_gateway.surfaces.pages.sign_in import session_cookie_name

_AWAY_SECONDS = 2.0


async def request(visit: Visit) -> Answer:
    """How far it is. Who reset the key that they are signed in with goes on with the new one.

    Raises `NotFound` also for requests of others.
    """
    uid = _project(visit)
    if uid is None:
        return Redirect("/dashboard/sign-in")
    if visit.request.method == "HEAD":
        return Page("key_request.html", {"answer": KeyAnswer("Waiting", "")})  # whose page nobody would see
    try:
        answer = await visit.services.key_requests.take(uid, visit.parts["request"])
    except (redis.RedisError, OSError):
        raise ServiceUnavailable("keys can't be read at the moment: try again", retry_after=_AWAY_SECONDS) from None
    if answer is None:
        raise NotFound("there is no such request: what it came to was kept for some minutes only")
    made = await _going_on(visit, answer.key) if answer.key is not None and visit.signed_in is None else None
    return Page("key_request.html", {"answer": answer}, cookie=made)


def _project(visit: Visit) -> str | None:
    """Whose requests the visitor may see: its project's, or that one which ended its own key."""
    if visit.signed_in is not None:
        return visit.signed_in.project.uid
    awaited = visit.session.awaited if visit.session is not None else None
    if awaited is None or awaited.request_id != visit.parts["request"]:
        return None
    return awaited.project_uid


async def _going_on(visit: Visit, key: str) -> str:
    """A new session of the new key in the place of the one whose key is gone; returns its cookie."""
    if visit.session is not None:
        await visit.desk.sessions.end(visit.session.token)
    session = await visit.desk.sessions.start(hashlib.sha256(key.encode()).hexdigest(), now=visit.now)
    name = session_cookie_name(secure=visit.is_https)
    return cookie(name, session.token, secure=visit.is_https, seconds=LONGEST_SECONDS)
