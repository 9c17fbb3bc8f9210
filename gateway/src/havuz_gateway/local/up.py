"""`havuz up`: start a server, compile and publish the folder, serve, and follow edits until stopped."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import redis
import redis.asyncio
import watchfiles
from pydantic import SecretStr

from havuz_contract.accounts import apply_credits
from havuz_contract.background import Background, Work
from havuz_contract.connection import connect
from havuz_contract.key_requests import KeyRequests
from havuz_contract.publish import Publisher
from havuz_contract.snapshot.envelope import Keyring
from havuz_contract.snapshot.models import Snapshot
from havuz_gateway.app import run_gateway
from havuz_gateway.local import server
from havuz_gateway.local.compiling import Compiling, Outcome
from havuz_gateway.local.credentials import MadeKeys
from havuz_gateway.local.errors import LocalError
from havuz_gateway.local.guide import guide
from havuz_gateway.local.key_desk import LocalKeyDesk
from havuz_gateway.local.manifests import ManifestFolder
from havuz_gateway.local.state import REDIS_URL_FILE, StateFolder
from havuz_gateway.settings import Settings

_GRACE_SECONDS = 3.0  # after Ctrl-C nobody wants to wait long
_DEBOUNCE_MILLISECONDS = 100
_WATCH_STEP_MILLISECONDS = 20
_ENVIRONMENT_FILE = "env"
_LOOK_SECONDS = 2.0
_FOLDER_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """What `havuz up` was asked for. `operations_port` 0: no operations port. `say` prints a line for the user."""

    manifests: Path
    state_dir: Path
    host: str
    port: int
    operations_port: int
    redis_url: str | None
    say: Callable[[str], None]


async def run(options: Options, *, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises `LocalError`, `SettingsError` and `PortTakenError`."""
    if not options.manifests.is_dir():
        raise LocalError(f"there is no folder {str(options.manifests)!r}: give one with --manifests")
    async with AsyncExitStack() as stack:
        state = stack.enter_context(StateFolder(options.state_dir))
        url = options.redis_url
        if url is None:
            url = await stack.enter_async_context(server.running(state.folder("valkey")))
        state.write(REDIS_URL_FILE, url + "\n")
        settings = _settings(options, url, state)
        client = connect(url, name="havuz-local")
        stack.push_async_callback(client.aclose)
        local = _Local(options, state, client)
        await local.first()
        works: dict[str, Work] = {
            "manifests": lambda: local.follow(stop),
            "publication": local.keep_published,
            "key-requests": local.desk.run,
        }
        background = Background(works)
        background.start()
        stack.push_async_callback(background.stop)
        await run_gateway(settings, stop=stop, ready=partial(local.welcome, pages=settings.pages))
    options.say("stopped")


class _Local:
    """The folder, compiled and published; speaks up about what is new."""

    def __init__(self, options: Options, state: StateFolder, client: redis.asyncio.Redis) -> None:
        self._options = options
        self._state = state
        self._redis = client
        keyring = Keyring.parse(state.encryption_keys())
        self._publisher = Publisher(client, keyring)
        made = MadeKeys(state, random=os.urandom)
        self._compiling = Compiling(ManifestFolder(options.manifests), made, environment=os.environ)
        self.desk = LocalKeyDesk(
            KeyRequests(client, keyring),
            made,
            outcome=self._known,
            publish=self._apply,
            clock=lambda: datetime.now(UTC),
        )
        self._outcome: Outcome | None = None
        self._revision = 0
        self._refused_credits: tuple[str, ...] = ()
        self._publishing = asyncio.Lock()

    async def first(self) -> None:
        """Publish the folder for the first time. Raises `LocalError`."""
        try:
            await self._apply()
        except redis.RedisError as error:
            raise LocalError(f"Redis can't be used: {error}; check --redis-url") from None
        except OSError as error:
            raise LocalError(f"{str(self._options.manifests)!r} can't be read: {error.strerror}") from None

    async def follow(self, stop: asyncio.Event) -> None:
        """Apply every edit. A folder that goes away is waited for, and what was read last stays served."""
        away = False
        while not stop.is_set():
            try:
                held = os.open(self._options.manifests, os.O_RDONLY)  # while it is held, no other can pass for it
                if away:
                    self._options.say("no longer: the manifests can't be read")
                away = False
                try:
                    await self._watch(held, stop)
                finally:
                    os.close(held)
            except OSError as error:
                if not away:
                    self._options.say(f"! the manifests can't be read: {error.strerror}; what was read last is served")
                away = True
                await asyncio.sleep(_FOLDER_LOOK_SECONDS)

    async def _watch(self, held: int, stop: asyncio.Event) -> None:
        """Apply edits for as long as the folder is the one behind the descriptor. Raises `OSError`."""
        changes = watchfiles.awatch(
            self._options.manifests,
            debounce=_DEBOUNCE_MILLISECONDS,
            step=_WATCH_STEP_MILLISECONDS,
            stop_event=stop,
            recursive=False,
            rust_timeout=int(_FOLDER_LOOK_SECONDS * 1000),
            yield_on_timeout=True,
        )
        applied = False  # what was edited before the watch began is not told by it
        async for edits in changes:
            if edits or not applied:
                await self._edited()
                applied = True
            if not os.path.samestat(os.fstat(held), self._options.manifests.stat()):
                return  # another one is in its place, and a watch hears nothing of that

    async def _edited(self) -> None:
        try:
            await self._apply()
        except redis.RedisError as error:
            self._options.say(f"! the edit is not published yet, Redis is away: {error}")

    async def keep_published(self) -> None:
        """Publish again whenever the server has lost what it held, or was away when there was something to publish."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(redis.RedisError, OSError):  # it is being started again
                if self._outcome is not None:
                    self._revision = await self._publish(self._outcome.snapshot)

    def welcome(self, *, pages: bool) -> None:
        """Say what is served, the customers' pages with it where there are any."""
        if self._outcome is not None:
            made = guide(_base_url(self._options), self._outcome.reading, self._outcome.secrets, self._outcome.snapshot)
            self._options.say(made.welcome(self._environment_file(), pages=pages))

    def _known(self) -> Outcome:
        assert self._outcome is not None  # noqa: S101 - there is one before anything runs beside
        return self._outcome

    async def _apply(self) -> None:
        before, outcome = self._outcome, self._compiling.compile(datetime.now(UTC))
        self._outcome = outcome
        self._tell(before.complaints if before is not None else (), outcome.complaints)
        made = guide(_base_url(self._options), outcome.reading, outcome.secrets, outcome.snapshot)
        self._state.write(_ENVIRONMENT_FILE, made.environment())
        revision = await self._publish(outcome.snapshot)
        if before is not None and revision != self._revision:
            self._options.say(f"the manifests or their keys were changed: revision {revision} is served")
        self._revision = revision

    async def _publish(self, snapshot: Snapshot) -> int:
        """Publish what Redis does not hold, and put new credits into their accounts; returns the revision."""
        async with self._publishing:
            await self._publisher.is_current()
            revision = await self._publisher.publish(snapshot)
            projects = snapshot.projects
            applied = await apply_credits(self._redis, list(projects.values()), now=time.time())
        refused = tuple(
            f"Project {projects[uid].name!r}: {one}" for uid, done in applied.items() for one in done.conflicts
        )
        self._tell(self._refused_credits, refused)
        self._refused_credits = refused
        return revision

    def _tell(self, before: Sequence[str], now: Sequence[str]) -> None:
        for complaint in now:
            if complaint not in before:
                self._options.say(f"! {complaint}")
        for complaint in before:
            if complaint not in now:
                self._options.say(f"no longer: {complaint}")

    def _environment_file(self) -> str:
        path = self._state.path / _ENVIRONMENT_FILE
        return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _settings(options: Options, url: str, state: StateFolder) -> Settings:
    return Settings.make(
        redis_url=SecretStr(url),
        encryption_keys=SecretStr(state.encryption_keys()),
        host=options.host,
        port=options.port,
        operations_host=options.host,
        operations_port=options.operations_port,
        gateway_id="local",
        drain_delay=0,
        drain_grace=_GRACE_SECONDS,
        object_store=SecretStr(os.environ.get("HAVUZ_OBJECT_STORE") or state.folder("files").as_uri()),
    )


def _base_url(options: Options) -> str:
    host = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host  # noqa: S104 - only compared
    return f"http://[{host}]:{options.port}" if ":" in host else f"http://{host}:{options.port}"
