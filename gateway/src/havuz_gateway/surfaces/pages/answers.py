"""What a page's handler answers with, and what it is asked with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from havuz_gateway.errors import Unauthenticated
from havuz_gateway.pipeline.authenticate import SignedIn
from havuz_gateway.pipeline.exchange import Request, Writer
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Identity
from havuz_gateway.sessions.guesses import Guesses
from havuz_gateway.sessions.store import Session, Sessions
from havuz_gateway.surfaces.pages.assets import Assets
from havuz_gateway.surfaces.pages.formats import Formats
from havuz_gateway.surfaces.pages.languages import Language
from havuz_gateway.surfaces.pages.sites import Site, Sites


@dataclass(frozen=True, slots=True)
class Page:
    """A template of `templates/` with the values that it shows; `cookie` is a whole Set-Cookie header."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    cookie: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redirect:
    """On to another page, by GET; `cookie` is a whole Set-Cookie header."""

    to: str
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """JSON for a script of ours."""

    value: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class Download:
    """A file to keep. `name` is ASCII without quotes."""

    name: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that its handler writes itself. Security headers are added."""

    write: Callable[[Writer], Awaitable[None]]


Answer = Page | Redirect | Data | Download | Streamed


@dataclass(frozen=True, slots=True)
class PageSettings:
    """How the pages are set up.

    `proxies` in front add to X-Forwarded-For and say X-Forwarded-Proto, and are believed; with 0 nobody is.
    """

    sites: Sites
    proxies: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """What pages need beside the pipeline's services."""

    settings: PageSettings
    sessions: Sessions
    guesses: Guesses
    assets: Assets


def make_desk(settings: PageSettings, sessions: Sessions, guesses: Guesses) -> Desk:
    """The desk of these settings, with every file that its sites need."""
    sites = settings.sites
    shown = (*sites.sites, sites.default) if sites.default is not None else sites.sites
    return Desk(settings, sessions, guesses, Assets(shown))


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a page: who asks, on which site, in which language. `form` has the fields of a POST.

    `parts` are what stands for the names in the route's path, `now` is unix seconds. There may be a
    session without anybody signed in: its key has ended.
    """

    request: Request
    services: Services
    desk: Desk
    site: Site
    language: Language
    formats: Formats
    now: float
    parts: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    session: Session | None = None
    signed_in: Identity | None = None

    @property
    def identity(self) -> Identity:
        """The project and key of who is signed in; every route that is not open to all has one."""
        if self.signed_in is None:
            raise Unauthenticated("nobody is signed in: sign in with an API key")
        return self.signed_in

    @property
    def credential(self) -> SignedIn:
        """What the pipeline is given in place of a key, for a request that a page makes on behalf of its visitor."""
        return SignedIn(self.identity.key.sha256)

    @property
    def proof(self) -> str:
        """What forms of this page carry in the field `proof`."""
        return "" if self.session is None else self.desk.sessions.tokens.form_proof(self.session.token)

    @property
    def base_url(self) -> str:
        """Where this site's API is, without `/v1`."""
        return (self.site.base_url or self.services.public_url or self.origin).rstrip("/")

    @property
    def origin(self) -> str:
        """Where these pages are: `https://panel.example.com`."""
        return f"{'https' if self.is_https else 'http'}://{self.request.headers.get('host', self.request.host)}"

    @property
    def is_https(self) -> bool:
        """Whether the browser came by TLS, as a proxy that is believed says."""
        told = self.request.headers.get("x-forwarded-proto", "") if self.desk.settings.proxies else ""
        return told.rpartition(",")[2].strip().lower() == "https"

    @property
    def address(self) -> str:
        """The visitor's IP address, as far as it can be believed."""
        proxies = self.desk.settings.proxies
        hops = [hop.strip() for hop in self.request.headers.get("x-forwarded-for", "").split(",") if hop.strip()]
        if not proxies or not hops:
            return self.request.peer
        return hops[-min(proxies, len(hops))]

    def query(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return self.request.query.get(name, (None,))[0]

    def works_for(self, identity: Identity) -> bool:
        """Whether the project's keys work on this site: on the pages' own host, or where the site's API is."""
        hosts = identity.project.surface.hosts
        return not hosts or self.request.host in hosts or (urlsplit(self.site.base_url or "").hostname or "") in hosts


Handler = Callable[[Visit], Awaitable[Answer]]
