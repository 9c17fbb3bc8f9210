"""What browsers are told so that nothing but our own files runs, and which requests count as a page's own.

https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from havuz_gateway.errors import PermissionDenied
from havuz_gateway.pipeline.exchange import Request

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",  # the playground's pictures come in the answer
    "media-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",  # scripts build elements: text never becomes markup
    "trusted-types": "'none'",
}
HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",  # not `no-referrer`: with it, the Origin of a form is null
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def check_origin(request: Request) -> None:
    """Refuse a form that another site sends, which also no session protects. Raises `PermissionDenied`."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = urlsplit(request.headers.get("origin", ""))
    if site != "same-origin" or not origin.netloc or origin.netloc.lower() != request.headers.get("host", "").lower():
        raise PermissionDenied("this form was not sent by a page of this site: open the page again, and send it there")


def cookies(headers: Mapping[str, str]) -> dict[str, str]:
    """The cookies of a request, by name; of two with one name, the first, which has the longer path."""
    found: dict[str, str] = {}
    for pair in headers.get("cookie", "").replace(",", ";").split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            found.setdefault(name, value)
    return found


def cookie(name: str, value: str, *, secure: bool, http_only: bool = True, seconds: int | None = None) -> str:
    """A Set-Cookie header for the pages alone. No `seconds`: until the browser is closed; 0: now."""
    parts = [f"{name}={value}", "Path=/dashboard", "SameSite=Strict"]
    if http_only:
        parts.append("HttpOnly")
    if secure:
        parts.append("Secure")
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    return "; ".join(parts)
