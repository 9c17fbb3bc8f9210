"""What only one protocol says: kept beside what all say, given back to that protocol, named when another drops it.

Every value that stands for an object on the wire has `extensions`. Under a protocol's name are the members of that
object which the decoder did not understand, as they came: the encoder of the same protocol puts them back. Where an
encoder adds members by default (a `null` that clients expect), they are added only if there is no entry: an entry,
even an empty one, says "exactly these". Under `spelling(protocol)` are members that are understood but were written
in another way than the encoder would choose (a `stop` that is no array); no other protocol misses anything there.
Where one neutral value stands for two objects on the wire, the inner one's name follows a dot: `openai_chat.message`.
Under `required(protocol)` are members that must not be left out: another protocol refuses the request instead.
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.neutral.errors import cannot_say

Extensions = Mapping[str, Mapping[str, Any]]
_SPELLING = ":spelling"
_REQUIRED = ":required"
_NAME_LIMIT = 120


def spelling(protocol: str) -> str:
    """The key under which a protocol keeps how things were written."""
    return protocol + _SPELLING


def required(protocol: str) -> str:
    """The key under which a protocol keeps what no other protocol may leave out."""
    return protocol + _REQUIRED


def kept(
    protocol: str,
    rest: Mapping[str, Any],
    *,
    default: Mapping[str, Any] | None = None,
    spelled: Mapping[str, Any] | None = None,
) -> Extensions:
    """The extensions of a decoded object whose members `rest` were not understood; `default` is what encoding adds."""
    extensions: dict[str, Mapping[str, Any]] = {}
    if rest != (default or {}):
        extensions[protocol] = rest
    if spelled:
        extensions[spelling(protocol)] = spelled
    return extensions


def restored(
    protocol: str,
    members: Mapping[str, Any],
    extensions: Extensions,
    *,
    default: Mapping[str, Any] | None = None,
    inner: str | None = None,
) -> dict[str, Any]:
    """`members` of an encoded object with what its protocol kept, or with `default` where nothing was kept.

    Of the object under the name `inner`, leftovers are added to what is encoded instead of taking its place.
    """
    if not extensions:
        return {**members, **(default or {})}
    left = dict(extensions.get(protocol, default or {}))
    if inner is not None and isinstance(left.get(inner), Mapping):
        left[inner] = {**members[inner], **left[inner]}
    return {**members, **left, **extensions.get(required(protocol), {}), **extensions.get(spelling(protocol), {})}


def merged(first: Extensions, then: Extensions) -> Extensions:
    """Both, member by member; `then` wins."""
    if not first or not then:
        return first or then
    return {name: {**first.get(name, {}), **then.get(name, {})} for name in {**first, **then}}


class Dropped:
    """The names of what an encoding could not say, in order, each once."""

    __slots__ = ("_names", "_protocol")

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._names: dict[str, None] = {}

    def note(self, name: str) -> None:
        """Name one field that is not said. Names come from clients and end up in a header: they are made harmless."""
        plain = name.isascii() and name.isprintable() and "," not in name
        self._names[(name if plain else ascii(name)[1:-1].replace(",", ""))[:_NAME_LIMIT]] = None

    def foreign(self, extensions: Extensions, path: str = "") -> None:
        """Name what only other protocols say of the object at `path`; nulls and empty values say nothing.

        Raises `CannotExpress` for what must not be left out.
        """
        for protocol, members in extensions.items():
            owner = protocol.removesuffix(_REQUIRED)
            if owner.partition(".")[0] == self._protocol or protocol.endswith(_SPELLING):
                continue
            for name, value in members.items():
                if owner != protocol:
                    place = f"{path}.{name}" if path else name
                    raise cannot_say(place, f"something that only {owner} knows", self._protocol)
                if value is not None and value != [] and value != {}:
                    self.note(f"{path}.{name}" if path else name)

    def names(self) -> tuple[str, ...]:
        """All that were noted."""
        return tuple(self._names)
