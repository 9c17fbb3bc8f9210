"""The peers that an interpreter runs: a plain aiohttp proxy, LiteLLM, and Portkey's gateway."""

import json
import sys
from importlib.metadata import version
from string import Template

from bench import probe
from bench.peers.install import HERE, Missing, from_npm, from_path, from_pypi, said
from bench.processes import Processes, Target, accepts
from bench.upstream import Upstream
from harness.ports import free_port

_LITELLM = "from litellm import run_server; run_server()"
_LITELLM_KEY = "sk-bench"
_SLOW_START_SECONDS = 120.0


def plain_proxy(processes: Processes, upstream: Upstream) -> Target:
    """The least that a reverse proxy on aiohttp does."""
    port = free_port()
    command = [sys.executable, "-m", "bench.plain_proxy", str(port), upstream.url, str(upstream.authority or "")]
    pid = processes.start(command, ready=lambda: accepts(port))
    return Target("plain aiohttp proxy", port, pid, version=f"aiohttp {version('aiohttp')}")


def litellm(processes: Processes, upstream: Upstream) -> Target:
    """One worker of its proxy with one model and one key; no database, so no budgets and no usage."""
    packages = from_pypi("litellm")
    port, path = free_port(), processes.folder / f"litellm-{upstream.port}.yaml"
    path.write_text(Template((HERE / "litellm.yaml").read_text()).substitute(url=upstream.url))
    # -I: without the packages of the bench itself, which are not those that it locks
    start = f"import sys; sys.path.insert(0, {str(packages)!r}); {_LITELLM}"
    arguments = ["--config", str(path), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "DO_NOT_TRACK": "1"}
    if upstream.authority:
        environment |= {"SSL_CERT_FILE": str(upstream.authority)}
    pid = processes.start(
        [_interpreter(), "-I", "-c", start, *arguments],
        environment=environment,
        ready=lambda: accepts(port),
        seconds=_SLOW_START_SECONDS,
    )
    locked = next(line for line in (HERE / "litellm.txt").read_text().splitlines() if line.startswith("litellm=="))
    target = Target("LiteLLM", port, pid, key=_LITELLM_KEY, version=locked.split()[0].partition("==")[2])
    return _answering(target)


def portkey(processes: Processes, upstream: Upstream) -> Target:
    """Its server for Node without the console; provider and host come with each request, as it has them."""
    node = from_path("node", "nodejs npm")
    package = from_npm("portkey") / "node_modules" / "@portkey-ai" / "gateway"
    port = free_port()
    environment = {"NODE_ENV": "production"}
    if upstream.authority:
        environment |= {"NODE_EXTRA_CA_CERTS": str(upstream.authority)}
    pid = processes.start(
        [node, str(package / "build" / "start-server.js"), "--headless", f"--port={port}"],
        environment=environment,
        ready=lambda: accepts(port),
        seconds=_SLOW_START_SECONDS,
    )
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{upstream.url}/v1"}
    number = json.loads((package / "package.json").read_text())["version"]
    return _answering(
        Target("Portkey", port, pid, headers=headers, version=f"{number} on Node {said(node, '--version')}")
    )


def _interpreter() -> str:
    """The interpreter itself, rather than that of the virtual environment the bench runs in."""
    return str(getattr(sys, "_base_executable", sys.executable))


def _answering(target: Target) -> Target:
    """The target, once it has answered. Raises `Missing` where it never does."""
    said_instead = probe.answer(target)
    if said_instead is not None:
        raise Missing(f"it starts but does not answer: {said_instead}")
    return target
