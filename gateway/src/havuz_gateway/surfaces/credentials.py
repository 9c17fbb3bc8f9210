"""Where a client may put its key. Nothing right of this module sees a key in a header or in a query."""

from collections.abc import MutableMapping
from dataclasses import dataclass

from havuz_gateway.errors import InvalidRequest, Unauthenticated

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class KeyPlaces:
    """Headers (lower case) and query parameters that hold a bare key, beside the bearer token."""

    headers: tuple[str, ...] = ("x-api-key",)
    query: tuple[str, ...] = ("api_key",)


EVERYWHERE = KeyPlaces()


def take_credential(
    headers: MutableMapping[str, str],
    query: MutableMapping[str, tuple[str, ...]],
    places: KeyPlaces = EVERYWHERE,
) -> str | None:
    """The one key a request carries, removed from `headers` (lower-case names) and `query`; None where it has none.

    Raises `InvalidRequest` for two different keys, `Unauthenticated` for one that no key can look like.
    """
    found: set[str] = set()
    authorization = headers.pop("authorization", None)
    if authorization is not None:
        found.update(_bearer(authorization))
    for name in places.headers:
        header = headers.pop(name, None)
        if header is not None:
            found.update(_listed(header))
    if query:
        for name in places.query:
            found.update(value for value in query.pop(name, ()) if value)
    match len(found):
        case 0:
            return None
        case 1:
            return _plausible(found.pop())
        case _:
            raise InvalidRequest(
                "the request carries two different API keys: send one, by `Authorization`, `x-api-key` or `api_key`"
            )


def _bearer(value: str) -> list[str]:
    """The tokens of an Authorization header (several where the header was sent more than once)."""
    tokens = []
    for item in _listed(value):
        if not item[: len(_BEARER)].lower() == _BEARER:
            raise Unauthenticated("the Authorization header is not `Bearer <key>`: send the API key in that form")
        tokens.append(item[len(_BEARER) :].strip())
    return tokens


def _listed(value: str) -> list[str]:
    if "," not in value:
        value = value.strip()
        return [value] if value else []
    return [item.strip() for item in value.split(",") if item.strip()]


def _plausible(credential: str) -> str:
    if not credential.isascii() or not credential.isprintable():
        raise Unauthenticated("the API key holds characters that no key has: check that it was copied whole")
    return credential
