"""A real control plane: etcd, kube-apiserver and kube-controller-manager, on loopback unless it is told where."""

import ipaddress
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.cluster.binaries import Binaries
from harness.cluster.kubeconfig import write_kubeconfig
from harness.ports import free_port

_ADMIN_TOKEN = "administrator"
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
# What needs a cloud, a node or a volume has nothing to do where there is none.
_NODELESS = ("*", "-node-ipam-controller", "-node-lifecycle-controller", "-persistentvolume-binder-controller")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a control plane runs: its address, the range of its Services, and the command that leads into its network.

    `controllers` is what `kube-controller-manager --controllers` takes.
    """

    address: str = "127.0.0.1"
    bind: str = "127.0.0.1"
    services: str = "10.96.0.0/16"
    enter: tuple[str, ...] = ()
    controllers: tuple[str, ...] = _NODELESS


LOOPBACK = Place()


class ControlPlane:
    """`with ControlPlane(binaries) as cluster: ...` serves until the block ends.

    `kubeconfig` is the administrator's. Everything is in a temporary folder.
    """

    def __init__(self, binaries: Binaries, place: Place = LOOPBACK) -> None:
        self.binaries = binaries
        self.place = place
        self.directory = Path(tempfile.mkdtemp(prefix="havuz-cluster-"))
        self.kubeconfig = self.directory / "admin.kubeconfig"
        self.port = free_port()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._etcd = ""

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return f"https://{self.place.address}:{self.port}"

    @property
    def ca(self) -> Path:
        """The certificate authority of the API server, in PEM."""
        return self.directory / "ca.pem"

    def log(self, part: str) -> str:
        """What one part printed so far."""
        path = self.directory / f"{part}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> "ControlPlane":
        try:
            self._write_credentials()
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End every part, the newest first, and remove the folder. Safe to repeat."""
        while self._processes:
            _, process = self._processes.popitem()
            process.terminate()
            try:
                # etcd and the API server wait for watchers to go; nobody needs what they hold.
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_STOP_SECONDS)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write_credentials(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        serving = authority.issue_cert(self.place.address, "localhost", "kubernetes.default.svc", self._first_service())
        serving.private_key_pem.write_to_path(self.directory / "serving.key")
        (self.directory / "serving.pem").write_bytes(b"".join(blob.bytes() for blob in serving.cert_chain_pems))
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (self.directory / "accounts.key").write_bytes(private)
        (self.directory / "accounts.pub").write_bytes(public)
        (self.directory / "tokens.csv").write_text(f'{_ADMIN_TOKEN},administrator,1,"system:masters"\n')
        write_kubeconfig(self.kubeconfig, server=self.url, ca=self.ca, token=_ADMIN_TOKEN)

    def stop_apiserver(self) -> None:
        """End the API server, and the controller manager with it, which would give up without its lease."""
        for part in ("kube-controller-manager", "kube-apiserver"):
            process = self._processes.pop(part)
            process.kill()
            process.wait(_STOP_SECONDS)

    def start_apiserver(self) -> None:
        """Start both (again) and return once the API server is ready."""
        self._start("kube-apiserver", *self._apiserver_flags(self._etcd))
        self._wait_ready()
        self._start("kube-controller-manager", *self._manager_flags())

    def _first_service(self) -> str:
        # the API server gives the Service `kubernetes` the first address of the range
        return str(ipaddress.ip_network(self.place.services)[1])

    def _start_all(self) -> None:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._etcd = client
        self._start(
            "etcd",
            f"--data-dir={self.directory}/etcd",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        self.start_apiserver()

    def _manager_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={self.directory}/accounts.key",
            f"--root-ca-file={self.ca}",
            f"--controllers={','.join(self.place.controllers)}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={free_port()}",
            f"--cert-dir={self.directory}/controller-manager",
        ]

    def _apiserver_flags(self, etcd: str) -> list[str]:
        return [
            f"--etcd-servers={etcd}",
            f"--bind-address={self.place.bind}",
            f"--advertise-address={self.place.address}",
            f"--secure-port={self.port}",
            f"--tls-cert-file={self.directory}/serving.pem",
            f"--tls-private-key-file={self.directory}/serving.key",
            f"--token-auth-file={self.directory}/tokens.csv",
            "--authorization-mode=RBAC",
            "--anonymous-auth=true",
            f"--service-cluster-ip-range={self.place.services}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.directory}/accounts.pub",
            f"--service-account-signing-key-file={self.directory}/accounts.key",
            f"--cert-dir={self.directory}/apiserver",
        ]

    def _start(self, part: str, *flags: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "ETCD_", "HAVUZ_"))}
        with (self.directory / f"{part}.log").open("ab") as log:
            self._processes[part] = subprocess.Popen(
                [*self.place.enter, str(self.binaries.part(part)), *flags],
                cwd=self.directory,
                env=clean,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _wait_ready(self) -> None:
        context = ssl.create_default_context(cafile=str(self.ca))
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {_ADMIN_TOKEN}"})
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=5, context=context):
                    return
            except OSError as error:
                self._check_alive()
                if time.monotonic() > deadline:
                    log = self.log("kube-apiserver")[-4000:]
                    raise RuntimeError(
                        f"the API server was not ready in {_START_SECONDS:g} s ({error}):\n{log}"
                    ) from None
            time.sleep(_POLL_SECONDS)

    def _check_alive(self) -> None:
        for part, process in self._processes.items():
            if process.poll() is not None:
                raise RuntimeError(f"{part} ended with {process.returncode}:\n{self.log(part)[-4000:]}")
