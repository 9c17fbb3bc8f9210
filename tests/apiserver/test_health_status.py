"""What gateways find out about a key is in its status, and a person is told of what matters."""

import asyncio

import openai
import pytest

from harness.cluster.cluster import Cluster
from harness.fake_provider import FakeProvider, error
from harness.gateway import GatewayProcess

MANIFESTS = """
apiVersion: v1
kind: Secret
metadata: {name: provider}
stringData: {token: sk-first}
---
apiVersion: havuz.dev/v1alpha1
kind: UpstreamKey
metadata: {name: fake, labels: {pool: fake}}
spec:
  provider: openai-compatible
  baseURL: BASE_URL
  secretRef: {name: provider, key: token}
---
apiVersion: havuz.dev/v1alpha1
kind: ModelRoute
metadata: {name: fake}
spec:
  model: fake-model
  targets: [{keys: {names: [fake]}}]
---
apiVersion: havuz.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec: {keys: [{name: live}]}
"""

pytestmark = pytest.mark.usefixtures("operator")


def _wait(cluster: Cluster, what: str, condition: str, *, namespace: str) -> None:
    cluster.kubectl("--namespace", namespace, "wait", f"--for=condition={condition}", what, "--timeout=30s")


def _prepare(cluster: Cluster, namespace: str, base_url: str) -> str:
    cluster.apply(MANIFESTS.replace("BASE_URL", base_url), namespace=namespace)
    for what in ("upstreamkey/fake", "modelroute/fake", "project/shop"):
        _wait(cluster, what, "Programmed", namespace=namespace)
    return cluster.secret(namespace, "shop-live")["key"]


async def _call(gateway: GatewayProcess, key: str) -> str:
    async with openai.AsyncOpenAI(base_url=f"{gateway.base_url}/v1", api_key=key, max_retries=0) as client:
        answer = await client.chat.completions.create(model="fake-model", messages=[{"role": "user", "content": "hi"}])
        return answer.choices[0].message.content or ""


def _events(cluster: Cluster, namespace: str, kind: str = "UpstreamKey") -> set[str]:
    events = cluster.get("events", "--namespace", namespace)["items"]
    return {event["reason"] for event in events if event["involvedObject"]["kind"] == kind}


async def test_a_refused_credential_is_told_and_a_new_one_clears_it(
    cluster: Cluster, gateways: tuple[GatewayProcess, ...], namespace: str
) -> None:
    async with FakeProvider() as provider:
        provider.always(error(401, "Incorrect API key provided", code="invalid_api_key"), key="sk-first")
        key = await asyncio.to_thread(_prepare, cluster, namespace, provider.base_url)
        with pytest.raises(openai.APIStatusError):
            await _call(gateways[0], key)
        await asyncio.to_thread(_wait, cluster, "upstreamkey/fake", "Usable=False", namespace=namespace)
        status = cluster.get("upstreamkey", "fake", "--namespace", namespace)["status"]
        assert status["state"] == "Rejected"
        assert status["until"]
        assert "Incorrect API key" in status["lastError"]
        assert (status["reason"], status["lastStatus"]) == ("Rejected", 401)
        assert "sk-first" not in str(status)
        await asyncio.to_thread(cluster.eventually, lambda: "KeyRejected" in _events(cluster, namespace))
        await asyncio.to_thread(_wait, cluster, "modelroute/fake", "Usable=False", namespace=namespace)
        route = cluster.get("modelroute", "fake", "--namespace", namespace)["status"]
        assert route["targets"] == {"usable": 0, "total": 1, "summary": "0/1"}
        assert "1 Rejected" in next(one["message"] for one in route["conditions"] if one["type"] == "Usable")
        await asyncio.to_thread(cluster.eventually, lambda: "PoolEmpty" in _events(cluster, namespace, "ModelRoute"))

        secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: provider}\nstringData: {token: sk-second}"
        await asyncio.to_thread(cluster.apply, secret, namespace=namespace)
        await asyncio.to_thread(_wait, cluster, "upstreamkey/fake", "Usable", namespace=namespace)
        await asyncio.to_thread(_wait, cluster, "upstreamkey/fake", "Programmed", namespace=namespace)
        await asyncio.to_thread(_wait, cluster, "modelroute/fake", "Usable", namespace=namespace)
        await asyncio.to_thread(cluster.eventually, lambda: "PoolUsable" in _events(cluster, namespace, "ModelRoute"))
        for gateway in gateways:
            assert await _call(gateway, key)
        assert provider.requests[-1].headers["authorization"] == "Bearer sk-second"
        assert "state" in cluster.get("upstreamkey", "fake", "--namespace", namespace)["status"]
