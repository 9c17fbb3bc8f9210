"""The manifests that a newcomer applies first are accepted and complete, with no credential at all."""

from datetime import UTC, datetime
from pathlib import Path

from harness.manifests import documents, made_key
from havuz_contract import project_keys
from havuz_contract.compiler.compile import Secrets, resources_of
from havuz_contract.compiler.compile import compile as compile_snapshot
from havuz_contract.v1alpha1.project import Project
from havuz_contract.v1alpha1.registry import is_ours, parse

QUICKSTART = Path(__file__).parents[3] / "examples" / "quickstart"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
WRITTEN = documents(*sorted(QUICKSTART.glob("*.yaml")))


def secrets(**filled: str) -> Secrets:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for one in WRITTEN:
        if one["kind"] == "Secret":
            found["default", one["metadata"]["name"]] = one["stringData"] | filled
    objects = [parse(one) for one in WRITTEN if is_ours(one)]
    for project in (one for one in objects if isinstance(one, Project)):
        for number, missing in enumerate(project_keys.missing_keys(project, found)):
            key = made_key(number, project_keys.prefix(missing.key))
            found["default", missing.secret_name] = dict(project_keys.secret_data(key, NOW))
    return found


def test_without_a_credential_everything_is_accepted_and_answers_from_the_mock() -> None:
    compiled = compile_snapshot(resources_of(parse(one) for one in WRITTEN if is_ours(one)), secrets(), NOW)
    assert {ref: status.obstacle for ref, status in compiled.statuses.items() if status.obstacle} == {}
    assert all(condition.status == "True" for one in compiled.statuses.values() for condition in one.conditions)
    assert {upstream.provider for upstream in compiled.snapshot.upstreams.values()} == {"mock"}
    assert all(route.targets for route in compiled.snapshot.routes.values())


def test_with_one_credential_its_models_go_to_the_real_provider() -> None:
    objects = [parse(one) for one in WRITTEN if is_ours(one)]
    compiled = compile_snapshot(resources_of(objects), secrets(GEMINI_API_KEY="AIza-test"), NOW)
    by_model = {route.model: route for route in compiled.snapshot.routes.values()}
    (uid,) = by_model["gemini-2.5-flash"].targets[0].upstreams
    upstream = compiled.snapshot.upstreams[uid]
    assert (upstream.provider, upstream.credential) == ("gemini", "AIza-test")


def test_the_project_sees_chat_and_embeddings_of_three_providers() -> None:
    compiled = compile_snapshot(resources_of(parse(one) for one in WRITTEN if is_ours(one)), secrets(), NOW)
    owners = {route.owned_by for route in compiled.snapshot.routes.values()}
    operations = {operation for route in compiled.snapshot.routes.values() for operation in route.operations}
    assert owners == {"openai", "anthropic", "google ai studio"}
    assert operations == {"chat", "embeddings"}
