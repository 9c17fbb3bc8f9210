"""What the operator's account may do, asked of the API server itself."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness.cluster.cluster import Api, Cluster, CommandError
from harness.cluster.installation import Installation

ALLOWED = [
    ("list", "projects.havuz.dev"),
    ("watch", "upstreamkeys.havuz.dev"),
    ("patch", "modelroutes.havuz.dev/status"),
    ("list", "secrets"),
    ("create", "secrets"),
    ("patch", "secrets"),
    ("watch", "namespaces"),
    ("delete", "secrets"),
    ("create", "events"),
]
FORBIDDEN = [
    ("delete", "projects.havuz.dev"),
    ("patch", "projects.havuz.dev"),
    ("update", "upstreamkeys.havuz.dev"),
    ("create", "modelroutes.havuz.dev"),
    ("update", "projects.havuz.dev/status"),
    ("update", "secrets"),
    ("list", "pods"),
    ("create", "pods/exec"),
    ("list", "configmaps"),
    ("list", "customresourcedefinitions.apiextensions.k8s.io"),
    ("create", "serviceaccounts/token"),
    ("list", "clusterroles.rbac.authorization.k8s.io"),
]


@pytest.fixture(scope="module")
def account_api(installation: Installation) -> Iterator[Api]:
    """The API server as the operator's account reaches it."""
    with installation.account.api() as api:
        yield api


def _may(api: Api, verb: str, resource: str) -> bool:
    path, _, subresource = resource.partition("/")
    name, _, group = path.partition(".")
    attributes = {"verb": verb, "resource": name, "group": group, "subresource": subresource}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    status, answer = api.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {**review, "spec": {"resourceAttributes": attributes}}
    )
    assert status == 201, answer
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize(("verb", "resource"), ALLOWED, ids=str)
def test_the_operator_may_do_what_it_needs(account_api: Api, verb: str, resource: str) -> None:
    assert _may(account_api, verb, resource)


@pytest.mark.parametrize(("verb", "resource"), FORBIDDEN, ids=str)
def test_the_operator_may_do_nothing_else(account_api: Api, verb: str, resource: str) -> None:
    assert not _may(account_api, verb, resource)


def test_of_all_secrets_the_account_writes_those_of_project_keys_alone(
    cluster: Cluster, account_api: Api, namespace: str
) -> None:
    labels = {"app.kubernetes.io/managed-by": "havuz", "havuz.dev/project": "shop", "havuz.dev/project-key": "live"}
    manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME, labels: LABELS}\nstringData: {key: before}"
    for name, of_ours in (("made", labels), ("other", {"havuz.dev/project": "shop"}), ("bare", {})):
        cluster.apply(manifest.replace("NAME", name).replace("LABELS", json.dumps(of_ours)), namespace=namespace)

    def patched(name: str, body: dict[str, Any]) -> int:
        status, _ = account_api.patch(f"/api/v1/namespaces/{namespace}/secrets/{name}", body)
        return status

    change = {"stringData": {"key": "after"}}
    cluster.eventually(lambda: patched("bare", change) == 422)  # a policy takes effect within moments
    assert patched("other", change) == 422
    assert patched("bare", change | {"metadata": {"labels": labels}}) == 422
    assert patched("made", change) == 200
    assert [cluster.secret(namespace, name)["key"] for name in ("made", "other")] == ["after", "before"]


def test_the_account_is_refused_a_deletion_and_a_look_at_pods(
    cluster: Cluster, installation: Installation, namespace: str
) -> None:
    project = "apiVersion: havuz.dev/v1alpha1\nkind: Project\nmetadata: {name: shop}\nspec: {}"
    cluster.apply(project, namespace=namespace)
    account = installation.account
    with pytest.raises(CommandError, match="forbidden"):
        account.kubectl("--namespace", namespace, "delete", "projects", "--all")
    with pytest.raises(CommandError, match="forbidden"):
        account.kubectl("--namespace", namespace, "get", "pods")
