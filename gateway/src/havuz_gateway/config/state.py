"""The compiled configuration as a gateway received it: sealed texts by field, and the parts they decode to.

The texts stay sealed, so that they can be written to disk as they are; a text that came before is not decoded again.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from havuz_contract import keys
from havuz_contract.snapshot import wire
from havuz_contract.snapshot.envelope import EnvelopeError, Keyring
from havuz_contract.snapshot.models import Part, Snapshot
from havuz_gateway.config.slices import PART, Slices

_log = logging.getLogger(__name__)

Texts = Mapping[str, Mapping[str, str]]  # hash key -> uid -> text
Changes = Mapping[str, Mapping[str, str | None]]  # the same; None where the field is gone


class ConfigUnusableError(Exception):
    """What was loaded can't be served: an unknown schema, or credentials that this process cannot open."""


@dataclass(frozen=True, slots=True)
class State:
    """One revision: texts and the parts they mean, both by hash key and uid. `position`: the last stream entry."""

    revision: int = 0
    position: str = "0-0"
    texts: Texts = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, Part]] = field(default_factory=dict)

    def all_parts(self) -> Iterator[Part]:
        """Every part."""
        return (part for parts in self.parts.values() for part in parts.values())

    def snapshot(self) -> Snapshot:
        """The parts as one snapshot."""
        return wire.assemble({hash_key: dict(parts) for hash_key, parts in self.parts.items()})


class Decoder:
    """Turns texts into parts, a slice at a time. A part that means what it meant before stays the very same object."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def whole(self, texts: Texts, before: State, *, revision: int, position: str) -> State:
        """The state of exactly these texts. Raises `ConfigUnusableError` when not one upstream credential opens."""
        gone = {
            hash_key: dict.fromkeys(before.texts.get(hash_key, {}).keys() - texts.get(hash_key, {}).keys())
            for hash_key in wire.HASHES
        }
        changes = {hash_key: {**gone[hash_key], **texts.get(hash_key, {})} for hash_key in wire.HASHES}
        state = await self.changed(changes, before, revision=revision, position=position)
        sealed = len(texts.get(keys.UPSTREAMS, {}))
        if sealed and not state.parts[keys.UPSTREAMS]:
            raise ConfigUnusableError(
                f"not one of {sealed} upstreams in the configuration could be opened: "
                "give this gateway the encryption keys that the operator seals with"
            )
        return state

    async def changed(self, changes: Changes, before: State, *, revision: int, position: str) -> State:
        """The state after `before` with these fields set or gone. One that does not decode keeps its former meaning."""
        texts = {hash_key: dict(before.texts.get(hash_key, {})) for hash_key in wire.HASHES}
        parts = {hash_key: dict(before.parts.get(hash_key, {})) for hash_key in wire.HASHES}
        slices = Slices(makes=True)
        for hash_key, uid, text in _fields(changes):
            if text is None:
                texts[hash_key].pop(uid, None)
                parts[hash_key].pop(uid, None)
                await slices.done(PART)
            elif texts[hash_key].get(uid) != text:
                part = self._decode(hash_key, uid, text)
                if part is not None:
                    texts[hash_key][uid] = text
                    if parts[hash_key].get(uid) != part:
                        parts[hash_key][uid] = part
                await slices.done(PART)
            else:
                await slices.done(1)
        return State(revision=revision, position=position, texts=texts, parts=parts)

    def _decode(self, hash_key: str, uid: str, text: str) -> Part | None:
        """The part, or None after a line in the log that names the field (its text may hold secrets)."""
        try:
            return wire.decode(hash_key, text, self._keyring)
        except EnvelopeError as error:
            reason = str(error)
        except (ValueError, KeyError) as error:
            reason = type(error).__name__
        _log.error(
            "a field of the configuration is not usable: the rest is served, and what it meant before",
            extra={"hash": hash_key, "uid": uid, "error": reason},
        )
        return None


def _fields(changes: Changes) -> Iterator[tuple[str, str, str | None]]:
    for hash_key, fields in changes.items():
        if hash_key in wire.HASHES:
            for uid, text in fields.items():
                yield hash_key, uid, text
