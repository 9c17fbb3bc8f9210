"""The provider as the targets find it: in clear, or over TLS with a certificate that they check."""

import sys
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench.processes import Processes, Target, accepts
from harness.ports import free_port


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the provider listens. `authority` is a file with the certificate that signed its own, None in clear."""

    plain_port: int
    port: int
    authority: Path | None = None

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http{'s' if self.authority else ''}://127.0.0.1:{self.port}"

    @property
    def authority_pem(self) -> str | None:
        """What to trust, None in clear."""
        return self.authority.read_text() if self.authority else None


@dataclass(frozen=True, slots=True)
class Provider:
    """The one provider of a bench, and itself as a target: what the load and the provider can do without a gateway."""

    clear: Upstream
    sealed: Upstream
    itself: Target


def provider(processes: Processes) -> Provider:
    """Start it beside the load, on the core that is not tested."""
    authority, port, tls_port = trustme.CA(), free_port(), free_port()
    pem, trusted = processes.folder / "provider.pem", processes.folder / "authority.pem"
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(trusted))
    command = [sys.executable, "-m", "bench.provider", str(port), str(tls_port), str(pem)]
    pid = processes.start(command, ready=lambda: accepts(tls_port), tested=False)
    clear = Upstream(port, port)
    return Provider(clear, Upstream(port, tls_port, trusted), Target("direct to the provider", port, pid))
