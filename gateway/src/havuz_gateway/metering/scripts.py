"""Lua scripts as typed calls, and the meter's. A script's first lines say what its keys, arguments and replies are."""

import asyncio
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from havuz_gateway.metering.link import Calls, ErrorReply, Sink, packed, packed_parts

_PRELUDE = ("money", "clock")


class Script:
    """One script of a package: called by its hash, sent whole where the server has forgotten it."""

    def __init__(self, name: str, *, package: str = __package__, prelude: Sequence[str] = _PRELUDE) -> None:
        folder = resources.files(package).joinpath("scripts")
        texts = [folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in (*prelude, name)]
        self.text = "\n".join(texts).encode()
        sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()
        self._by_hash = packed_parts("EVALSHA", sha)
        self.load = packed("SCRIPT", "LOAD", self.text)

    def head(self, keys_count: int, arguments_count: int) -> bytes:
        """The beginning of a call; as many keys and arguments must follow as packed parts."""
        count = 3 + keys_count + arguments_count
        return b"*%d\r\n%b%b" % (count, self._by_hash, packed_parts(keys_count))

    def submit(self, link: Calls, command: bytes, sink: Sink) -> None:
        """Call it: `command` is `head` and what follows. A server that has lost its scripts is sent the text."""

        def heard(reply: object) -> None:
            if isinstance(reply, ErrorReply) and str(reply).startswith("NOSCRIPT"):
                link.submit(command.replace(self._by_hash, packed_parts("EVAL", self.text), 1), sink)
            else:
                sink(reply)

        link.submit(command, heard)

    async def ask(self, link: Calls, command: bytes) -> Any:
        """Call it and wait for its reply. Raises `LinkDown` or `ErrorReply`."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def heard(reply: Any) -> None:
            if not answer.done():
                answer.set_result(reply)

        self.submit(link, command, heard)
        reply = await answer
        if isinstance(reply, Exception):
            raise reply
        return reply


RESERVE = Script("reserve")
SETTLE = Script("settle")
RELEASE = Script("release")
SWEEP = Script("sweep")
CLAIM = Script("claim")
UNCLAIM = Script("unclaim")
PROOF = Script("proof")
LOADS = tuple(script.load for script in (RESERVE, SETTLE, RELEASE, SWEEP, CLAIM, UNCLAIM, PROOF))
