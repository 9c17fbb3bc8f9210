"""A client of Redis Cluster that behaves as one of a single server does: same errors, same transactions.

redis-py's own cluster transactions start a thread and an event loop for each queued command, and its discovery
raises what is no `RedisError`. Here a transaction goes over a plain connection to the server that holds its keys.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import redis
from redis.asyncio import ConnectionPool, Redis, RedisCluster, SSLConnection
from redis.asyncio.client import Pipeline
from redis.asyncio.cluster import ClusterNode, ClusterPipeline
from redis.exceptions import MovedError, RedisClusterException

Host = tuple[str, int]
_NEVER = 0  # of being sent on by a node: what it says is taken over, which is enough
_AWAY = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ClusterError, OSError)


class ClusterClient(RedisCluster):
    """`hosts` are some nodes of the cluster; `options` are connection settings, without host and port."""

    def __init__(self, hosts: Sequence[Host], *, tls: bool, options: Mapping[str, Any]) -> None:
        nodes = [ClusterNode(host, port) for host, port in hosts]
        super().__init__(startup_nodes=nodes, ssl=tls, reinitialize_steps=_NEVER, **options)
        self._to_one = {**options, **({"connection_class": SSLConnection} if tls else {})}
        self._primaries: dict[Host, Redis] = {}

    async def initialize(self, *arguments: Any, **named: Any) -> "ClusterClient":
        """Learn which node holds what, where that is not known. Raises `redis.ConnectionError`."""
        try:
            await super().initialize(*arguments, **named)
        except RedisClusterException as error:
            raise redis.ConnectionError(f"the Redis Cluster can't be used: {error}") from error
        return self

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """One command, at the node that holds its key. Raises `redis.RedisError`."""
        try:
            # where the keys of a command stand is asked of one node, and redis-py looks for no other when that is gone
            await self.initialize()
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as error:
            raise redis.ConnectionError(f"the Redis Cluster can't be used: {error}") from error
        except _AWAY:
            self.rediscover()
            raise

    def pipeline(self, transaction: Any | None = None, shard_hint: Any | None = None) -> Any:
        """Commands in one round trip; with `transaction` atomically, where all keys have one hash tag."""
        batch: Any = _Batch  # redis-py leaves an attribute of its own without a type
        return _Transaction(self) if transaction else batch(self)

    async def aclose(self) -> None:
        """Close every connection; the next command opens new ones."""
        for one in list(self._primaries.values()):
            await one.aclose()
        await super().aclose()

    def rediscover(self) -> None:
        """Ask the nodes again before the next command: what is known of them is no longer so."""
        self._initialize = True

    async def primaries(self) -> dict[Host, list[int]]:
        """Ask which node holds which slots, and nothing else. Raises `redis.ConnectionError`."""
        found: dict[Host, list[int]] = {}
        try:
            await self.nodes_manager.initialize()
            for slot, nodes in self.nodes_manager.slots_cache.items():
                found.setdefault((str(nodes[0].host), int(nodes[0].port)), []).append(slot)
        except RedisClusterException as error:
            raise redis.ConnectionError(f"the Redis Cluster can't be used: {error}") from error
        finally:
            await self.nodes_manager.aclose()
            await self.nodes_manager.aclose("startup_nodes")
        return found

    async def pool_for(self, key: Any) -> ConnectionPool:
        """Connections to the node that holds `key`. Raises `redis.ConnectionError`."""
        await self.initialize()
        host, port = await self.primary_of_slot(self.keyslot(key))
        if (host, port) not in self._primaries:
            self._primaries[host, port] = Redis.from_pool(ConnectionPool(host=host, port=port, **self._to_one))
        return self._primaries[host, port].connection_pool

    async def primary_of_slot(self, slot: int) -> Host:
        """The node that a slot is at, as far as is known. Raises `redis.ConnectionError`."""
        try:
            node = self.nodes_manager.get_node_from_slot(slot)
        except RedisClusterException as error:
            self.rediscover()
            raise redis.ConnectionError(f"the Redis Cluster can't be used: {error}") from error
        return str(node.host), int(node.port)


class _Batch(ClusterPipeline):
    """Commands for any nodes, each of them on its own."""

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        try:
            return await super().execute(raise_on_error, allow_redirections)
        except RedisClusterException as error:
            self._rediscover()
            raise redis.ConnectionError(f"the Redis Cluster can't be used: {error}") from error
        except _AWAY:
            self._rediscover()
            raise

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Queue a script; redis-py refuses that in a cluster, though each one goes where its first key is."""
        return self.execute_command("EVALSHA", sha, numkeys, *keys_and_args)

    def _rediscover(self) -> None:
        cast("ClusterClient", self.cluster_client).rediscover()


class _Transaction(Pipeline):
    """Commands for the one node that holds the first one's key."""

    def __init__(self, cluster: ClusterClient) -> None:
        self._cluster = cluster
        unset: Any = None  # known once the first key is
        super().__init__(unset, cluster.response_callbacks, transaction=True, shard_hint=None)

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        queued = list(self.command_stack)
        try:
            return await self._execute_at_primary(raise_on_error)
        except MovedError:  # of a command that was being queued: nothing was done
            self._cluster.rediscover()
            self.command_stack = queued
            return await self._execute_at_primary(raise_on_error)
        except _AWAY:
            self._cluster.rediscover()
            raise

    async def _execute_at_primary(self, raise_on_error: bool) -> list[Any]:
        if not self.command_stack:
            return []
        self.connection_pool = await self._cluster.pool_for(self.command_stack[0][0][1])
        return await super().execute(raise_on_error)
