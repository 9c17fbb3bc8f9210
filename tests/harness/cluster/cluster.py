"""A cluster for tests: the local control plane, or one that exists, with kubectl and helm to reach it."""

import base64
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.cluster.binaries import Binaries, build
from harness.cluster.controlplane import ControlPlane
from harness.cluster.kubeconfig import write_kubeconfig

_PATIENCE_SECONDS = 30.0
_COMMAND_SECONDS = 100.0
_POLL_SECONDS = 0.1


class CommandError(AssertionError):
    """kubectl or helm ended with another code than 0. `stderr` is what it complained of."""

    def __init__(self, command: list[str], stderr: str) -> None:
        super().__init__(f"{' '.join(command)}:\n{stderr}")
        self.stderr = stderr


class Cluster:
    """kubectl and helm with one kubeconfig."""

    def __init__(self, binaries: Binaries, kubeconfig: Path) -> None:
        self.binaries = binaries
        self.kubeconfig = kubeconfig

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints. Raises `CommandError`."""
        return self._run(self.binaries.kubectl, *arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        """What helm prints. Raises `CommandError`."""
        return self._run(self.binaries.helm, *arguments)

    def get(self, *arguments: str) -> Any:
        """What `kubectl get … -o json` gives."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, manifests: str, *, namespace: str) -> None:
        """`kubectl apply` of YAML text."""
        self.kubectl("--namespace", namespace, "apply", "-f", "-", stdin=manifests)

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """The entries of a Secret, decoded."""
        data = self.get("secret", name, "--namespace", namespace)["data"]
        return {entry: base64.b64decode(value).decode() for entry, value in data.items()}

    def condition(self, kind: str, name: str, type: str, *, namespace: str) -> dict[str, Any]:  # noqa: A002
        """One condition of an object; empty while it has none of this type."""
        status = self.get(kind, name, "--namespace", namespace).get("status", {})
        return next((one for one in status.get("conditions", ()) if one["type"] == type), {})

    def eventually(self, what: Callable[[], bool], *, seconds: float = _PATIENCE_SECONDS) -> None:
        """Return once `what` is true. Raises `AssertionError` when that takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what.__name__}"
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def api(self) -> Iterator["Api"]:
        """Plain HTTP to the API server, with the rights of this kubeconfig."""
        command = [str(self.binaries.kubectl), "proxy", "--port=0"]
        environment = os.environ | self._own_environment()
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as proxy:
            try:
                assert proxy.stdout is not None
                port = int(proxy.stdout.readline().rpartition(":")[2])
                yield Api(f"http://127.0.0.1:{port}")
            finally:
                proxy.kill()

    @contextmanager
    def forwarded(self, namespace: str, target: str, port: int) -> Iterator[int]:
        """A port of this machine that leads to `port` of `target`, such as `service/havuz-gateway`."""
        command = [str(self.binaries.kubectl), "--namespace", namespace, "port-forward", target, f":{port}"]
        environment = os.environ | self._own_environment()
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as forward:
            try:
                assert forward.stdout is not None
                said = forward.stdout.readline()  # Forwarding from 127.0.0.1:34567 -> 8080
                yield int(said.split(" -> ")[0].rpartition(":")[2])
            finally:
                forward.kill()

    def as_account(self, namespace: str, name: str, kubeconfig: Path) -> "Cluster":
        """The same cluster, seen by a service account: with a token of its own, and nothing else."""
        view = json.loads(self.kubectl("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
        server = view["clusters"][0]["cluster"]
        ca = kubeconfig.with_suffix(".pem")
        ca.write_bytes(base64.b64decode(server["certificate-authority-data"]))
        token = self.kubectl("--namespace", namespace, "create", "token", name, "--duration=2h").strip()
        write_kubeconfig(kubeconfig, server=server["server"], ca=ca, token=token)
        return Cluster(self.binaries, kubeconfig)

    def _run(self, executable: Path, *arguments: str, stdin: str | None = None) -> str:
        command = [str(executable), *arguments]
        environment = os.environ | self._own_environment()
        finished = subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, timeout=_COMMAND_SECONDS
        )
        if finished.returncode:
            raise CommandError([executable.name, *arguments], finished.stderr or finished.stdout)
        return finished.stdout

    def _own_environment(self) -> dict[str, str]:
        # helm and kubectl keep caches: in a folder that goes away with the test
        return {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.kubeconfig.parent)}


class Api:
    """Plain calls to the API server by way of a proxy, where a hundred runs of kubectl would take too long."""

    def __init__(self, url: str) -> None:
        self._url = url

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Status and JSON of the answer, whatever they are."""
        return self._send("POST", path, body, "application/json")

    def patch(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """A merge patch; kubectl would read the object first. Status and JSON of the answer, whatever they are."""
        return self._send("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path: str) -> tuple[int, Any]:
        """Status and JSON of the answer, whatever they are."""
        return self._send("DELETE", path, {}, "application/json")

    def _send(self, method: str, path: str, body: Mapping[str, Any], content_type: str) -> tuple[int, Any]:
        headers = {"Content-Type": content_type}
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@contextmanager
def open_cluster() -> Iterator[Cluster]:
    """The cluster of `$KUBECONFIG` where `HAVUZ_TEST_EXISTING_CLUSTER=1`, else a control plane of our own.

    The second variable is there because the tests install and remove cluster-wide objects. Raises `BuildError`.
    """
    binaries = build()
    existing = os.environ.get("KUBECONFIG")
    if existing and os.environ.get("HAVUZ_TEST_EXISTING_CLUSTER") == "1":
        yield Cluster(binaries, Path(existing))
        return
    with ControlPlane(binaries) as local:
        yield Cluster(binaries, local.kubeconfig)
