"""The folder of local mode's own files: keys and data that outlive a run, readable by the owner alone."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.local.errors import LocalError

ENCRYPTION_KEYS_FILE = "encryption-keys"
REDIS_URL_FILE = "redis-url"  # where the run that was started last keeps its data; its tools read it
ENCRYPTION_KEYS_FILE = "encryption-keys"


class StateFolder:
    """One folder, held by one process at a time: `with StateFolder(path) as state`. Raises `LocalError`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._close()
            raise LocalError(
                f"another `havuz up` uses {str(self.path)!r}: stop it, or choose another folder with --state-dir"
            ) from None
        except OSError as error:
            self._close()
            raise LocalError(f"the state folder {str(self.path)!r} can't be used: {error.strerror}") from None
        self.write(".gitignore", "*\n")  # keys must not end up in anybody's repository
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def read(self, name: str) -> str | None:
        """The text of a file, or None where there is none."""
        with suppress(FileNotFoundError):
            return (self.path / name).read_text()
        return None

    def write(self, name: str, text: str) -> None:
        """Write a file as a whole, for the owner alone."""
        beside = self.path / f".{name}.new"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        beside.replace(self.path / name)

    def folder(self, name: str) -> Path:
        """A folder in it, made on first use."""
        path = self.path / name
        path.mkdir(exist_ok=True, mode=0o700)
        return path

    def encryption_keys(self) -> str:
        """The keyring text of this folder, made on first use."""
        text = self.read(ENCRYPTION_KEYS_FILE)
        if text is None:
            text = Keyring.generate()
            self.write(ENCRYPTION_KEYS_FILE, text + "\n")
        return text

    def _close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
