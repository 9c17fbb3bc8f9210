"""A Redis Cluster of six nodes on loopback: three primaries with a replica each."""

import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import redis

from harness.ports import free_port
from harness.valkey import ValkeyServer, server_executable

_NODES = 6
BUS_OFFSET = 10_000  # nodes talk to each other on a port so far above their own
_READY_SECONDS = 20.0
_AT_ONCE = 100  # keys of a slot that is moved
_OPTIONS = (
    "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0",
    "--repl-diskless-sync-delay", "0",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlotMove:
    """A slot whose keys have moved: the old node sends whoever asks on to the new one, for once."""

    slot: int
    ports: tuple[int, int]
    target: str

    def end(self) -> None:
        """Tell both nodes who is in charge from now on."""
        for port in self.ports:
            with redis.Redis(port=port) as client:
                client.execute_command("CLUSTER SETSLOT", self.slot, "NODE", self.target)


class ClusterInstallation:
    """Use it as a context manager."""

    def __init__(self) -> None:
        self.nodes = [ValkeyServer(*_OPTIONS) for _ in range(_NODES)]
        for node in self.nodes:
            node.port = free_port(beside=BUS_OFFSET)
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Names every node."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def __enter__(self) -> "ClusterInstallation":
        with ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            self._join()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def holder_of(self, key: str) -> ValkeyServer:
        """The primary that a key is at."""
        with redis.RedisCluster.from_url(f"redis://127.0.0.1:{self.nodes[0].port}") as client:
            port = client.get_node_from_key(key).port
        return next(node for node in self.nodes if node.port == port)

    def heal(self) -> None:
        """Start the nodes that were stopped, and wait until each primary has its replica again."""
        for node in self.nodes:
            if not node.running:
                node.start()
        self._wait_ready()

    def begin_move(self, key: str) -> SlotMove:
        """Move everything in the slot of a key to another primary, which is not said to be in charge yet."""
        with redis.RedisCluster.from_url(f"redis://127.0.0.1:{self.nodes[0].port}") as client:
            slot, source = client.keyslot(key), client.get_node_from_key(key)
            target = next(node for node in client.get_primaries() if node.port != source.port)
            names = [client.cluster_myid(target_node=node).decode() for node in (source, target)]
        with redis.Redis(port=source.port) as old, redis.Redis(port=target.port) as new:
            new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", names[0])
            old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", names[1])
            while moved := old.execute_command("CLUSTER GETKEYSINSLOT", slot, _AT_ONCE):
                old.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *moved)
        return SlotMove(slot, (target.port, source.port), names[1])

    def _join(self) -> None:
        cli = str(Path(server_executable()).with_name("valkey-cli"))
        hosts = [f"127.0.0.1:{node.port}" for node in self.nodes]
        made = subprocess.run(
            [cli, "--cluster", "create", *hosts, "--cluster-replicas", "1", "--cluster-yes"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"the cluster could not be made:\n{made.stdout}{made.stderr}")
        self._wait_ready()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not all(is_ready(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise RuntimeError("the cluster was not ready in time")
            time.sleep(0.05)


def is_ready(node: ValkeyServer) -> bool:
    """Whether a node knows all of them, holds what it should, and follows its primary."""
    with redis.Redis(port=node.port) as client:
        state = client.execute_command("CLUSTER INFO")
        replication = client.info("replication")
        if state["cluster_state"] != "ok" or state["cluster_known_nodes"] != str(_NODES):
            return False
        if replication["role"] == "master":
            return bool(replication["connected_slaves"] == 1)
        return bool(replication["master_link_status"] == "up")
