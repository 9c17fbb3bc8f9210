"""From `helm install` to `helm uninstall`, with clients that never stop calling: a platform team's year in order."""

import json
import time
from pathlib import Path

import openai
import pytest

from harness.node.installed import DEMO, SYSTEM, Installed
from harness.node.load import Load, Step

_ROOT = Path(__file__).parents[2]
_OUTAGE_SECONDS = 30
_LONG_OUTAGE_SECONDS = 60


def _nobody_noticed(step: Step) -> None:
    assert step.requests, "no request ended in this step: the load does not run"
    assert not step.failed(), "\n".join(map(str, step.failed()[:20]))
    assert not step.again, "connections were refused or closed before an answer"


def test_helm_installs_it_where_pod_security_is_restricted(installed: Installed) -> None:
    installed.cluster.helm("test", "havuz", "-n", SYSTEM)
    enforced = installed.cluster.get("namespace", SYSTEM)["metadata"]["labels"]
    assert enforced["pod-security.kubernetes.io/enforce"] == "restricted"


_LOOK_AROUND = """
import json, os, shutil
bill = json.load(open("/opt/havuz/sbom.cdx.json"))
try:
    open("/opt/havuz/written", "w")
    writable = True
except OSError:
    writable = False
print(json.dumps({"user": os.getuid(), "writable": writable, "shell": shutil.which("sh"),
                  "format": bill["bomFormat"], "packages": [one["name"] for one in bill["components"]]}))
"""


@pytest.mark.parametrize(("side", "package"), [("gateway", "aiohttp"), ("operator", "kopf")])
def test_an_image_says_what_is_in_it_and_offers_nothing_to_break_in_with(
    installed: Installed, side: str, package: str
) -> None:
    python = ("exec", f"deployment/havuz-{side}", "--", "/opt/havuz/bin/python", "-c", _LOOK_AROUND)
    seen = json.loads(installed.cluster.kubectl("-n", SYSTEM, *python))
    assert package in seen.pop("packages")
    if installed.site.node is None:
        seen.pop("shell")  # the public base image of a Dockerfile has one
        assert seen == {"user": 65532, "writable": False, "format": "CycloneDX"}
    else:
        assert seen == {"user": 65532, "writable": False, "format": "CycloneDX", "shell": None}


def test_the_quick_start_is_programmed(installed: Installed) -> None:
    installed.cluster.kubectl("-n", DEMO, "apply", "-f", f"{_ROOT}/examples/quickstart")
    installed.wait_programmed()
    assert installed.cluster.condition("project", "demo", "Programmed", namespace=DEMO)["status"] == "True"


def test_an_official_client_is_served_through_the_service(installed: Installed) -> None:
    key = installed.cluster.secret(DEMO, "demo-live")["key"]
    with installed.reached() as url, openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        assert "gpt-4o-mini" in [model.id for model in client.models.list()]
        messages = [{"role": "user", "content": "Merhaba"}]
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages)
        assert answer.choices[0].message.content
        stream = client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_the_load_is_served_while_nothing_happens(load: Load) -> None:
    with load.during("nothing is done") as step:
        time.sleep(_OUTAGE_SECONDS)
    _nobody_noticed(step)


def test_scaling_up_and_down_loses_no_request(installed: Installed, load: Load) -> None:
    for replicas in (5, 1, 2):
        with load.during(f"gateways scaled to {replicas}") as step:
            installed.scale("deployment/havuz-gateway", replicas)
        _nobody_noticed(step)


def test_an_upgrade_with_a_changed_value_loses_no_request(installed: Installed, load: Load) -> None:
    before = {pod["metadata"]["uid"] for pod in installed.gateways()}
    with load.during("helm upgrade with another log level") as step:
        installed.upgrade("gateway.logLevel=warning", "operator.logLevel=warning")
        installed.settled()
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in installed.gateways())
    _nobody_noticed(step)


def test_a_rolling_restart_loses_no_request(installed: Installed, load: Load) -> None:
    with load.during("rolling restart of everything but Redis") as step:
        installed.cluster.kubectl("-n", SYSTEM, "rollout", "restart", "deployment")
        installed.settled()
    _nobody_noticed(step)


def test_a_killed_gateway_costs_only_what_it_was_answering(installed: Installed, load: Load) -> None:
    with load.during("kill -9 of one gateway") as step:
        installed.kill_gateway()
    own = [one for one in step.failed() if one.error and one.error.startswith("cut after its start")]
    assert step.failed() == own, "requests failed that the killed pod was not answering"
    assert 0 < len(own) < load.open_at_most, "the other pod's requests ended too, or the killed pod had none"


def test_nobody_notices_that_the_operator_is_away(installed: Installed, load: Load) -> None:
    with load.during(f"operator away for {_OUTAGE_SECONDS} s") as step:
        installed.scale("deployment/havuz-operator", 0)
        time.sleep(_OUTAGE_SECONDS)
        installed.scale("deployment/havuz-operator", 2)
    _nobody_noticed(step)


def test_nobody_notices_that_redis_is_away(installed: Installed, load: Load) -> None:
    with load.during(f"Redis away for {_OUTAGE_SECONDS} s") as step:
        installed.scale("statefulset/havuz-redis", 0)
        time.sleep(_OUTAGE_SECONDS)
        installed.scale("statefulset/havuz-redis", 1)
    _nobody_noticed(step)


def test_nobody_notices_that_the_api_server_is_away(installed: Installed, load: Load) -> None:
    node = installed.site.node
    if node is None:
        pytest.skip("only an API server of our own is taken away")
    with load.during(f"API server away for {_LONG_OUTAGE_SECONDS} s") as step:
        node.control.stop_apiserver()
        time.sleep(_LONG_OUTAGE_SECONDS)
        node.control.start_apiserver()
        installed.settled()
    _nobody_noticed(step)


def test_a_change_made_after_all_this_is_programmed(installed: Installed, load: Load) -> None:
    with load.during("a new alias") as step:
        patch = '{"spec": {"aliases": ["house-model"]}}'
        installed.cluster.kubectl("-n", DEMO, "patch", "modelroute", "gpt-4o", "--type=merge", "-p", patch)
        installed.wait_programmed()
    _nobody_noticed(step)


def test_uninstall_leaves_what_the_readme_says_and_a_second_install_works(installed: Installed) -> None:
    key = installed.cluster.secret(DEMO, "demo-live")["key"]
    installed.uninstall()
    assert installed.left() == {
        "secret/havuz-encryption",
        "persistentvolumeclaim/data-havuz-redis-0",
        "lease.coordination.k8s.io/havuz-operator",
    }
    installed.upgrade()
    installed.settled()
    installed.wait_programmed()
    assert installed.cluster.secret(DEMO, "demo-live")["key"] == key
    with installed.reached() as url, openai.OpenAI(base_url=f"{url}/v1", api_key=key) as client:
        assert "gpt-4o-mini" in [model.id for model in client.models.list()]
