"""Every form of Redis behind TLS: one server with a user of its own, one behind Sentinels, and a Redis Cluster."""

import time
from contextlib import ExitStack
from pathlib import Path

import redis

from harness.redis_cluster import BUS_OFFSET, ClusterInstallation, is_ready
from harness.sentinels import SERVICE, SentinelInstallation
from harness.tls_relays import SERVERS, TlsRelays
from harness.valkey import ValkeyServer

USER, PASSWORD = "havuz", "p@ss/w0rd"
_NOBODY = "default on nopass resetkeys -@all +ping +hello +client"
_USER = f"{USER} on >{PASSWORD} ~havuz:* +@all -@dangerous"
_READY_SECONDS = 20.0


class TlsServer:
    """Use it as a context manager; `url` trusts nothing by itself, `ca_file` is the authority to trust."""

    def __init__(self) -> None:
        self._server = ValkeyServer("--user", *_NOBODY.split(), "--user", *_USER.split())
        self._relays = TlsRelays(self._server.port)
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """With a password that needs escaping."""
        return f"rediss://{USER}:p%40ss%2Fw0rd@127.0.0.1:{self._relays.ports[self._server.port]}/0"

    @property
    def ca_file(self) -> Path:
        """The authority that signed the server's certificate."""
        return self._relays.ca_file

    def __enter__(self) -> "TlsServer":
        self._stack.enter_context(self._server)
        self._stack.enter_context(self._relays)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class TlsSentinels(SentinelInstallation):
    """Sentinels and servers that clients reach by TLS alone: what is announced are ports of relays."""

    def __init__(self) -> None:
        super().__init__()
        self.relays = TlsRelays(self.primary.port, self.replica.port, *self.ports)
        self.watched = self.relays.ports[self.primary.port]
        self.settings = f"bind-source-addr {SERVERS}\n"

    @property
    def url(self) -> str:
        """Names every Sentinel."""
        hosts = ",".join(f"127.0.0.1:{self.relays.ports[port]}" for port in self.ports)
        return f"rediss+sentinel://{hosts}/{SERVICE}/0"

    def __enter__(self) -> "TlsSentinels":
        with ExitStack() as stack:
            stack.enter_context(self.relays)
            super().__enter__()
            self._outer = stack.pop_all()
        return self

    def prepare(self) -> None:
        """Before a Sentinel looks at them: servers say where their relays are."""
        for server in (self.primary, self.replica):
            with redis.Redis(port=server.port) as client:
                client.config_set("bind-source-addr", SERVERS)
                client.config_set("replica-announce-port", self.relays.ports[server.port])

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._outer.close()


class TlsCluster(ClusterInstallation):
    """A cluster whose nodes send clients to relays."""

    def __init__(self) -> None:
        super().__init__()
        self.relays = TlsRelays(*(node.port for node in self.nodes))

    @property
    def url(self) -> str:
        """Names every node."""
        return "rediss+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.relays.ports.values())

    def __enter__(self) -> "TlsCluster":
        with ExitStack() as stack:
            stack.enter_context(self.relays)
            super().__enter__()
            stack.push(super().__exit__)
            for node in self.nodes:
                with redis.Redis(port=node.port) as client:
                    client.config_set("cluster-announce-ip", "127.0.0.1")  # or it is taken for what it comes from
                    client.config_set("cluster-announce-bus-port", node.port + BUS_OFFSET)
                    client.config_set("cluster-announce-port", self.relays.ports[node.port])
                    client.config_set("bind-source-addr", SERVERS)
            deadline = time.monotonic() + _READY_SECONDS
            while not all(self._is_told(node) for node in self.nodes):
                if time.monotonic() > deadline:
                    raise RuntimeError("the nodes did not tell each other of their relays in time")
                time.sleep(0.05)
            self._outer = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._outer.close()

    def _is_told(self, node: ValkeyServer) -> bool:
        """Whether this node would send clients to relays only, and its own links were made anew."""
        with redis.Redis(port=node.port) as client:
            told = client.execute_command("CLUSTER SLOTS")
        places = {(host.decode(), port) for _, _, *nodes in told for host, port, *_ in nodes}
        return is_ready(node) and places == {("127.0.0.1", port) for port in self.relays.ports.values()}
