"""Azure's blob storage as Microsoft's own emulator plays it: https://github.com/Azure/Azurite."""

import base64
import hmac
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from harness.client_programs import npm_folder
from harness.ports import free_port

CONTAINER = "pictures"
# The account that the emulator's documents name; it opens nothing else.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_VERSION = "2021-08-06"
_PACKAGES = Path(__file__).parents[1] / "component" / "node"
_PROGRAM = "azurite/dist/src/blob/main.js"
_START_SECONDS = 60.0
_INSTALL_SECONDS = 600.0  # hundreds of packages, once


class AzureServer:
    """One container on a loopback port. `with AzureServer() as server: open_bucket(server.url)`.

    Without Node.js or its packages the test that asks for it is skipped.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="havuz-azure-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The store's URL, with what is a secret elsewhere."""
        options = {"account_name": _ACCOUNT, "account_key": _KEY, "endpoint": self._endpoint}
        return f"az://{CONTAINER}/some/prefix?{urlencode(options)}"

    @property
    def _endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/{_ACCOUNT}"

    def __enter__(self) -> "AzureServer":
        program = npm_folder(_PACKAGES, seconds=_INSTALL_SECONDS) / "node_modules" / _PROGRAM
        own = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--inMemoryPersistence", "--disableTelemetry"]
        with (self.directory / "log").open("wb") as log:
            # it knows the versions of the protocol that there were when it was made, and clients are newer
            command = ["node", str(program), *own, "--skipApiVersionCheck", "--silent"]
            self._process = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=subprocess.STDOUT)
        self._make_container()
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _make_container(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(self._signed(), timeout=5):
                    return
            except urllib.error.HTTPError:
                raise
            except OSError:
                if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                    log = (self.directory / "log").read_text(errors="replace")
                    raise RuntimeError(f"the Azure server did not start:\n{log}") from None
                time.sleep(0.05)

    def _signed(self) -> urllib.request.Request:
        """https://learn.microsoft.com/rest/api/storageservices/create-container, authorized by the account's key."""
        date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        told = f"x-ms-date:{date}\nx-ms-version:{_VERSION}\n"
        absent = "\n" * 12  # of the headers that may be signed, none is sent
        text = f"PUT{absent}{told}/{_ACCOUNT}/{_ACCOUNT}/{CONTAINER}\nrestype:container"
        signature = base64.b64encode(hmac.digest(base64.b64decode(_KEY), text.encode(), "sha256")).decode()
        headers = {"x-ms-date": date, "x-ms-version": _VERSION, "authorization": f"SharedKey {_ACCOUNT}:{signature}"}
        url = f"{self._endpoint}/{CONTAINER}?restype=container"
        return urllib.request.Request(url, method="PUT", headers=headers)
