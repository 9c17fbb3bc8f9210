"""Keeps responses in Redis, sealed, for some days after their last use, each seen by its own project alone.

Over a connection of its own: a long conversation must not make admissions wait. While Redis is away, that is said at
once: an answer is then served without being kept.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from havuz_contract import keys
from havuz_contract.snapshot.envelope import EnvelopeError, Keyring
from havuz_gateway.errors import InvalidRequest, ServiceUnavailable
from havuz_gateway.metering.link import Calls, ErrorReply, LinkDown, packed, packed_parts
from havuz_gateway.metering.scripts import Script
from havuz_gateway.responses.items import said_ids
from havuz_gateway.responses.record import Record, RecordTooLarge, RecordUnreadable, pack, unpack

_log = logging.getLogger(__name__)
_AWAY_RETRY_SECONDS = 1.0
_DAY_SECONDS = 86_400
_BESIDE_BYTES = 256 * 1024  # from which on packing and unpacking are worth a thread of their own
_RECALLS_AT_ONCE = 16
_MOST_CONVERSATION_BYTES = 64 * 1024 * 1024  # of JSON, which a hostile text makes far larger than what is kept of it

_KEEP = Script("keep", package=__package__, prelude=())
_RECALL = Script("recall", package=__package__, prelude=())
_FORGET = Script("forget", package=__package__, prelude=())


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """`days` after its last use a response is forgotten (0: none is kept). A project has at most `project_bytes` in
    Redis, one response `response_bytes` of JSON.
    """

    days: int = 30
    project_bytes: int = 256 * 1024 * 1024
    response_bytes: int = 16 * 1024 * 1024


class ResponseStore:
    """Reads and writes kept responses. `run` keeps it connected, until cancelled."""

    def __init__(self, link: Calls, keyring: Keyring, settings: StoreSettings) -> None:
        self._link = link
        self._keyring = keyring
        self._settings = settings
        self._seconds = settings.days * _DAY_SECONDS

    async def run(self) -> None:
        """Stay connected."""
        await self._link.run()

    @property
    def up(self) -> bool:
        """Whether responses are kept at the moment, as far as is known."""
        return self._seconds > 0 and self._link.up

    async def keep(self, project_uid: str, record: Record) -> bool:
        """Keep a response, in place of what was kept under its id. False: it could not be, which is logged."""
        if not self.up:
            return False
        key = keys.response(project_uid, record.id)
        names = (keys.responses(project_uid), keys.response_sizes(project_uid), key)
        prefixes = (keys.response(project_uid, ""), keys.response_item(project_uid, ""))
        try:
            sealed = await self._sealed(record, key)
            arguments: list[str | int] = [record.id, sealed, self._seconds, self._settings.project_bytes, *prefixes]
            arguments += said_ids(record)
            [told] = await _KEEP.ask(self._link, _command(_KEEP, names, arguments))
        except (LinkDown, ErrorReply, RecordTooLarge) as error:
            _log.warning("a response was not kept", extra={"error": str(error)})
            return False
        return bool(told == b"kept")

    async def find(self, project_uid: str, response_id: str) -> Record | None:
        """One response of the project. Raises `ServiceUnavailable` while Redis is away."""
        key = keys.response(project_uid, response_id)
        return await self._opened(await self._ask(packed("GET", key)), key)

    async def recall(self, project_uid: str, response_ids: Sequence[str]) -> list[Record | None]:
        """Responses that a conversation goes on from, which are then kept as long as if they were new.

        Raises `ServiceUnavailable` while Redis is away, `InvalidRequest` for more than any model reads.
        """
        found: list[Record | None] = []
        size = 0
        for begin in range(0, len(response_ids), _RECALLS_AT_ONCE):
            chunk = response_ids[begin : begin + _RECALLS_AT_ONCE]
            names = [keys.response(project_uid, one) for one in chunk]
            index = (keys.responses(project_uid), keys.response_sizes(project_uid))
            replies = await self._ask(_command(_RECALL, (*index, *names), (self._seconds, *chunk)), _RECALL)
            for reply, name in zip(replies, names, strict=True):
                record = await self._opened(reply, name)
                found.append(record)
                size += record.size if record is not None else 0
                if size > _MOST_CONVERSATION_BYTES:
                    raise InvalidRequest(
                        f"the conversation is longer than {_MOST_CONVERSATION_BYTES} bytes: start a new one, with a "
                        "summary of it as input",
                        param="previous_response_id",
                    )
        return found

    async def owners(self, project_uid: str, item_ids: Sequence[str]) -> Mapping[str, str]:
        """The responses in which these items were said, by the ids of items; those not known are not there.

        Raises `ServiceUnavailable` while Redis is away.
        """
        if not item_ids:
            return {}
        names = [keys.response_item(project_uid, one) for one in item_ids]
        replies = await self._ask(packed("MGET", *names))
        return {one: reply.decode() for one, reply in zip(item_ids, replies, strict=True) if reply is not None}

    async def forget(self, project_uid: str, response_id: str) -> bool:
        """Delete one response; whether there was one. Raises `ServiceUnavailable` while Redis is away."""
        names = (
            keys.responses(project_uid), keys.response_sizes(project_uid), keys.response(project_uid, response_id),
        )  # fmt: skip
        deleted = await self._ask(_command(_FORGET, names, (response_id,)), _FORGET)
        return bool(deleted[0])

    async def _sealed(self, record: Record, key: str) -> str:
        def seal() -> str:
            return self._keyring.seal(pack(record, limit=self._settings.response_bytes), owner=key)

        return await asyncio.to_thread(seal) if _is_large(record) else seal()

    async def _opened(self, reply: Any, key: str) -> Record | None:
        if reply is None:
            return None
        opening = partial(self._open, reply, key)
        try:
            return await asyncio.to_thread(opening) if len(reply) > _BESIDE_BYTES else opening()
        except (EnvelopeError, RecordUnreadable) as error:
            _log.warning("a kept response can't be read", extra={"error": str(error)})
            return None

    def _open(self, reply: bytes, key: str) -> Record:
        return unpack(self._keyring.open(reply.decode(), owner=key), limit=self._settings.response_bytes)

    async def _ask(self, command: bytes, script: Script | None = None) -> Any:
        if not self._link.tried.is_set():
            await self._link.tried.wait()  # a process that has just started
        try:
            return await (self._link.ask(command) if script is None else script.ask(self._link, command))
        except (LinkDown, ErrorReply) as error:
            if isinstance(error, ErrorReply):
                _log.error("kept responses can't be read from Redis", extra={"error": str(error)})
            raise ServiceUnavailable(
                "kept responses can't be read at the moment: try again later, or send the whole conversation as input",
                retry_after=_AWAY_RETRY_SECONDS,
            ) from None


def _command(script: Script, names: Sequence[str], arguments: Sequence[str | int]) -> bytes:
    return script.head(len(names), len(arguments)) + packed_parts(*names, *arguments)


def _is_large(record: Record) -> bool:
    """Whether pictures or files are in it: a guess by the length of its texts, stopped as soon as it is known."""
    size, waiting = 0, [record.input, record.response.get("output")]
    while waiting and size < _BESIDE_BYTES:
        match waiting.pop():
            case str() as text:
                size += len(text)
            case list() | tuple() as values:
                waiting += values
            case dict() as members:
                waiting += members.values()
            case _:
                pass
    return size >= _BESIDE_BYTES
