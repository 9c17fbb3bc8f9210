"""What the chart tells the gateways of the customers' pages is what they read."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cluster.cluster import Cluster, CommandError
from havuz_gateway.surfaces.pages.sites import Sites

CHART = str(Path(__file__).parents[2] / "charts" / "havuz")


def _render(cluster: Cluster, *values: str) -> list[dict[str, Any]]:
    sets = [argument for value in values for argument in ("--set", value)]
    text = cluster.helm("template", "havuz", CHART, "--namespace", "havuz-system", *sets)
    return [document for document in yaml.safe_load_all(text) if document]


def _settings(documents: list[dict[str, Any]]) -> dict[str, str]:
    """The environment of the gateways, but for what comes from Secrets."""
    [gateways] = [
        one for one in documents if one["kind"] == "Deployment" and one["metadata"]["name"] == "havuz-gateway"
    ]
    [container] = gateways["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def test_the_gateways_read_the_sites_of_the_values(cluster: Cluster, tmp_path: Path) -> None:
    documents = _render(
        cluster,
        "pages.sites[0].hosts={panel.example.com}",
        "pages.sites[0].name=Example AI",
        "pages.sites[0].links.topUp=https://example.com/buy",
        "pages.elsewhere=false",
        "gateway.ingress.enabled=true",
    )
    [written] = [one for one in documents if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "havuz-pages"]
    file = tmp_path / "sites.yaml"
    file.write_text(written["data"]["sites.yaml"])
    sites = Sites.read(file)
    site = sites.of("panel.example.com")
    assert site is not None
    assert (site.name, site.links.top_up) == ("Example AI", "https://example.com/buy")
    assert sites.of("other.example.com") is None
    settings = _settings(documents)
    assert (settings["HAVUZ_PAGES"], settings["HAVUZ_PAGES_PROXIES"]) == ("true", "1")


def test_pages_can_be_taken_away(cluster: Cluster) -> None:
    documents = _render(cluster, "pages.enabled=false")
    assert _settings(documents)["HAVUZ_PAGES"] == "false"
    assert all("pages" not in one["metadata"]["name"] for one in documents)


@pytest.mark.parametrize("value", ["pages.sites[0].name=nobody", "pages.default.accent=red", "pages.colour=red"])
def test_a_site_that_can_not_be_is_refused(cluster: Cluster, value: str) -> None:
    with pytest.raises(CommandError):
        _render(cluster, value)
