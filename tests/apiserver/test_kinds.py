"""The generated CRDs in a real API server: accepted, explained, and refusing with the sentence of the model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from harness.cluster.cluster import Api, Cluster, CommandError

REFUSED = sorted((Path(__file__).parent / "crds").glob("*/*.yaml"))


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    """The API server as the administrator reaches it."""
    with cluster.api() as opened:
        yield opened


@pytest.mark.parametrize("manifest", REFUSED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_bad_object_is_refused_with_a_readable_sentence(api: Api, manifest: Path) -> None:
    sentence = manifest.read_text().splitlines()[0].removeprefix("# ")
    document = yaml.safe_load(manifest.read_text())
    plural = f"{document['kind'].lower()}s"
    path = f"/apis/havuz.dev/v1alpha1/namespaces/default/{plural}?dryRun=All&fieldValidation=Strict"
    status, answer = api.post(path, document)
    assert status in (400, 422), answer
    assert sentence in answer["message"]


def test_kubectl_shows_that_sentence(cluster: Cluster) -> None:
    manifest = next(path for path in REFUSED if path.stem == "base-url-scheme")
    with pytest.raises(CommandError) as refusal:
        cluster.kubectl("--namespace", "default", "apply", "-f", str(manifest))
    assert manifest.read_text().splitlines()[0].removeprefix("# ") in refusal.value.stderr


def test_there_are_refused_examples_of_every_kind() -> None:
    assert {path.parent.name for path in REFUSED} == {"project", "upstreamkey", "modelroute"}


@pytest.mark.parametrize("field", ["project.spec.keys.mode", "uk.spec.withoutSecret", "mr.spec.failover.firstToken"])
def test_kubectl_explains_every_field(cluster: Cluster, field: str) -> None:
    explained = cluster.kubectl("explain", field)
    description = explained.partition("DESCRIPTION:")[2].split("\n", 1)[1].strip()
    assert description
    assert "<empty>" not in description


def test_the_kinds_are_in_a_category_and_have_short_names(cluster: Cluster) -> None:
    listed = cluster.kubectl("api-resources", "--categories=havuz", "--no-headers")
    assert {tuple(line.split()[:2]) for line in listed.splitlines()} == {
        ("projects", "proj"),
        ("upstreamkeys", "uk"),
        ("modelroutes", "mr"),
    }
