"""Step 1: whose request is it, and may this key be used here."""

import hashlib
from dataclasses import dataclass

from havuz_gateway.errors import PermissionDenied, Unauthenticated
from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.services import Services
from havuz_gateway.pipeline.types import Identity


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Stands for a key that its owner has shown before: the SHA-256 (hex) by which the configuration knows it.

    Whoever makes one has seen a session of that key, on a host where it works.
    """

    sha256: str


Credential = str | SignedIn


def authenticate(request: Request, credential: Credential | None, protocol: str | None, services: Services) -> Identity:
    """The project and key behind `credential`, for use in `protocol`; None is for what a key may do in any.

    Raises `Unauthenticated` or `PermissionDenied`.
    """
    if not credential:
        raise Unauthenticated(
            "no API key was sent: use `Authorization: Bearer <key>`, `x-api-key: <key>` or `?api_key=<key>`"
        )
    known = credential.sha256 if isinstance(credential, SignedIn) else _sha256(credential)
    found = services.view().key(known)
    if found is None:
        raise Unauthenticated("the API key is not valid: check that it was copied whole and has not been replaced")
    project, key = found
    identity = Identity(project=project, key=key)
    check(identity, protocol, now=services.wall())
    if not isinstance(credential, SignedIn) and project.surface.hosts and request.host not in project.surface.hosts:
        raise PermissionDenied(f"this key does not work on host {request.host!r}")
    return identity


def check(identity: Identity, protocol: str | None, *, now: float) -> None:
    """Whether the key may be used in `protocol` at `now` (unix seconds), on whatever host.

    Raises `Unauthenticated` or `PermissionDenied`.
    """
    project, key = identity.project, identity.key
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthenticated(f"the API key {key.name!r} has expired: use a newer key of this project")
    if project.suspended:
        raise PermissionDenied("this project is suspended: contact whoever gave you the key")
    if protocol is not None and project.surface.protocols and protocol not in project.surface.protocols:
        raise PermissionDenied(f"this key does not work with the {protocol!r} protocol")


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
