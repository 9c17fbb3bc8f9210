"""The main job in a cluster: three kinds applied with kubectl, one endpoint called with the official SDK."""

import asyncio
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import openai
import pytest

from harness.client_programs import document
from harness.cluster.cluster import Cluster
from harness.gateway import GatewayProcess

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
PROGRAMS = Path(__file__).parents[1] / "clients"
KINDS = "projects,modelroutes,upstreamkeys"

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def quickstart(cluster: Cluster, gateways: tuple[GatewayProcess, ...], namespace: str) -> str:
    """A namespace in which the quick start is programmed into both gateways."""
    cluster.kubectl("--namespace", namespace, "apply", "-f", str(QUICKSTART))
    _wait_programmed(cluster, namespace)
    return namespace


def _wait_programmed(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("--namespace", namespace, "wait", "--for=condition=Programmed", KINDS, "--all", "--timeout=30s")


def _client(gateway: GatewayProcess, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key=key, max_retries=0)


def test_every_gateway_serves_the_quick_start_with_the_key_from_its_secret(
    cluster: Cluster, gateways: tuple[GatewayProcess, ...], quickstart: str
) -> None:
    for entry in ("demo-live", "demo-test"):
        key = cluster.secret(quickstart, entry)["key"]
        for gateway in gateways:
            with _client(gateway, key) as client:
                models = [model.id for model in client.models.list()]
                assert "gpt-4o-mini" in models
                messages = [{"role": "user", "content": "Merhaba"}]
                answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages)
                assert answer.choices[0].message.content
                stream = client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
                text = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
                assert "".join(text)


def test_kubectl_get_shows_columns_worth_reading(cluster: Cluster, quickstart: str) -> None:
    def shown(kind: str) -> dict[str, str]:
        head, first, *_ = cluster.kubectl("--namespace", quickstart, "get", kind).splitlines()
        starts = [match.start() for match in re.finditer(r"\S+", head)]  # a cell may be empty
        return {head[begin:end].strip(): first[begin:end].strip() for begin, end in pairwise([*starts, None])}

    assert {"PLAN": "Unmetered", "KEYS": "2/2", "READY": "True"}.items() <= shown("projects").items()
    assert {"TARGETS": "1/1", "READY": "True"}.items() <= shown("modelroutes").items()
    assert shown("upstreamkeys")["STATE"] == "Usable"


def test_the_sample_keys_say_that_the_mock_answers(cluster: Cluster, quickstart: str) -> None:
    resolved = cluster.condition("upstreamkey", "openai", "Resolved", namespace=quickstart)
    assert resolved["reason"] == "MockWithoutSecret"
    assert "mock" in resolved["message"]


def test_an_edited_route_is_served_and_a_deleted_one_is_not(
    cluster: Cluster, gateways: tuple[GatewayProcess, ...], quickstart: str
) -> None:
    key = cluster.secret(quickstart, "demo-live")["key"]
    patch = '{"spec": {"aliases": ["house-model"]}}'
    cluster.kubectl("--namespace", quickstart, "patch", "mr", "gpt-4o-mini", "--type=merge", "-p", patch)
    _wait_programmed(cluster, quickstart)
    with _client(gateways[0], key) as first, _client(gateways[1], key) as second:
        for client in (first, second):
            answer = client.chat.completions.create(model="house-model", messages=[{"role": "user", "content": "hi"}])
            assert answer.choices[0].message.content
        cluster.kubectl("--namespace", quickstart, "delete", "modelroute", "gpt-4o-mini")
        for client in (first, second):
            cluster.eventually(lambda client=client: "gpt-4o-mini" not in [model.id for model in client.models.list()])
            with pytest.raises(openai.NotFoundError):
                client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])


def test_a_deleted_project_takes_its_keys_and_secrets_along(
    cluster: Cluster, gateways: tuple[GatewayProcess, ...], quickstart: str
) -> None:
    key = cluster.secret(quickstart, "demo-live")["key"]
    cluster.kubectl("--namespace", quickstart, "delete", "project", "demo")

    def refused() -> bool:
        with _client(gateways[0], key) as client:
            try:
                client.models.list()
            except openai.AuthenticationError:
                return True
            return False

    cluster.eventually(refused)
    cluster.eventually(
        lambda: not cluster.get("secrets", "-l", "havuz.dev/project=demo", "--namespace", quickstart)["items"]
    )


def test_the_operator_leaves_nothing_on_objects_but_their_status(cluster: Cluster, quickstart: str) -> None:
    project = cluster.get("project", "demo", "--namespace", quickstart)
    assert "finalizers" not in project["metadata"]
    assert list(project["metadata"]["annotations"]) == ["kubectl.kubernetes.io/last-applied-configuration"]


EVERYTHING = """
apiVersion: havuz.dev/v1alpha1
kind: ModelRoute
metadata: {name: everything}
spec:
  model: everything
  operations: [chat, embeddings, image, speech, transcription]
  targets: [{keys: {names: [openai]}}]
"""


async def test_node_and_php_call_it_as_their_users_do(
    cluster: Cluster,
    gateways: tuple[GatewayProcess, ...],
    quickstart: str,
    node_project: Path,
    php: str,
    tmp_path: Path,
    run: Callable[..., "asyncio.Future[str]"],
) -> None:
    cluster.apply(EVERYTHING, namespace=quickstart)
    _wait_programmed(cluster, quickstart)
    key = cluster.secret(quickstart, "demo-live")["key"]
    environment = {"KEY": key, "MODEL": "everything", "BASE": gateways[0].base_url}
    (tmp_path / "node_modules").symlink_to(node_project / "node_modules")
    program = tmp_path / "calls.mjs"
    program.write_text((PROGRAMS / "node" / "calls.mjs").read_text())
    node = await run("node", program, env=environment | {"BASE_URL": f"{gateways[1].base_url}/v1"}, cwd=tmp_path)
    assert json.loads(node)["stream"]
    page = tmp_path / "chat.php"
    page.write_text(document("chat.php", base_url=gateways[0].base_url, key=key))
    assert await run(php, page, env={"no_proxy": "*"})
