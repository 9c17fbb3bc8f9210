"""A folder of manifests: what is wrong is named, what was good stays, the rest is read."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.manifests import document
from havuz_gateway.local.manifests import ManifestFolder, Reading

ROUTE = {"model": "gpt", "targets": [{"keys": {"names": ["a"]}}]}


def plain(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """As a person writes it: no uid, no creation time."""
    written = document(kind, name, spec)
    return {**written, "metadata": {"name": name}}


def write(path: Path, *documents: object) -> None:
    path.write_text(yaml.safe_dump_all(documents))


def names(reading: Reading) -> list[str]:
    return sorted(ref.name for ref in reading.objects)


def complaints(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


@pytest.fixture
def folder(tmp_path: Path) -> ManifestFolder:
    return ManifestFolder(tmp_path)


def test_every_document_of_every_file_is_read(folder: ManifestFolder, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", plain("ModelRoute", "one", ROUTE), plain("ModelRoute", "two", ROUTE))
    write(tmp_path / "b.yml", {"kind": "List", "items": [plain("ModelRoute", "three", ROUTE)]})
    (tmp_path / "notes.txt").write_text("no manifest")
    reading = folder.read()
    assert names(reading) == ["one", "three", "two"]
    assert complaints(reading) == []


def test_an_object_has_the_same_uid_in_every_reading_and_stays_itself_when_unchanged(
    folder: ManifestFolder, tmp_path: Path
) -> None:
    write(tmp_path / "a.yaml", plain("ModelRoute", "one", ROUTE))
    (first,), (again,) = folder.read().objects.values(), folder.read().objects.values()
    assert again is first
    assert ManifestFolder(tmp_path).read().objects[first.ref].uid == first.uid


def test_a_wrong_manifest_is_named_with_file_object_field_and_reason(folder: ManifestFolder, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", plain("ModelRoute", "bad", {"model": "gpt"}), plain("ModelRoute", "good", ROUTE))
    reading = folder.read()
    assert names(reading) == ["good"]
    assert complaints(reading) == ["a.yaml: ModelRoute 'bad': spec.targets: Required value"]


def test_an_object_edited_into_a_wrong_state_keeps_its_last_good_version(
    folder: ManifestFolder, tmp_path: Path
) -> None:
    write(tmp_path / "a.yaml", plain("ModelRoute", "one", ROUTE))
    (good,) = folder.read().objects.values()
    write(tmp_path / "a.yaml", plain("ModelRoute", "one", {"model": "gpt"}))
    for _ in range(2):
        reading = folder.read()
        assert list(reading.objects.values()) == [good]
        assert len(reading.problems) == 1


def test_a_file_that_is_no_yaml_keeps_all_it_gave(folder: ManifestFolder, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", plain("ModelRoute", "one", ROUTE), plain("ModelRoute", "two", ROUTE))
    folder.read()
    (tmp_path / "a.yaml").write_text("kind: {unfinished")
    reading = folder.read()
    assert names(reading) == ["one", "two"]
    assert complaints(reading)[0].startswith("a.yaml: can't be read as YAML: ")
    assert "line 1" in complaints(reading)[0]


def test_an_object_or_file_that_is_deleted_is_gone(folder: ManifestFolder, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", plain("ModelRoute", "one", ROUTE), plain("ModelRoute", "two", ROUTE))
    write(tmp_path / "b.yaml", plain("ModelRoute", "three", ROUTE))
    folder.read()
    write(tmp_path / "a.yaml", plain("ModelRoute", "one", ROUTE))
    (tmp_path / "b.yaml").unlink()
    assert names(folder.read()) == ["one"]


def test_of_an_object_in_two_files_the_first_counts(folder: ManifestFolder, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", plain("ModelRoute", "one", ROUTE))
    write(tmp_path / "b.yaml", plain("ModelRoute", "one", {**ROUTE, "model": "other"}))
    reading = folder.read()
    assert [one.model_dump()["spec"]["model"] for one in reading.objects.values()] == ["gpt"]
    assert complaints(reading) == ["b.yaml: ModelRoute default/one: is also in a.yaml, which counts"]


def test_a_change_that_a_cluster_would_refuse_is_refused(folder: ManifestFolder, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", plain("Project", "shop", {"keys": [{"name": "live", "mode": "Live"}]}))
    (before,) = folder.read().objects.values()
    write(tmp_path / "a.yaml", plain("Project", "shop", {"keys": [{"name": "live", "mode": "Test"}]}))
    reading = folder.read()
    assert list(reading.objects.values()) == [before]
    assert complaints(reading)[0].startswith("a.yaml: Project default/shop: spec.keys[0]: ")


def test_secrets_are_decoded_and_plain_text_wins(folder: ManifestFolder, tmp_path: Path) -> None:
    encoded = base64.b64encode(b"from data").decode()
    secret = {
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": encoded, "b": encoded},
        "stringData": {"b": "x"},
    }
    write(tmp_path / "a.yaml", secret)
    assert folder.read().secrets == {("default", "s"): {"a": "from data", "b": "x"}}


def test_a_secret_that_is_not_base64_is_named_without_its_value(folder: ManifestFolder, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", {"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "in clear!"}})
    (complaint,) = complaints(folder.read())
    assert complaint == "a.yaml: Secret 's': data.a is not base64 of text; plain text belongs into stringData"


def test_other_kinds_are_ignored_and_named(folder: ManifestFolder, tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})
    assert folder.read().ignored == ("Deployment 'web' (a.yaml)",)


def test_namespaces_carry_their_labels_and_their_name(folder: ManifestFolder, tmp_path: Path) -> None:
    space = {"kind": "Namespace", "metadata": {"name": "team", "labels": {"tier": "gold"}}}
    route = plain("ModelRoute", "one", ROUTE)
    write(tmp_path / "a.yaml", space, {**route, "metadata": {"name": "one", "namespace": "team"}})
    assert folder.read().namespaces == {"team": {"tier": "gold", "kubernetes.io/metadata.name": "team"}}


@pytest.mark.parametrize("text", ["- a\n- list", "just words", "42"])
def test_a_document_that_is_no_object_is_named(folder: ManifestFolder, tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert "holds a document that is no object" in complaints(folder.read())[0]
