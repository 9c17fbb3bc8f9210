"""The typed cache: the newer version wins, whatever order listings and events come in."""

import base64
from typing import Any

import pytest

from havuz_contract.v1alpha1.meta import ObjectRef
from havuz_contract.v1alpha1.registry import ManifestError
from havuz_operator.world import World


def _project(name: str = "shop", *, version: int = 1, generation: int = 1, **extra: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": str(version)}
    metadata["generation"] = generation  # type: ignore[assignment]
    return {"apiVersion": "havuz.dev/v1alpha1", "kind": "Project", "metadata": metadata, "spec": {}, **extra}


def _secret(name: str = "keys", *, version: int = 1, **entries: str) -> dict[str, Any]:
    data = {entry: base64.b64encode(value.encode()).decode() for entry, value in entries.items()}
    metadata = {"name": name, "namespace": "default", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data}


SHOP = ObjectRef("Project", "default", "shop")


@pytest.fixture
def world() -> World:
    return World()


def test_an_older_version_never_replaces_a_newer_one(world: World) -> None:
    world.put(_project(version=7, generation=2))
    world.put(_project(version=5, generation=1))
    assert world.objects[SHOP].generation == 2


def test_a_status_of_our_own_making_is_no_change(world: World) -> None:
    world.put(_project())
    world.changed.clear()
    parsed = world.objects[SHOP].parsed
    world.put(_project(version=2, status={"keysReady": "0/0"}))
    assert not world.changed.is_set()
    assert world.objects[SHOP].status == {"keysReady": "0/0"}
    assert world.objects[SHOP].parsed is parsed


def test_a_new_spec_is_a_change(world: World) -> None:
    world.put(_project())
    world.changed.clear()
    world.put(_project(version=2, generation=2, spec={"displayName": "Shop"}))
    assert world.changed.is_set()
    assert world.resources().projects[0].spec.display_name == "Shop"


def test_a_listing_takes_out_what_it_lacks_but_not_what_is_newer(world: World) -> None:
    world.put(_project("gone", version=3))
    world.put(_project("born-after-the-listing", version=12))
    world.put(_secret(version=4))
    world.replace("Project", [_project("shop", version=9)], version=10)
    assert {ref.name for ref in world.objects} == {"shop", "born-after-the-listing"}
    assert ("default", "keys") in world.secrets()


def test_a_listing_of_one_namespace_leaves_the_others_alone(world: World) -> None:
    world.put(_project(version=3))
    world.replace("Project", [], version=10, namespace="elsewhere")
    assert SHOP in world.objects


def test_a_deletion_of_an_older_object_does_not_take_its_successor(world: World) -> None:
    world.put(_project(version=9))
    world.drop(_project(version=8))
    assert SHOP in world.objects
    world.drop(_project(version=10))
    assert world.objects == {}


def test_an_object_that_can_not_be_read_is_kept_with_its_faults(world: World) -> None:
    world.put(_project(spec={"fromTheFuture": 1}))
    world.put(_project("other"))
    fault = world.objects[SHOP].parsed
    assert isinstance(fault, ManifestError)
    assert "fromTheFuture" in str(fault)
    assert [project.metadata.name for project in world.resources().projects] == ["other"]


def test_a_secret_matters_only_when_its_entries_change(world: World) -> None:
    world.put(_secret(token="one"))
    world.changed.clear()
    world.put(_secret(version=2, token="one"))
    assert not world.changed.is_set()
    world.put(_secret(version=3, token="two"))
    assert world.changed.is_set()
    assert world.secrets() == {("default", "keys"): {"token": "two"}}


def test_the_version_of_a_secret_is_told_to_whom_its_labels_belong(world: World) -> None:
    labelled = _secret(version=4, key="k")
    labelled["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "havuz", "more": "of them"}
    world.put(labelled)
    ours = {"app.kubernetes.io/managed-by": "havuz"}
    assert world.secret_version("default", "keys", labels=ours) == 4
    assert world.secret_version("default", "keys", labels=ours | {"havuz.dev/project": "shop"}) is None
    world.changed.clear()
    world.put(_secret(version=5, key="k"))
    assert world.changed.is_set()
    assert world.secret_version("default", "keys", labels=ours) is None
    world.drop(labelled | {"metadata": labelled["metadata"] | {"resourceVersion": "6"}})
    assert world.secret_version("default", "keys", labels={}) is None


def test_what_is_no_text_or_none_of_our_business_is_not_kept(world: World) -> None:
    binary = _secret(version=1)
    binary["data"] = {"binary": base64.b64encode(b"\xff\xfe").decode(), "text": base64.b64encode(b"a").decode()}
    world.put(binary)
    release = _secret("release", big="x" * 1000)
    release["type"] = "helm.sh/release.v1"
    world.put(release)
    assert world.secrets() == {("default", "keys"): {"text": "a"}, ("default", "release"): {}}
