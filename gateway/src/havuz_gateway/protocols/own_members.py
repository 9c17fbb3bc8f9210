"""Members of a body that are havuz's own, in every protocol: no provider knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from havuz_gateway.protocols.openai.fields import Check, boolean, check_fields, integer

ModeName = Literal["think", "deepsearch"]
MODES: tuple[ModeName, ...] = ("think", "deepsearch")
MAX_TIMEOUT_SECONDS = 600
OWN_FIELDS: dict[str, Check] = {"timeout": integer(1, MAX_TIMEOUT_SECONDS), **dict.fromkeys(MODES, boolean)}
OWN_NAMES = frozenset(OWN_FIELDS)


@dataclass(frozen=True, slots=True)
class OwnMembers:
    """`timeout` is seconds, of the whole request; `modes` the switches that are on."""

    timeout: float | None = None
    modes: tuple[ModeName, ...] = ()


_NONE = OwnMembers()


def read_own(fields: Mapping[str, Any]) -> OwnMembers:
    """What a decoded body says to havuz. Raises `InvalidRequest` naming the field."""
    if OWN_NAMES.isdisjoint(fields):
        return _NONE
    check_fields(fields, OWN_FIELDS)
    return OwnMembers(timeout=fields.get("timeout"), modes=tuple(name for name in MODES if fields.get(name)))


def without_own(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body's fields as a provider may see them."""
    return {name: value for name, value in fields.items() if name not in OWN_NAMES}
