"""How a snapshot part is written in Redis and on disk: JSON, with an upstream's secrets sealed.

`credential` and `headers` (which may carry an organisation's token) travel inside one envelope bound to the uid.
"""

import json
from typing import cast

from havuz_contract import keys
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Part, Project, Route, Snapshot, Upstream

_KINDS: dict[str, type[Part]] = {keys.UPSTREAMS: Upstream, keys.ROUTES: Route, keys.PROJECTS: Project}
HASHES = tuple(_KINDS)


def encode(part: Part, keyring: Keyring) -> str:
    """One part as the text of its hash field."""
    if not isinstance(part, Upstream):
        return part.model_dump_json()
    secret = json.dumps({"credential": part.credential, "headers": part.headers})
    public = part.model_dump(mode="json", exclude={"credential", "headers"})
    public["sealed"] = keyring.seal(secret.encode(), owner=part.uid)
    return json.dumps(public)


def decode(hash_key: str, text: str | bytes, keyring: Keyring) -> Part:
    """The part that `encode` wrote into the hash `hash_key`.

    Raises `EnvelopeError` when a credential does not open, `pydantic.ValidationError` when the text is no such part.
    """
    if hash_key != keys.UPSTREAMS:
        return _KINDS[hash_key].model_validate_json(text)
    data = json.loads(text)
    secret = json.loads(keyring.open(data.pop("sealed"), owner=data["uid"]))
    return Upstream.model_validate(data | secret)


def is_sealed_with_current(hash_key: str, text: str | bytes, keyring: Keyring) -> bool:
    """Say whether the field's secrets, if it has any, were sealed with the key that seals now.

    Raises `ValueError` or `KeyError` when the text is no such part.
    """
    return hash_key != keys.UPSTREAMS or keyring.sealed_with_current(json.loads(text)["sealed"])


def assemble(parts: dict[str, dict[str, Part]]) -> Snapshot:
    """A snapshot from decoded parts, by hash key and uid."""
    return Snapshot.model_construct(
        upstreams=cast("dict[str, Upstream]", parts.get(keys.UPSTREAMS, {})),
        routes=cast("dict[str, Route]", parts.get(keys.ROUTES, {})),
        projects=cast("dict[str, Project]", parts.get(keys.PROJECTS, {})),
    )
