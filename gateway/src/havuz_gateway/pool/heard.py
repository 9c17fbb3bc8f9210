"""What has been told of upstreams, by whomever: by it a finding is known to be news or not. Times are unix seconds."""

from collections.abc import Iterator

from havuz_gateway.pool.bulletin import SharedVerdict

_MANY = 1_000  # verdicts, above which those that have ended are forgotten


class Heard:
    """Verdicts by their subject: the last of each."""

    def __init__(self) -> None:
        self._last: dict[str, SharedVerdict] = {}
        self._many = _MANY

    def is_news(self, found: SharedVerdict, now: float) -> bool:
        """Whether it says something that was not told, and is not over."""
        known = self._last.get(found.subject)
        told = known is not None and known.until + found.slack(now) >= found.until
        return not told and found.holds_until(now) >= now

    def note(self, said: SharedVerdict, now: float) -> None:
        """It was told."""
        self.end(said)
        self._last[said.subject] = said
        if len(self._last) > self._many:
            self._last = {subject: one for subject, one in self._last.items() if one.until > now}
            self._many = max(_MANY, 2 * len(self._last))

    def end(self, said: SharedVerdict) -> None:
        """Forget what is over with it."""
        for subject in said.ends:
            self._last.pop(subject, None)

    def of(self, upstream: str) -> Iterator[SharedVerdict]:
        """What was told of one upstream (its uid)."""
        return (said for said in self._last.values() if said.upstream == upstream)

    def clear(self) -> None:
        """Forget all of it."""
        self._last.clear()
