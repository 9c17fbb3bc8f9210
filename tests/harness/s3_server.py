"""A real S3-compatible server, versitygw, over a folder: https://github.com/versity/versitygw."""

import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from harness.cluster.binaries import go_program
from harness.ports import free_port

ACCESS_KEY, SECRET_KEY, REGION = "havuz-access", "havuz-secret-of-a-test", "eu-test-1"
BUCKET = "pictures"
_VERSION = "v1.8.0"
_START_SECONDS = 20.0


def build() -> Path:
    """The server's executable, built once. Raises `BuildError`."""
    return go_program("github.com/versity/versitygw/cmd/versitygw", _VERSION)


class S3Server:
    """One bucket on a loopback port. `with S3Server() as server: open_bucket(server.url)`. Raises `BuildError`."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="havuz-s3-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The store's URL, with what is a secret elsewhere."""
        options = {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "region": REGION,
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
        }
        return f"s3://{BUCKET}/some/prefix?{urlencode(options)}"

    @property
    def files(self) -> list[str]:
        """What is in the bucket, beneath the prefix."""
        prefix = self.directory / "data" / BUCKET / "some" / "prefix"
        return sorted(str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file())

    def __enter__(self) -> "S3Server":
        data, sidecar = self.directory / "data", self.directory / "sidecar"
        (data / BUCKET).mkdir(parents=True)
        sidecar.mkdir()
        executable = build()
        own = ["--port", f"127.0.0.1:{self.port}", "--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", REGION]
        with (self.directory / "log").open("wb") as log:
            # a folder beside the data takes the metadata, for file systems without extended attributes
            self._process = subprocess.Popen(
                [str(executable), *own, "--quiet", "posix", "--sidecar", str(sidecar), str(data)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2):
                    return
            except urllib.error.HTTPError as refused:
                refused.close()
                return  # it answers, if only that nobody may list its buckets without a signature
            except OSError:
                if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                    log = (self.directory / "log").read_text(errors="replace")
                    raise RuntimeError(f"the S3 server did not start:\n{log}") from None
                time.sleep(0.02)
