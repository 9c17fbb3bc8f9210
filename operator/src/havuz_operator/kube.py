"""The API server: the only module that calls it. Every call is one that the chart's role allows, and no more.

Blocking calls run in threads of their own; documents are plain dictionaries, as the API server writes them.
"""

import asyncio
import json
import logging
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import kubernetes
import urllib3

from havuz_contract.v1alpha1.meta import GROUP, VERSION, ObjectRef
from havuz_contract.v1alpha1.registry import KINDS
from havuz_operator.world import NAMESPACE, SECRET, Document

_log = logging.getLogger(__name__)

_CALLS_AT_ONCE = 8
_TIMEOUT_SECONDS = 30.0
_PAGE = 500
_MERGE_PATCH = "application/merge-patch+json"


class KubeError(Exception):
    """The API server refused a call or did not answer. `status` is the HTTP status, 0 without an answer.

    `terminating` says that the namespace is being deleted: nothing can be made in it, and nothing needs to be.
    """

    def __init__(self, status: int, message: str, *, terminating: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.terminating = terminating


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind (in one namespace, if that is given) at one version of the store."""

    documents: list[Document]
    version: int
    namespace: str | None = None


class Kube:
    """A client for the cluster of `$KUBECONFIG`, or the one that this pod runs in."""

    def __init__(self, namespaces: Collection[str] = ()) -> None:
        """`namespaces` limits what is listed. Raises `KubeError` when there is no cluster to talk to."""
        configuration = kubernetes.client.Configuration()
        try:
            if os.environ.get("KUBERNETES_SERVICE_HOST") and not os.environ.get("KUBECONFIG"):
                kubernetes.config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            else:
                kubernetes.config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except kubernetes.config.ConfigException as error:
            raise KubeError(0, f"no Kubernetes cluster is configured: {error}; set KUBECONFIG") from None
        configuration.connection_pool_maxsize = _CALLS_AT_ONCE
        configuration.retries = False
        self._api = kubernetes.client.ApiClient(configuration)
        self._threads = ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="kube")
        self._namespaces = sorted(namespaces)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._api.close)

    async def list(self, kind: str) -> list[Listing]:
        """Everything of a kind: one listing, or one for each namespace that is watched. Raises `KubeError`."""
        if not self._namespaces or kind == NAMESPACE:
            return [await self._list(kind, None)]
        return [await self._list(kind, namespace) for namespace in self._namespaces]

    async def discovered(self) -> bool:
        """Whether discovery names every kind, which it does a moment after they can be listed. Raises `KubeError`."""
        groups = (await self._call("GET", "/apis"))["groups"]
        if all(group["name"] != GROUP for group in groups):
            return False
        served = {one["name"] for one in (await self._call("GET", f"/apis/{GROUP}/{VERSION}"))["resources"]}
        return all(kind.plural in served for kind in KINDS.values())

    async def patch_status(self, ref: ObjectRef, *, uid: str, status: Mapping[str, Any]) -> Document | None:
        """Change fields of an object's status (None removes one); returns the object as it is then.

        None when the object is gone, or another one has taken its name. Raises `KubeError`.
        """
        body = {"metadata": {"uid": uid}, "status": dict(status)}
        path = f"{_path(ref.kind, ref.namespace)}/{ref.name}/status"
        try:
            return await self._call("PATCH", path, body=body, content_type=_MERGE_PATCH)
        except KubeError as error:
            if error.status in (404, 409):
                return None
            raise

    async def create_secret(self, body: Mapping[str, Any]) -> Document | None:
        """Create a Secret and return it. Raises `KubeError`.

        None when one of that name exists, which stays as it is, or when the namespace is being deleted.
        """
        try:
            return await self._call("POST", _path(SECRET, body["metadata"]["namespace"]), body=body)
        except KubeError as error:
            if error.status == 409 or error.terminating:
                return None
            raise

    async def patch_secret(
        self, namespace: str, name: str, *, version: int, entries: Mapping[str, str]
    ) -> Document | None:
        """Write entries of a Secret that is still at `version`, and return it as it is then. Raises `KubeError`.

        None when it has been changed since, or is gone.
        """
        body = {"metadata": {"resourceVersion": str(version)}, "stringData": dict(entries)}
        try:
            return await self._call("PATCH", f"{_path(SECRET, namespace)}/{name}", body=body, content_type=_MERGE_PATCH)
        except KubeError as error:
            if error.status in (404, 409):
                return None
            raise

    async def delete_secret(self, namespace: str, name: str, *, version: int) -> bool:
        """Delete a Secret that is still at `version`; False when it has been changed since, or is gone.

        Raises `KubeError`.
        """
        body = {"preconditions": {"resourceVersion": str(version)}}
        try:
            await self._call("DELETE", f"{_path(SECRET, namespace)}/{name}", body=body)
        except KubeError as error:
            if error.status in (404, 409):
                return False
            raise
        return True

    async def create_event(self, body: Mapping[str, Any]) -> None:
        """Post an Event; in a namespace that is being deleted nobody reads it any more. Raises `KubeError`."""
        try:
            await self._call("POST", f"/api/v1/namespaces/{body['metadata']['namespace']}/events", body=body)
        except KubeError as error:
            if not error.terminating:
                raise

    async def read_lease(self, namespace: str, name: str) -> Document | None:
        """A Lease, None where there is none. Raises `KubeError`."""
        try:
            return await self._call("GET", f"{_leases(namespace)}/{name}")
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    async def write_lease(self, body: Document) -> Document | None:
        """Create a Lease, or replace the version that `body` names. Raises `KubeError`.

        None when somebody else was faster.
        """
        metadata = body["metadata"]
        path = _leases(metadata["namespace"])
        try:
            if "resourceVersion" in metadata:
                return await self._call("PUT", f"{path}/{metadata['name']}", body=body)
            return await self._call("POST", path, body=body)
        except KubeError as error:
            if error.status == 409:
                return None
            raise

    async def _list(self, kind: str, namespace: str | None) -> Listing:
        api_version = "v1" if kind in (SECRET, NAMESPACE) else f"{GROUP}/{VERSION}"
        documents: list[Document] = []
        query: dict[str, str] = {"limit": str(_PAGE)}
        while True:
            page = await self._call("GET", _path(kind, namespace), query=query)
            documents.extend({"apiVersion": api_version, "kind": kind, **item} for item in page["items"])
            token = page["metadata"].get("continue")
            if not token:
                return Listing(documents, int(page["metadata"]["resourceVersion"]), namespace)
            query["continue"] = token

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        headers = {"Accept": "application/json", "Content-Type": content_type}
        return await loop.run_in_executor(self._threads, self._send, method, path, dict(query or {}), headers, body)

    def _send(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        request = self._api.param_serialize(
            method, path, query_params=list(query.items()), header_params=headers, body=body,
            auth_settings=["BearerToken"],
        )  # fmt: skip
        try:
            response = self._api.call_api(*request[:4], _request_timeout=_TIMEOUT_SECONDS)
            text: bytes = response.read()  # type: ignore[no-untyped-call]
        except urllib3.exceptions.HTTPError as error:
            raise KubeError(0, f"the API server did not answer {method} {path}: {error}") from None
        if response.status >= 300:
            terminating = b'"NamespaceTerminating"' in text
            message = f"the API server refused {method} {path}: {_message(text)}"
            raise KubeError(response.status, message, terminating=terminating)
        answer: dict[str, Any] = json.loads(text)
        return answer


def _path(kind: str, namespace: str | None) -> str:
    inside = f"/namespaces/{namespace}" if namespace else ""
    match kind:
        case "Secret":
            return f"/api/v1{inside}/secrets"
        case "Namespace":
            return "/api/v1/namespaces"
        case _:
            return f"/apis/{GROUP}/{VERSION}{inside}/{KINDS[kind].plural}"


def _leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200].decode(errors="replace")
