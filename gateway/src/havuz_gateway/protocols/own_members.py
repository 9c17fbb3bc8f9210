"""Members of a body that are havuz's own, in every protocol: no provider knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.errors import wrong_field

MAX_TIMEOUT_SECONDS = 600
ModeName = Literal["think", "deepsearch"]
MODES: tuple[ModeName, ...] = ("think", "deepsearch")


@dataclass(frozen=True, slots=True)
class OwnMembers:
    """`timeout` is seconds, of the whole request; `modes` the switches that are on."""

    timeout: float | None = None
    modes: tuple[ModeName, ...] = ()


def read_own(fields: Mapping[str, Any]) -> OwnMembers:
    """What a decoded body says to havuz. Raises `InvalidRequest` naming the field."""
    members = Members(fields, "", wrong_field)
    timeout = members.whole("timeout")
    if timeout is not None and not 1 <= timeout <= MAX_TIMEOUT_SECONDS:
        raise members.wrong("timeout", timeout, f"an integer from 1 to {MAX_TIMEOUT_SECONDS}")
    return OwnMembers(timeout=timeout, modes=tuple(name for name in MODES if members.flag(name)))
