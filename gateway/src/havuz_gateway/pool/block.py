"""A block: why a key, or the site it calls, can't be asked now."""

from dataclasses import dataclass

OF_ONE_MODEL = ("CoolingDown", "ModelMissing")  # the states of one model on a key; the others are of the whole key


@dataclass(frozen=True, slots=True)
class Block:
    """Why nobody may be asked, and until when (monotonic seconds)."""

    state: str  # CoolingDown | Exhausted | Rejected | Open | Unreachable | ModelMissing | Limited
    until: float
    rate_limited: bool  # True: only a rate limit stands in the way


def combined(key: Block | None, site: Block | None) -> Block | None:
    """The stronger of what is known of a key and of its site, until the last of both ends."""
    if key is None or site is None:
        return key or site
    strongest = key if key.state in ("Rejected", "Exhausted") or site.rate_limited else site
    return Block(strongest.state, max(key.until, site.until), key.rate_limited and site.rate_limited)
