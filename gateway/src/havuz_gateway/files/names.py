"""What a kept file is called: the day until which it is kept, what nobody can guess, and what it is.

A name says all that is known of its file: a store need not remember types, and what has expired is found by its day.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from havuz_gateway.transport.media_types import EXTENSIONS, TYPES

RANDOM_BYTES = 20
_NAME = re.compile(rf"(?P<day>[0-9]{{8}})-(?P<token>[0-9a-f]{{{2 * RANDOM_BYTES}}})\.(?P<extension>[a-z0-9]{{2,4}})")


@dataclass(frozen=True, slots=True)
class FileName:
    """`day` is the last one (UTC, `20261128`) on which the file is there for certain."""

    day: str
    token: str
    extension: str

    @classmethod
    def make(cls, content_type: str, *, now: float, days: int, random: bytes) -> "FileName":
        """The name of a file that is kept from `now` (unix seconds) on for `days`.

        Raises `ValueError` for a type that is not in `transport.media_types`, or too little randomness.
        """
        if content_type not in EXTENSIONS:
            raise ValueError(f"files of type {content_type!r} are not kept: pictures and sounds are")
        if len(random) != RANDOM_BYTES:
            raise ValueError(f"the name of a file needs {RANDOM_BYTES} random bytes, not {len(random)}")
        last = datetime.fromtimestamp(now, UTC) + timedelta(days=days)
        return cls(day_of(last), random.hex(), EXTENSIONS[content_type])

    @classmethod
    def read(cls, text: str) -> "FileName | None":
        """The name that `text` is, or None where it is none."""
        found = _NAME.fullmatch(text)
        if found is None or found["extension"] not in TYPES:
            return None
        return cls(found["day"], found["token"], found["extension"])

    def __str__(self) -> str:
        return f"{self.day}-{self.token}.{self.extension}"

    @property
    def path(self) -> str:
        """Where it is in the store."""
        return f"{self.day}/{self.token}.{self.extension}"

    @property
    def content_type(self) -> str:
        """Its type, which its bytes were checked to be of."""
        return TYPES[self.extension]


def day_of(moment: datetime) -> str:
    """A day as names have it."""
    return moment.strftime("%Y%m%d")
