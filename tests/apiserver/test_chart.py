"""The chart: lint, what it renders for other values, and what a real API server and a real Valkey make of it."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from harness.cluster.cluster import Cluster, CommandError
from harness.cluster.installation import Installation
from havuz_contract import keys
from havuz_contract.connection import connect
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.callbacks.queue import Attempt, CallbackQueue

CHARTS = Path(__file__).parents[2] / "charts"
CHART = str(CHARTS / "havuz")
SYSTEM = "havuz-system"


def _render(cluster: Cluster, *values: str) -> list[dict[str, Any]]:
    sets = [argument for value in values for argument in ("--set", value)]
    text = cluster.helm("template", "havuz", CHART, "--namespace", SYSTEM, *sets)
    return [document for document in yaml.safe_load_all(text) if document]


def _of_kind(documents: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [document for document in documents if document["kind"] in kinds]


@pytest.mark.parametrize("chart", ["havuz", "havuz-crds"])
def test_helm_lint_is_content(cluster: Cluster, chart: str) -> None:
    assert "0 chart(s) failed" in cluster.helm("lint", "--strict", str(CHARTS / chart))


def test_a_misspelt_value_is_refused(cluster: Cluster) -> None:
    with pytest.raises(CommandError, match="gatway"):
        _render(cluster, "gatway.replicas=3")


def test_every_process_trusts_the_authorities_of_a_redis_of_ones_own(cluster: Cluster) -> None:
    url = "rediss+sentinel://havuz:secret@a.example:26379\\,b.example:26379/primary/0"
    deployments = _of_kind(_render(cluster, f"redis.url={url}", "redis.caSecret=redis-ca"), "Deployment")
    assert len(deployments) == 3
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        (volume,) = [one for one in pod["volumes"] if one["name"] == "redis-ca"]
        assert volume["secret"]["secretName"] == "redis-ca"
        (container,) = pod["containers"]
        (mount,) = [one for one in container["volumeMounts"] if one["name"] == "redis-ca"]
        trusted = {one["name"]: one.get("value") for one in container["env"]}["HAVUZ_REDIS_CA_FILE"]
        assert (trusted, mount["readOnly"]) == (f"{mount['mountPath']}/ca.crt", True)


def test_a_gateway_is_told_where_files_are_kept_and_whom_it_may_call(cluster: Cluster) -> None:
    values = ("objectStore.url=s3://pictures/a?region=eu-1", "objectStore.existingSecret=store", "objectStore.days=30",
              "gateway.publicUrl=https://api.example.com", "gateway.fetchAllow={10.1.0.0/16,fd00::/8}")  # fmt: skip
    (gateway,) = [
        one for one in _of_kind(_render(cluster, *values), "Deployment") if one["metadata"]["name"].endswith("-gateway")
    ]
    (container,) = gateway["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert told["HAVUZ_OBJECT_STORE"] == "s3://pictures/a?region=eu-1"
    assert (told["HAVUZ_FILE_DAYS"], told["HAVUZ_PUBLIC_URL"]) == ("30", "https://api.example.com")
    assert told["HAVUZ_FETCH_ALLOW"] == "10.1.0.0/16 fd00::/8"
    assert container["envFrom"] == [{"secretRef": {"name": "store"}}]


def test_every_pod_passes_the_restricted_profile(cluster: Cluster, installation: Installation) -> None:
    assert installation.encryption_keys
    label = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", SYSTEM, label, "--overwrite")
    workloads = _of_kind(_render(cluster), "Deployment", "StatefulSet")
    assert len(workloads) == 4
    for workload in workloads:
        spec = workload["spec"]["template"]["spec"]
        claimed = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", ())}
        spec.setdefault("volumes", []).extend({"name": name, "emptyDir": {}} for name in claimed)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": workload["metadata"]["name"]}, "spec": spec}
        made = cluster.kubectl("--namespace", SYSTEM, "create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
        assert "created" in made
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {"readinessProbe", "livenessProbe", "resources"} <= container.keys()


def test_an_upgrade_keeps_the_passwords_and_the_encryption_key(cluster: Cluster, installation: Installation) -> None:
    assert installation.account
    before = [cluster.secret(SYSTEM, name) for name in ("havuz-redis", "havuz-encryption")]
    cluster.helm("upgrade", "havuz", CHART, "--namespace", SYSTEM, "--set", "gateway.replicas=3")
    assert [cluster.secret(SYSTEM, name) for name in ("havuz-redis", "havuz-encryption")] == before


def test_a_gateway_has_the_time_to_drain(cluster: Cluster) -> None:
    workloads = _of_kind(_render(cluster, "gateway.drainDelay=7", "gateway.drainGrace=60"), "Deployment")
    gateway = next(one for one in workloads if one["metadata"]["name"] == "havuz-gateway")
    assert gateway["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 67


def test_tasks_are_done_by_workers_or_by_the_gateways_themselves(cluster: Cluster) -> None:
    def roles(*settings: str) -> dict[str, str]:
        return {
            container["name"]: variable["value"]
            for workload in _of_kind(_render(cluster, *settings), "Deployment")
            for container in workload["spec"]["template"]["spec"]["containers"]
            for variable in container["env"]
            if variable["name"] == "HAVUZ_ROLE"
        }

    assert roles() == {"gateway": "proxy", "worker": "worker"}
    assert roles("worker.enabled=false") == {"gateway": "both"}
    [scaler] = _of_kind(_render(cluster, "worker.autoscaling.enabled=true"), "HorizontalPodAutoscaler")
    assert scaler["spec"]["metrics"][0]["external"]["metric"] == {"name": "havuz_tasks_open"}
    assert cluster.kubectl("--namespace", "default", "apply", "--dry-run=server", "-f", "-", stdin=json.dumps(scaler))
    scaling = ("enabled=true", "minReplicas=0", "keda.enabled=true", "keda.serverAddress=http://prometheus:9090")
    documents = _render(cluster, *(f"worker.autoscaling.{setting}" for setting in scaling))
    assert _of_kind(documents, "HorizontalPodAutoscaler") == []
    [scaled] = _of_kind(documents, "ScaledObject")
    assert scaled["spec"]["scaleTargetRef"] == {"name": "havuz-worker"}
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (0, 10)
    [trigger] = scaled["spec"]["triggers"]
    assert trigger["metadata"]["query"] == f'max(havuz_tasks_open{{namespace="{SYSTEM}"}})'


def test_an_existing_redis_replaces_the_bundled_one(cluster: Cluster) -> None:
    documents = _render(cluster, "redis.existingSecret=ours")
    assert _of_kind(documents, "StatefulSet") == []
    urls = {
        variable["valueFrom"]["secretKeyRef"]["name"]
        for deployment in _of_kind(documents, "Deployment")
        for container in deployment["spec"]["template"]["spec"]["containers"]
        for variable in container["env"]
        if variable["name"] == "HAVUZ_REDIS_URL"
    }
    assert urls == {"ours"}


def test_clients_reach_the_gateway_through_ingress_or_gateway_api_without_a_time_limit_of_theirs(
    cluster: Cluster, installation: Installation
) -> None:
    assert installation.account
    documents = _render(
        cluster,
        "gateway.ingress.enabled=true", "gateway.ingress.hosts={api.example.com}",
        "gateway.httpRoute.enabled=true", "gateway.httpRoute.parentRefs[0].name=public",
        "gateway.autoscaling.enabled=true",
    )  # fmt: skip
    [ingress] = _of_kind(documents, "Ingress")
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    [route] = _of_kind(documents, "HTTPRoute")
    assert route["spec"]["rules"][0]["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    [service] = [one for one in _of_kind(documents, "Service") if one["metadata"]["name"] == "havuz-gateway"]
    assert {port["name"] for port in service["spec"]["ports"]} == {"http"}
    [scaler] = _of_kind(documents, "HorizontalPodAutoscaler")
    [gateway] = [one for one in _of_kind(documents, "Deployment") if one["metadata"]["name"] == "havuz-gateway"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == gateway["metadata"]["name"]
    assert "replicas" not in gateway["spec"]
    for document in (ingress, scaler, *_of_kind(documents, "NetworkPolicy", "PodDisruptionBudget")):
        made = cluster.kubectl(
            "--namespace", SYSTEM, "apply", "--dry-run=server", "-f", "-", stdin=json.dumps(document)
        )
        assert made


def test_redis_is_for_havuz_alone(cluster: Cluster) -> None:
    documents = _render(cluster)
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in _of_kind(documents, "NetworkPolicy")}
    [rule] = policies["havuz-redis"]["ingress"]
    components = {peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in rule["from"]}
    assert components == {"gateway", "worker", "operator"}
    for workload in _of_kind(documents, "Deployment", "StatefulSet"):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        chosen = [spec for spec in policies.values() if spec["podSelector"]["matchLabels"].items() <= labels.items()]
        assert len(chosen) == 1, f"{workload['metadata']['name']} is covered by one policy"
    assert _of_kind(_render(cluster, "networkPolicy.enabled=false"), "NetworkPolicy") == []


def test_monitoring_is_rendered_where_it_is_asked_for(cluster: Cluster) -> None:
    assert _of_kind(_render(cluster), "PodMonitor", "PrometheusRule") == []
    asked = (f"monitoring.{part}.enabled=true" for part in ("podMonitor", "alerts", "dashboard"))
    documents = _render(cluster, *asked)
    [rules] = _of_kind(documents, "PrometheusRule")
    assert rules["spec"]["groups"] == yaml.safe_load((CHARTS / "havuz/monitoring/alerts.yaml").read_text())["groups"]
    [monitor] = _of_kind(documents, "PodMonitor")
    [gateway] = [one for one in _of_kind(documents, "Deployment") if one["metadata"]["name"].endswith("-gateway")]
    pod = gateway["spec"]["template"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] in {
        port["name"] for container in pod["spec"]["containers"] for port in container["ports"]
    }
    [dashboard] = [one for one in _of_kind(documents, "ConfigMap") if "grafana_dashboard" in one["metadata"]["labels"]]
    assert json.loads(dashboard["data"]["havuz.json"])["title"] == "havuz"


def test_an_operator_of_some_namespaces_has_no_right_in_others(cluster: Cluster) -> None:
    documents = _render(cluster, "operator.namespaces={team-a,team-b}")
    roles = [
        role["metadata"] for role in _of_kind(documents, "Role") if not role["metadata"]["name"].endswith("-lease")
    ]
    assert [role["namespace"] for role in roles] == ["team-a", "team-b"]
    [cluster_role] = _of_kind(documents, "ClusterRole")
    assert [rule["resources"] for rule in cluster_role["rules"]] == [["namespaces"]]


def test_a_gateway_can_not_write_the_configuration_and_nobody_can_empty_redis(installation: Installation) -> None:
    with redis.Redis.from_url(installation.gateway_redis) as gateway:
        assert gateway.hgetall(keys.META) is not None
        for command in (["HSET", keys.ROUTES, "x", "y"], ["DEL", keys.META], ["FLUSHALL"], ["GET", "somebody-elses"]):
            with pytest.raises(redis.exceptions.NoPermissionError):
                gateway.execute_command(*command)
    with redis.Redis.from_url(installation.operator_redis) as operator:
        for command in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["KEYS", "*"], ["SET", "somebody-elses", "1"]):
            with pytest.raises(redis.exceptions.NoPermissionError):
                operator.execute_command(*command)


async def test_a_gateway_may_take_in_and_deliver_callbacks(installation: Installation) -> None:
    client = connect(installation.gateway_redis, name="test")
    queue = CallbackQueue(client, Keyring.parse(Keyring.generate()))
    try:
        await queue.add("uid-of-a-test", "task", url="https://example.com/", body=b"{}")
        (claimed,) = await queue.claim(10, of_one_project=10)
        assert await queue.finish(claimed, "failed", attempt=Attempt(1.0, 0.0, 410))
        assert await queue.failed() == [("uid-of-a-test", "task")]
    finally:
        await client.aclose()
