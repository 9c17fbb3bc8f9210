"""Secrets of local mode: filled from the environment, project keys made once and kept, a guide to both."""

import os
import shlex
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness import manifests
from havuz_contract.project_keys import sha256
from havuz_contract.rotation import former_keys
from havuz_contract.v1alpha1.meta import KubeObject
from havuz_gateway.local.credentials import MadeKeys, Secrets, with_environment
from havuz_gateway.local.errors import LocalError
from havuz_gateway.local.guide import Guide, ShownKey
from havuz_gateway.local.manifests import Reading
from havuz_gateway.local.state import StateFolder

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLACE = ("default", "provider-keys")


def reading_of(*objects: KubeObject, **entries: str) -> Reading:
    secrets = {PLACE: entries} if entries else {}
    return Reading({one.ref: one for one in objects}, secrets, {}, (), ())


def test_an_empty_entry_is_taken_from_the_variable_of_its_name() -> None:
    reading = reading_of(manifests.upstream_key(), a="")
    assert with_environment(reading, {"a": " sk-1 "}, ours=())[PLACE] == {"a": "sk-1"}


def test_a_secret_that_is_not_there_is_taken_from_the_environment_too() -> None:
    assert with_environment(reading_of(manifests.upstream_key()), {"a": "sk-1"}, ours=()) == {PLACE: {"a": "sk-1"}}


def test_a_value_in_the_manifest_wins_over_the_environment() -> None:
    reading = reading_of(manifests.upstream_key(), a="sk-manifest")
    assert with_environment(reading, {"a": "sk-environment"}, ours=())[PLACE] == {"a": "sk-manifest"}


def test_a_variable_that_no_key_names_is_not_looked_at() -> None:
    assert with_environment(reading_of(manifests.upstream_key(), a=""), {"b": "x"}, ours=())[PLACE] == {"a": ""}


def test_project_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    reading = reading_of(manifests.project())
    with StateFolder(tmp_path / "state") as state:
        first = MadeKeys(state, random=os.urandom).complete(reading, {}, NOW)
        again = MadeKeys(state, random=os.urandom).complete(reading, {}, NOW)
    assert first == again
    assert sorted(name for _, name in first) == ["shop-live", "shop-test"]
    assert first["default", "shop-live"]["key"].startswith("pk_live_")


def test_a_project_key_is_rotated_once_for_a_value_and_the_former_is_still_known(tmp_path: Path) -> None:
    def reading(value: str) -> Reading:
        return reading_of(manifests.project(metadata={"annotations": {"havuz.dev/rotate-key": f"live={value}"}}))

    place = ("default", "shop-live")
    with StateFolder(tmp_path / "state") as state:
        first = MadeKeys(state, random=os.urandom).complete(reading("1"), {}, NOW)
        rotated = MadeKeys(state, random=os.urandom).complete(reading("2"), {}, NOW)
        later = MadeKeys(state, random=os.urandom)
        again = later.complete(reading("2"), {}, NOW)
    assert again == rotated
    assert rotated[place]["key"] != first[place]["key"]
    assert rotated["default", "shop-test"] == first["default", "shop-test"]
    assert [one.sha256 for one in former_keys(rotated[place])] == [sha256(first[place]["key"])]
    assert first[place]["key"] in later
    assert rotated[place]["key"] in later
    assert "sk-of-a-provider" not in later


def test_a_secret_of_the_manifests_is_not_rotated(tmp_path: Path) -> None:
    brought: Secrets = {("default", "shop-live"): {"key": "pk_live_brought"}}
    project = manifests.project(metadata={"annotations": {"havuz.dev/rotate-key": "live=1"}})
    with StateFolder(tmp_path) as state:
        complete = MadeKeys(state, random=os.urandom).complete(reading_of(project), brought, NOW)
    assert complete["default", "shop-live"] == {"key": "pk_live_brought"}


def test_a_secret_that_was_brought_is_not_replaced(tmp_path: Path) -> None:
    brought: Secrets = {("default", "shop-live"): {"key": "pk_live_brought"}}
    with StateFolder(tmp_path) as state:
        complete = MadeKeys(state, random=os.urandom).complete(reading_of(manifests.project()), brought, NOW)
    assert complete["default", "shop-live"] == {"key": "pk_live_brought"}


def test_a_damaged_file_of_keys_is_a_sentence(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as state:
        state.write("project-keys.json", "{")
        with pytest.raises(LocalError, match="is damaged: restore it, or delete it"):
            MadeKeys(state, random=os.urandom)


def test_the_files_of_the_state_folder_are_private(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "state") as state:
        assert state.encryption_keys().strip() == state.encryption_keys().strip()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.path.iterdir()}
    assert modes == {"lock": 0o600, "encryption-keys": 0o600, ".gitignore": 0o600}


def test_a_state_folder_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    with StateFolder(tmp_path), pytest.raises(LocalError, match="another `havuz up` uses"), StateFolder(tmp_path):
        pass
    with StateFolder(tmp_path) as again:
        assert again.path == tmp_path


def test_the_guide_sets_a_shell_up_with_both_keys() -> None:
    keys = (
        ShownKey("default/demo", "live", "Live", "pk_live_1"),
        ShownKey("default/demo", "test", "Test", "pk_test_1"),
    )
    guide = Guide("http://127.0.0.1:8080", keys, ("gpt",), "gpt", ("default/openai",))
    lines = dict(line.removeprefix("export ").split("=", 1) for line in guide.environment().splitlines())
    assert lines == {
        "OPENAI_BASE_URL": "http://127.0.0.1:8080/v1",
        "OPENAI_API_KEY": "pk_live_1",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8080",
        "ANTHROPIC_API_KEY": "pk_live_1",
        "HAVUZ_TEST_KEY": "pk_test_1",
    }
    (curl,) = (line for line in guide.welcome(".havuz/env", pages=True).splitlines() if line.strip().startswith("curl"))
    assert shlex.split(curl)[1:4] == [
        "http://127.0.0.1:8080/v1/chat/completions",
        "-H",
        "Authorization: Bearer pk_live_1",
    ]


def test_a_guide_without_projects_promises_nothing() -> None:
    guide = Guide("http://127.0.0.1:8080", (), (), None, ())
    assert "API_KEY" not in guide.environment()
    said = guide.welcome("env", pages=False)
    assert "curl" not in said
    assert "dashboard" not in said


def test_a_project_key_in_the_environment_is_not_taken_for_a_providers() -> None:
    reading = reading_of(manifests.upstream_key(), a="")
    assert with_environment(reading, {"a": "pk_live_1"}, ours={"pk_live_1"})[PLACE] == {"a": ""}
