"""From a request to a page: which site and route, which language, who is signed in, and whether a form is its own."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from havuz_contract.periods import zone
from havuz_gateway.errors import (
    GatewayError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from havuz_gateway.pipeline.authenticate import check
from havuz_gateway.pipeline.exchange import ClientGone, Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Identity
from havuz_gateway.sessions.store import Session
from havuz_gateway.surfaces.deferred import Deferred
from havuz_gateway.surfaces.pages import rendering
from havuz_gateway.surfaces.pages.answers import Answer, Data, Desk, Redirect, Visit
from havuz_gateway.surfaces.pages.formats import Formats
from havuz_gateway.surfaces.pages.languages import Language, preferred, read_languages
from havuz_gateway.surfaces.pages.routes import ROOT, ROUTES, Route
from havuz_gateway.surfaces.pages.security import check_origin, cookies
from havuz_gateway.surfaces.pages.sign_in import LANGUAGE_COOKIE, end_session, session_cookie_name
from havuz_gateway.telemetry import logs

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 100


class Pages:
    """Answers every path below `/dashboard`, but for files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._languages: dict[str, Language] = read_languages()
        self._templates = Deferred(rendering.environment)

    async def __call__(self, request: Request, writer: Writer, *, credential: str | None, services: Services) -> None:
        """Write the whole answer; a key that is sent as one of the API is not looked at. Raises `ClientGone`."""
        visit = self._visit(request, services)
        route, parts = _route(request.path)
        try:
            if request.method == "POST":
                check_origin(request)
            visit = replace(await self._signed_in(visit), parts=parts)
            answer = await _answered(visit, route)
            await rendering.send(answer, visit, writer, await self._templates.get())
        except ClientGone:
            raise
        except Exception as error:
            if writer.started:
                raise  # too late for a page that tells of it
            told = _told(_known(error, request), visit, route)
            await rendering.send(told, visit, writer, await self._templates.get())

    def check_sender(self, request: Request) -> None:
        """A large body is read from whoever may be signed in only. Raises `Unauthenticated`."""
        token = cookies(request.headers).get(session_cookie_name(secure=False)) or cookies(request.headers).get(
            session_cookie_name(secure=True)
        )
        if token is None or not self._desk.sessions.tokens.is_ours(token):
            raise Unauthenticated("nobody is signed in: sign in with an API key")

    def _visit(self, request: Request, services: Services) -> Visit:
        site = self._desk.settings.sites.of(request.host)
        if site is None:
            raise NotFound(f"the path {request.path[:200]!r} does not exist: there are no pages on this host")
        code = preferred(request.headers.get("accept-language", ""), cookies(request.headers).get(LANGUAGE_COOKIE))
        return Visit(
            request=request,
            services=services,
            desk=self._desk,
            site=site,
            language=self._languages[code],
            formats=Formats(code, ZoneInfo("UTC")),
            now=services.wall(),
        )

    async def _signed_in(self, visit: Visit) -> Visit:
        """The visit with its session, where it has one that still holds."""
        token = cookies(visit.request.headers).get(session_cookie_name(secure=visit.is_https))
        session = await self._desk.sessions.find(token, now=visit.now) if token else None
        identity = _identity(session, visit) if session is not None else None
        if identity is None:
            return replace(visit, session=session)
        monthly = identity.project.billing.monthly
        shown = zone(monthly.time_zone) if monthly is not None else ZoneInfo("UTC")
        return replace(visit, session=session, signed_in=identity, formats=Formats(visit.language.code, shown))


async def _answered(visit: Visit, route: Route | None) -> Answer:
    """What the route's handler says; who has to be signed in for that is asked to."""
    if route is None:
        raise NotFound("there is no such page: check the address, or begin at the overview")
    method = "GET" if visit.request.method == "HEAD" else visit.request.method
    handler = {"GET": route.get, "POST": route.post}.get(method)
    if handler is None:
        allowed = ", ".join(route.methods())
        raise MethodNotAllowed(f"this page does not take {method[:20]!r}: use {allowed}", headers={"allow": allowed})
    if route.signed_in and visit.signed_in is None:
        return _sign_in_first(visit, route)
    if method == "POST":
        visit = replace(visit, form=_form(visit.request))
        if route.signed_in and not _is_own(visit):
            raise PermissionDenied("this form is too old: open the page again, and send it there")
    return await handler(visit)


def _route(path: str) -> tuple[Route | None, Mapping[str, str]]:
    for route in ROUTES:
        parts = route.matched(path)
        if parts is not None:
            return route, parts
    return None, {}


def _identity(session: Session, visit: Visit) -> Identity | None:
    """Who a session is of, None once its key may not be used any more, or not here."""
    known = visit.services.view().key(session.key_sha256)
    if known is None:
        return None
    identity = Identity(*known)
    try:
        check(identity, None, now=visit.now)
    except GatewayError:
        return None
    return identity if visit.works_for(identity) else None


def _sign_in_first(visit: Visit, route: Route) -> Answer:
    if route.kind == "data":
        return Data({"error": visit.language.say("sign_in.over")}, status=401)
    back = quote(visit.request.path) if visit.request.method == "GET" and visit.request.path != ROOT else ""
    over = session_cookie_name(secure=visit.is_https) in cookies(visit.request.headers)
    wishes = "&".join(part for part in (f"next={back}" if back else "", "over=1" if over else "") if part)
    to = f"{ROOT}/sign-in" + (f"?{wishes}" if wishes else "")
    return Redirect(to, cookie=end_session(visit) if over else None)


def _told(error: GatewayError, visit: Visit, route: Route | None) -> Answer:
    if route is not None and route.kind == "data":
        return Data({"error": rendering.said(error, visit)}, status=error.status)
    return rendering.error_page(error, visit)


def _known(error: Exception, request: Request) -> GatewayError:
    """An error that can be told; one that nobody foresaw is told to the log."""
    if isinstance(error, GatewayError):
        return error
    logs.request_failed(error, request.id)
    return GatewayError("the page could not be made: try again, and if it stays so, report the number of the request")


def _is_own(visit: Visit) -> bool:
    given = visit.form.get("proof") or visit.request.headers.get("x-havuz-proof", "")
    return visit.session is not None and visit.desk.sessions.tokens.proves(visit.session.token, given)


def _form(request: Request) -> dict[str, str]:
    """The fields of a form; a body of another kind is for its handler to read."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    try:
        fields = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise InvalidRequest("the form can't be read: open the page again, and send it there") from None
    return dict(fields)
