"""A large installation for `bench.scale`: thousands of objects, written straight to the API server."""

import asyncio
import base64
import json
import os
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from havuz_contract import project_keys
from havuz_contract.project_keys import MissingKey
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.registry import parse

NAMESPACE = "scale"
_AT_ONCE = 12
_POOLS = 200
_GROUP = f"/apis/havuz.dev/v1alpha1/namespaces/{NAMESPACE}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each kind."""

    projects: int
    routes: int
    keys: int


class ApiServer:
    """Calls with the credentials of a kubeconfig, many at a time. `async with ApiServer(path) as api: ...`"""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=authority)
        self._url = cluster["server"]
        self._headers = {"Authorization": f"Bearer {user['token']}"}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> "ApiServer":
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=_AT_ONCE)
        self._session = aiohttp.ClientSession(self._url, connector=connector, headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def create(self, path: str, body: Any) -> dict[str, Any]:
        """The object as it was made."""
        async with self._turn, self._session.post(path, json=body) as answer:
            answer.raise_for_status()
            return dict(await answer.json())

    async def patch(self, path: str, body: Any) -> None:
        """A merge patch."""
        headers = {"Content-Type": "application/merge-patch+json"}
        async with self._turn, self._session.patch(path, data=json.dumps(body), headers=headers) as answer:
            answer.raise_for_status()

    async def create_all(self, path: str, bodies: Iterable[Any]) -> list[dict[str, Any]]:
        """All of them, side by side."""
        return list(await asyncio.gather(*(self.create(path, body) for body in bodies)))


async def fill(api: ApiServer, sizes: Sizes) -> tuple[str, float]:
    """Write everything, the Secrets of project keys included. A key in clear, and the seconds that it took."""
    began = time.monotonic()
    await api.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    await api.create(secrets, {"metadata": {"name": "providers"}, "stringData": {"k": "sk-of-a-provider"}})
    await api.create_all(f"{_GROUP}/upstreamkeys", (_upstream_key(number) for number in range(sizes.keys)))
    await api.create_all(f"{_GROUP}/modelroutes", (_route(number) for number in range(sizes.routes)))
    projects = await api.create_all(f"{_GROUP}/projects", (_project(number) for number in range(sizes.projects)))
    made = [_key_secret(one) for one in projects]
    await api.create_all(secrets, made)
    return made[0]["stringData"]["key"], time.monotonic() - began


def route_path(number: int) -> str:
    """Where a ModelRoute is."""
    return f"{_GROUP}/modelroutes/model-{number:05}"


def _object(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "havuz.dev/v1alpha1", "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def _upstream_key(number: int) -> dict[str, Any]:
    spec = {"provider": "openai", "secretRef": {"name": "providers", "key": "k"}}
    return _object("UpstreamKey", f"key-{number:05}", spec, labels={"pool": f"p{number % _POOLS}"})


def _route(number: int) -> dict[str, Any]:
    targets = [{"keys": {"matchLabels": {"pool": f"p{number % _POOLS}"}}, "model": "gpt-4o"}]
    prices = [{"unit": "USD", "input": "0.10", "output": "0.40"}]
    return _object("ModelRoute", f"model-{number:05}", {"model": f"m{number}", "targets": targets, "prices": prices})


def _project(number: int) -> dict[str, Any]:
    spec = {"keys": [{"name": "live"}], "displayName": f"Customer {number}", "limits": {"requestsPerMinute": 600}}
    return _object("Project", f"customer-{number:05}", spec)


def _key_secret(document: dict[str, Any]) -> dict[str, Any]:
    project = parse(document)
    if not isinstance(project, Project):
        raise TypeError(f"{project.ref} is no Project")
    key = project.spec.keys[0]
    clear = project_keys.make_key(project_keys.prefix(key), os.urandom(project_keys.RANDOM_BYTES))
    missing = MissingKey(key, project_keys.secret_of(project, key).name)
    return project_keys.secret_body(project, missing, key=clear, now=datetime.now(UTC))
