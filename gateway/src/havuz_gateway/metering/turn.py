"""One of a fleet at a time: a name in Redis that belongs to whoever took it, and that lapses with its owner."""

from havuz_gateway.metering.link import Calls, packed


class Turn:
    """The turn called `name`. It lapses `seconds` after its owner last asked for it."""

    def __init__(self, link: Calls, name: str, *, owner: str, seconds: float) -> None:
        self._link = link
        self._name = name
        self._owner = owner
        self._lasts = int(seconds * 1000)

    async def taken(self) -> bool:
        """Take or keep it; False while it is another's. Raises `LinkDown` or `ErrorReply`."""
        made = await self._link.ask(packed("SET", self._name, self._owner, "NX", "PX", self._lasts))
        if made is None and await self._link.ask(packed("GET", self._name)) != self._owner.encode():
            return False
        await self._link.ask(packed("PEXPIRE", self._name, self._lasts))
        return True
