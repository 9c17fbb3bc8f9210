"""A gateway that serves nothing: configuration, pool and verdicts as one has them that was started this moment."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from havuz_contract.settings import ProcessSettings, SettingsError
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Upstream
from havuz_gateway.commands.books import CommandError
from havuz_gateway.config.holder import Holder
from havuz_gateway.config.redis_source import RedisSource
from havuz_gateway.config.state import ConfigUnusableError, Decoder, State
from havuz_gateway.config.view import View
from havuz_gateway.local.state import ENCRYPTION_KEYS_FILE
from havuz_gateway.metering.upstream_limits import reached
from havuz_gateway.pool.bulletin import USABLE, SharedVerdict
from havuz_gateway.pool.pool import Pool
from havuz_gateway.pool.sharing import Sharing, tag_of
from havuz_gateway.pool.types import Member
from havuz_gateway.pool.verdict import Scope
from havuz_gateway.providers.mock import Mock, MockTransport
from havuz_gateway.providers.registry import provider_for

_ENVIRONMENT = ("HAVUZ_ENCRYPTION_KEYS", "HAVUZ_ENCRYPTION_KEYS_FILE")


@dataclass(frozen=True, slots=True)
class Onlooker:
    """What a request is planned with. `said` are the verdicts of the recent past, the oldest first."""

    view: Callable[[], View]
    pool: Pool
    said: Sequence[SharedVerdict]
    test_member: Callable[[], Member]
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    def told_of(self, member: Member, model: str) -> list[SharedVerdict]:
        """The verdicts in force that touch `model` on a member: the last of each kind, and of each gateway."""
        last: dict[tuple[str, str], SharedVerdict] = {}
        for said in self.said:
            if not self._touches(said, member, model):
                continue
            if said.state == USABLE:
                last = {key: one for key, one in last.items() if one.state != "Rejected" and one.state != "Open"}
            else:
                last[said.gateway, said.state] = said
        return [said for said in last.values() if said.until > self.wall()]

    def _touches(self, said: SharedVerdict, member: Member, model: str) -> bool:
        about = self.pool.members.get(said.upstream)
        if about is None or said.connection != tag_of(about):
            return False
        if said.scope == Scope.UPSTREAM:
            return about.site is member.site
        return about is member and said.model in (None, model)


async def look(redis: Redis, keyring: Keyring) -> Onlooker:
    """Load what a gateway knows. Raises `CommandError` and `redis.RedisError`."""
    holder, mock = Holder(wall=time.time), MockTransport(time.time)
    pool = Pool(lambda _upstream, _provider: mock, provider_for)
    holder.listen(lambda view: pool.sync(view.snapshot.upstreams))
    source = RedisSource(
        redis, Decoder(keyring), holder,
        kept=_nothing_kept, on_state=_not_kept, now=time.monotonic, rng=random.Random(),  # noqa: S311 - unused
    )  # fmt: skip
    try:
        await source.load()
    except ConfigUnusableError as error:
        raise CommandError(str(error)) from None
    said = await Sharing(redis, pool, gateway_id="").catch_up()
    return Onlooker(
        holder.view, pool, said, lambda: Member(Upstream(uid="test", name="test", provider="mock"), Mock(), mock)
    )


async def note_limits(redis: Redis, members: Sequence[Member], onlooker: Onlooker) -> None:
    """Pass over members at a limit of their own, as an attempt to claim a place on them would."""
    for member in members:
        if member.limited:
            found = await reached(redis, member.upstream, now=onlooker.wall())
            if found is not None:
                member.health.limit(found.limit, onlooker.now() + found.wait)


def read_keyring(state_dir: Path, environment: Mapping[str, str]) -> Keyring:
    """The encryption keys of the environment, else those of local mode. Raises `CommandError`."""
    try:
        if any(environment.get(name) for name in _ENVIRONMENT):
            return ProcessSettings.make().keyring()
        return Keyring.parse((state_dir / ENCRYPTION_KEYS_FILE).read_text())
    except OSError:
        raise CommandError(
            f"the configuration can't be opened without encryption keys: give {' or '.join(_ENVIRONMENT)} as the "
            f"gateways have it, or run this where `havuz up` runs (no {str(state_dir / ENCRYPTION_KEYS_FILE)!r} here)"
        ) from None
    except (SettingsError, ValueError) as error:
        raise CommandError(str(error)) from None


async def _nothing_kept() -> State | None:
    return None


def _not_kept(_: State) -> None:
    """An onlooker keeps no copy."""
