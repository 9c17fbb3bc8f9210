"""Start and operations: settings that are refused with a sentence, ports, probes, and a quick clean end."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness.caller import calling
from harness.gateway import GatewayProcess
from havuz_contract.snapshot.envelope import Keyring

KEYS = f"--encryption-keys={Keyring.generate()}"


def refusal_of(*flags: str) -> str:
    """What a gateway prints that refuses to start."""
    ended = subprocess.run(
        [sys.executable, "-m", "havuz_gateway", *flags], capture_output=True, text=True, timeout=30, env={}
    )
    assert ended.returncode == 2, ended
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ((), "encryption_keys is not set"),
        (("--encryption-keys=k1:short",), "encryption key 'k1'"),
        (("--encryption-keys-file=/nowhere/keys",), "encryption_keys_file '/nowhere/keys' can't be read"),
        ((KEYS, "--redis-url=http://127.0.0.1"), "is not a redis://, rediss://, unix://"),
        ((KEYS, "--port=70000"), "setting 'port' (HAVUZ_PORT, --port)"),
        ((KEYS, "--port=9090"), "give operations a port of their own"),
        ((KEYS, "--prot=9090"), "unrecognized arguments"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence(flags: tuple[str, ...], sentence: str) -> None:
    assert sentence in refusal_of(*flags)


def test_a_refusal_shows_no_secret() -> None:
    assert "hunter2" not in refusal_of("--encryption-keys=k1:hunter2hunter2", "--redis-url=redis://:hunter2@x:1/y")


def test_a_port_that_is_taken_is_a_sentence(gateway: GatewayProcess) -> None:
    flags = ("--host=127.0.0.1", f"--port={gateway.port}", "--operations-port=0", KEYS)
    assert f"can't listen on 127.0.0.1:{gateway.port}" in refusal_of(*flags)


def test_a_service_link_of_kubernetes_is_explained() -> None:
    assert "enableServiceLinks: false" in refusal_of(KEYS, "--port=tcp://10.0.0.1:8080")


def test_help_names_every_setting() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "havuz_gateway", "--help"], capture_output=True, text=True, timeout=30
    )
    assert shown.returncode == 0
    for flag in ("--redis-url", "--encryption-keys-file", "--drain-grace", "--state-dir", "--trace-ratio"):
        assert flag in shown.stdout


@pytest.mark.parametrize(("path", "text"), [("/livez", "ok\n"), ("/readyz", "ok\n")])
async def test_the_operations_port_answers_probes(gateway: GatewayProcess, path: str, text: str) -> None:
    async with calling(gateway.operations_url, None) as caller:
        reply = await caller.get(path)
    assert (reply.status, reply.body.decode()) == (200, text)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_the_public_port_knows_nothing_of_operations(gateway: GatewayProcess, path: str) -> None:
    async with calling(gateway.base_url, None) as caller:
        assert (await caller.get(path)).status == 404


async def test_without_work_it_ends_at_once_with_0(start_gateway: Callable[..., GatewayProcess]) -> None:
    gateway = start_gateway()
    gateway.terminate()
    assert await gateway.wait(5) == 0


async def test_before_a_configuration_is_there_it_lives_but_is_not_ready(
    start_gateway: Callable[..., GatewayProcess],
) -> None:
    gateway = start_gateway(redis_url="redis://127.0.0.1:1/0", wait=False)
    while gateway.readiness()[0] == 0:
        await asyncio.sleep(0.02)
    status, sentence = gateway.readiness()
    assert status == 503
    assert sentence != "ok\n"
    async with calling(gateway.operations_url, None) as caller:
        assert (await caller.get("/livez")).status == 200
