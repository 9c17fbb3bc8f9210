"""The official OpenAI SDK for Node."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from harness.gateway import GatewayProcess
from harness.world import World

EVERY = frozenset({"chat", "embeddings", "image", "speech", "transcription"})
PROGRAM = Path(__file__).parent / "node" / "calls.mjs"


async def test_the_node_sdk_chats_streams_lists_embeds_draws_speaks_and_raises(
    world: World,
    gateway: GatewayProcess,
    node_project: Path,
    tmp_path: Path,
    run: Callable[..., "asyncio.Future[str]"],
) -> None:
    customer, route = await world.serve(operations=EVERY)
    (tmp_path / "node_modules").symlink_to(node_project / "node_modules")
    program = tmp_path / PROGRAM.name
    program.write_text(PROGRAM.read_text())
    environment = {"BASE_URL": f"{gateway.base_url}/api/v1", "KEY": customer.live, "MODEL": route.model}
    seen = json.loads(await run("node", program, env=environment, cwd=tmp_path))
    assert "Merhaba" in seen["chat"]
    assert "Merhaba" in seen["stream"]
    assert seen["usage"] > 0
    assert "Merhaba" in seen["response"]
    assert "Bir daha?" in seen["responseStream"]
    assert seen["lastEvent"] == "response.completed"
    assert "Merhaba" in seen["responseFinal"]
    assert seen["models"] == [route.model]
    assert seen["retrieved"] == route.model
    assert seen["embedding"] == 8
    assert seen["pictures"] == ["PNG", 323]
    assert seen["sound"][0] == "RIFF"
    assert "test transcription" in seen["sound"][1]
    assert seen["errors"] == {
        "missing": ["NotFoundError", 404, "not_found_error"],
        "invalid": ["BadRequestError", 400, "invalid_request_error"],
        "unauthenticated": ["AuthenticationError", 401, "authentication_error"],
    }
