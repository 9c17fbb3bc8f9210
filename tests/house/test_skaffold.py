"""skaffold.yaml names files, charts and values that exist; its own schema is at https://skaffold.dev/docs/references/yaml/."""

import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
ARTIFACTS = CONFIG["build"]["artifacts"]
RELEASES = CONFIG["deploy"]["helm"]["releases"]


def test_the_sections_are_those_of_the_schema() -> None:
    assert CONFIG["apiVersion"] == "skaffold/v4beta13"
    assert set(CONFIG) <= {"apiVersion", "kind", "metadata", "build", "deploy", "manifests", "portForward", "profiles"}


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda artifact: artifact["image"])
def test_an_image_is_built_from_a_dockerfile_whose_sources_exist(artifact: dict[str, Any]) -> None:
    context = ROOT / artifact["context"]
    dockerfile = (context / artifact["docker"]["dockerfile"]).read_text()
    copied = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
    sources = [source for words in copied for source in words.split()[:-1]]
    assert sources
    assert [source for source in sources if not (context / source).exists()] == []


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release["name"])
def test_a_release_sets_only_values_of_its_chart_to_images_that_are_built(release: dict[str, Any]) -> None:
    chart = ROOT / release["chartPath"]
    assert (chart / "Chart.yaml").is_file()
    values = yaml.safe_load((chart / "values.yaml").read_text()) if (chart / "values.yaml").exists() else {}
    # skaffold names an image in templates with _ for / and -
    images = {re.sub("[/-]", "_", artifact["image"]) for artifact in ARTIFACTS}
    for name, template in release.get("setValueTemplates", {}).items():
        assert isinstance(reduce(lambda part, key: part[key], name.split("."), values), str)
        assert re.fullmatch(r"\{\{\.IMAGE_FULLY_QUALIFIED_(\w+)\}\}", template)[1] in images


def test_the_manifests_are_the_quick_start() -> None:
    (pattern,) = CONFIG["manifests"]["rawYaml"]
    assert sorted(ROOT.glob(pattern)) == sorted((ROOT / "examples" / "quickstart").glob("*.yaml"))


def test_the_forwarded_port_is_the_gateways_service() -> None:
    (forward,) = CONFIG["portForward"]
    (release,) = [one for one in RELEASES if one["name"] == "havuz"]
    assert (forward["resourceName"], forward["namespace"]) == ("havuz-gateway", release["namespace"])
    values = yaml.safe_load((ROOT / release["chartPath"] / "values.yaml").read_text())
    assert forward["port"] == values["gateway"]["service"]["port"]
