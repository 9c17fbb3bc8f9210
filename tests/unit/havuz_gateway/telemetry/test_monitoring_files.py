"""The chart's dashboard and alert rules ask for nothing that a gateway does not export."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from havuz_gateway.protocols.usage import Usage
from havuz_gateway.telemetry.backlogs import CallbacksQueued, TasksQueued
from havuz_gateway.telemetry.exposition import render
from havuz_gateway.telemetry.metrics import Metrics
from havuz_gateway.telemetry.money import Backlog, Money

MONITORING = Path(__file__).parents[4] / "charts" / "havuz" / "monitoring"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
ALERTS = [
    rule for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# What Prometheus and the Prometheus operator add to every series of a pod.
ADDED_LABELS = {"job", "instance", "namespace", "pod"}

_METRIC = re.compile(r"\b(?:havuz|gen_ai)_[a-z_]+\b(?=[\[{ )]|$)")
_SELECTED = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


def exported() -> dict[str, set[str]]:
    """Every sample's name with its labels, of a gateway that has seen one of everything."""
    metrics = Metrics()
    metrics.observe_pool(states=lambda: [("ns/key", "Usable")], usable=lambda: [("m", 1.0)])
    metrics.observe_config(revision=lambda: 1, age=lambda: 0.0)
    metrics.observe_in_flight(lambda: 0)
    metrics.observe_backlogs(
        tasks=lambda: TasksQueued(open=1, waiting=1, oldest_seconds=1.0),
        callbacks=lambda: CallbacksQueued(open=1, late_seconds=0.0, failed=0),
    )
    metrics.observe_meter(
        money=lambda: [Money("ns/shop", "USD", 1.0, 0.0, 0.0)], backlog=lambda: Backlog(True, 0, 0, 0)
    )
    metrics.spans_dropped.value += 1
    metrics.attempt_ended(upstream_key="ns/key", provider="openai", verdict="ok")
    metrics.request_ended(
        operation="chat", model="m", provider="openai", seconds=1.0, status=500, error_type="api_error",
        usage=Usage(input=1, output=2), time_to_first_chunk=0.5,
    )  # fmt: skip
    families = text_string_to_metric_families(render(metrics.instruments).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


EXPORTED = exported()


def expressions() -> Iterator[Any]:
    for panel in PANELS:
        for number, target in enumerate(panel["targets"]):
            yield pytest.param(target["expr"], id=f"{panel['title']}-{number}")
    for rule in ALERTS:
        yield pytest.param(rule["expr"], id=rule["alert"])


@pytest.mark.parametrize("expression", list(expressions()))
def test_an_expression_asks_for_metrics_and_labels_that_are_exported(expression: str) -> None:
    labels = [name.strip() for group in _GROUPED.findall(expression) for name in group.split(",")]
    labels += _SELECTED.findall(expression)
    asked = set(_METRIC.findall(expression)) - set(labels)
    assert asked
    assert asked <= EXPORTED.keys()
    known = set.union(*(EXPORTED[name] for name in asked)) | ADDED_LABELS | {"le"}
    assert set(labels) <= known


def test_a_metric_that_is_not_exported_would_be_noticed() -> None:
    assert "havuz_pool_usable" in EXPORTED
    assert "havuz_pool_unusable" not in EXPORTED


def test_every_panel_says_what_it_shows_and_has_an_id_of_its_own() -> None:
    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in PANELS)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert {"summary", "description"} <= rule["annotations"].keys()
