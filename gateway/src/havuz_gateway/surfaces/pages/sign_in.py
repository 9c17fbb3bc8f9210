"""Signing in with an API key, signing out, and the choice of a language."""

import hashlib

from havuz_gateway.errors import PermissionDenied, RateLimited, ServiceUnavailable, Unauthenticated
from havuz_gateway.pipeline.authenticate import check
from havuz_gateway.pipeline.types import Identity
from havuz_gateway.sessions.store import LONGEST_SECONDS
from havuz_gateway.surfaces.pages.answers import Answer, Page, Redirect, Visit
from havuz_gateway.surfaces.pages.languages import CODES
from havuz_gateway.surfaces.pages.security import cookie, cookies

LANGUAGE_COOKIE = "havuz_language"
_ROOT = "/dashboard"
_YEAR_SECONDS = 365 * 86_400
_LONGEST_KEY = 512


async def form(visit: Visit) -> Answer:
    """The sign-in page; who is signed in already goes on."""
    if visit.signed_in is not None:
        return Redirect(_next(visit.query("next")))
    return _page(visit, over=visit.query("over") is not None)


async def sign_in(visit: Visit) -> Answer:
    """Make a session of a key. A wrong key, and one that may not be used here, look the same."""
    key = visit.form.get("key", "").strip()
    if not key or len(key) > _LONGEST_KEY:
        return _page(visit, problem="sign_in.empty", status=400)
    try:
        await visit.desk.guesses.begin(visit.address)
        identity = _identity(visit, key)
        await visit.desk.guesses.succeeded(visit.address)
        before = cookies(visit.request.headers).get(session_cookie_name(secure=visit.is_https))
        if before:
            await visit.desk.sessions.end(before)
        session = await visit.desk.sessions.start(identity.key.sha256, now=visit.now)
    except (Unauthenticated, PermissionDenied):
        return _page(visit, problem="sign_in.wrong", status=403)
    except RateLimited:
        return _page(visit, problem="sign_in.too_often", status=429)
    except ServiceUnavailable:
        return _page(visit, problem="sign_in.away", status=503)
    name = session_cookie_name(secure=visit.is_https)
    made = cookie(name, session.token, secure=visit.is_https, seconds=LONGEST_SECONDS)
    return Redirect(_next(visit.form.get("next")), cookie=made)


async def sign_out(visit: Visit) -> Answer:
    """End the session."""
    if visit.session is not None:
        await visit.desk.sessions.end(visit.session.token)
    return Redirect(f"{_ROOT}/sign-in", cookie=end_session(visit))


async def choose_language(visit: Visit) -> Answer:
    """Remember a language in this browser, and go back."""
    code = visit.query("to")
    chosen = code if code in CODES else CODES[0]
    kept = cookie(LANGUAGE_COOKIE, chosen, secure=visit.is_https, seconds=_YEAR_SECONDS)
    return Redirect(_next(visit.query("back")), cookie=kept)


def session_cookie_name(*, secure: bool) -> str:
    """What the session's cookie is called; a secure one can't be set by who listens to another page without TLS.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
    """
    return "__Secure-havuz_session" if secure else "havuz_session"


def end_session(visit: Visit) -> str:
    """The Set-Cookie header that takes a session away from the browser."""
    return cookie(session_cookie_name(secure=visit.is_https), "", secure=visit.is_https, seconds=0)


def _identity(visit: Visit, key: str) -> Identity:
    known = visit.services.view().key(hashlib.sha256(key.encode()).hexdigest())
    if known is None:
        raise Unauthenticated("the API key is not valid")
    identity = Identity(*known)
    check(identity, None, now=visit.now)
    if not visit.works_for(identity):
        raise PermissionDenied(f"this key does not work on host {visit.request.host!r}")
    return identity


def _page(visit: Visit, *, problem: str | None = None, over: bool = False, status: int = 200) -> Page:
    values = {
        "next": visit.form.get("next") or visit.query("next") or "",
        "problem": visit.language.say(problem) if problem else None,
        "over": over,
    }
    return Page("sign_in.html", values, status=status)


def _next(path: str | None) -> str:
    """A page of ours to go on to, whatever was asked for."""
    plain = path or ""
    if plain != _ROOT and not plain.startswith((f"{_ROOT}/", f"{_ROOT}?")):
        return _ROOT
    safe = plain.isascii() and plain.isprintable() and "\\" not in plain and "/sign-" not in plain
    return plain if safe else _ROOT
