"""What a coding agent sends: many tools, a cached system prompt, betas, thinking between tools, turns upon turns."""

import json
from typing import Any

import pytest

from harness.caller import Reply
from harness.fake_provider import Message
from harness.fake_provider_messages import SIGNATURE, THINKING, tool_use
from harness.gateway import GatewayProcess
from harness.pooled import pooled
from harness.world import World

BETAS = (
    "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14,"
    "context-management-2025-06-27,prompt-caching-scope-2026-01-05"
)
HEADERS = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": BETAS,
    "anthropic-dangerous-direct-browser-access": "true",
    "user-agent": "agent-cli/2.1.0 (external, cli)",
    "x-app": "cli",
    "x-stainless-helper-method": "stream",
    "x-stainless-lang": "js",
    "accept": "application/json",
}
EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
NAMES = ("Task", "Bash", "Glob", "Grep", "Read", "Edit", "MultiEdit", "Write", "NotebookEdit", "WebFetch", "TodoWrite",
         "BashOutput", "KillShell", "SlashCommand", "mcp__github__create_pull_request")  # fmt: skip
TOOLS = [
    {
        "name": name,
        "description": f"{name}: does what its name says.\n\nUsage notes:\n  - The path must be absolute\n",
        "input_schema": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {"path": {"type": "string", "description": "An absolute path"}, "limit": {"type": "number"}},
            "required": ["path"],
            "additionalProperties": False,
        },
    }
    for name in NAMES
]
REMINDER = {"type": "text", "text": "<system-reminder>\nAs you answer, you can use this context.\n</system-reminder>\n"}
TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": [REMINDER, {"type": "text", "text": "Why does the build fail?"}]},
    {"role": "assistant", "content": [
        THINKING,
        {"type": "text", "text": "I'll look at the build."},
        {"type": "tool_use", "id": "toolu_01A", "name": "Bash", "input": {"path": "/repo"}},
        {"type": "tool_use", "id": "toolu_01B", "name": "Read", "input": {"path": "/repo/Makefile", "limit": 20}},
    ]},
    {"role": "user", "content": [
        {"tool_use_id": "toolu_01A", "type": "tool_result", "content": "make: *** [all] Error 2", "is_error": True},
        {"tool_use_id": "toolu_01B", "type": "tool_result",
         "content": [{"type": "text", "text": "     1\tall:\n     2\t\tcc main.c\n"}], **EPHEMERAL},
    ]},
]  # fmt: skip


def request(model: str) -> bytes:
    """One turn of the agent, spelled as its JavaScript spells it."""
    body = {
        "model": model,
        "messages": TURNS,
        "temperature": 1,
        "system": [
            {"type": "text", "text": "You are a coding agent, a command line tool.", **EPHEMERAL},
            {"type": "text", "text": "# Tone\nBe concise.\n" * 200, **EPHEMERAL},
        ],
        "tools": TOOLS,
        "metadata": {"user_id": "user_9f2c_account__session_4f8f6a2e-1c1f-4f0e-9f0e-3d1f2a1b9c77"},
        "max_tokens": 32_000,
        "thinking": {"type": "enabled", "budget_tokens": 31_999},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "stream": True,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def ended_well(reply: Reply) -> None:
    assert reply.status == 200, reply.body
    assert reply.body.startswith(b"event: message_start\n")
    assert reply.body.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')


async def test_an_agents_turn_reaches_anthropic_as_it_was_sent(world: World, gateway: GatewayProcess) -> None:
    same = {"first_target": {"model": "claude-opus-4-5"}, "upstream_fields": {"provider": "anthropic"}}
    async with pooled(world, gateway, **same) as pool:
        pool.first.script(
            Message((THINKING, {"type": "text", "text": "I see."}, tool_use("Edit", path="/repo/Makefile")))
        )
        reply = await pool.caller.send("POST", "/v1/messages?beta=true", request(pool.route.model), HEADERS)
        ended_well(reply)
        assert SIGNATURE.encode() in reply.body
        received = pool.first.requests[0]
        assert received.body == request("claude-opus-4-5")
        assert received.headers["anthropic-beta"] == BETAS
        assert received.headers["anthropic-version"] == "2023-06-01"
        prompt = {"model": pool.route.model, "messages": TURNS, "tools": TOOLS}
        counted = await pool.caller.send("POST", "/v1/messages/count_tokens?beta=true", prompt, HEADERS)
        assert counted.json["input_tokens"] > 0
        assert "x-havuz-estimated" not in counted.headers


async def test_an_agents_turn_is_understood_by_another_provider(world: World, gateway: GatewayProcess) -> None:
    async with pooled(world, gateway) as pool:
        reply = await pool.caller.send("POST", "/v1/messages?beta=true", request(pool.route.model), HEADERS)
        ended_well(reply)
        received = pool.first.requests[0]
    assert not [name for name in received.headers if name.startswith(("anthropic", "x-stainless", "x-app"))]
    sent = received.json
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert "You are a coding agent" in json.dumps(sent["messages"][0])
    called = sent["messages"][2]
    assert called["content"] == "I'll look at the build."
    assert [call["id"] for call in called["tool_calls"]] == ["toolu_01A", "toolu_01B"]
    assert json.loads(called["tool_calls"][1]["function"]["arguments"]) == {"path": "/repo/Makefile", "limit": 20}
    assert "Error 2" in json.dumps(sent["messages"][3])
    assert [tool["function"]["name"] for tool in sent["tools"]] == list(NAMES)
    assert sent["tools"][0]["function"]["parameters"] == TOOLS[0]["input_schema"]
    assert (sent["max_tokens"], sent["reasoning_effort"], sent["stream"]) == (32_000, "high", True)
    assert "context_management" in reply.headers["x-havuz-dropped"]


@pytest.mark.parametrize("provider", ["anthropic", "openai-compatible", "openai"])
async def test_an_agents_first_probe_is_answered(world: World, gateway: GatewayProcess, provider: str) -> None:
    """Agents ask for one token to see whether a key works."""
    async with pooled(world, gateway, upstream_fields={"provider": provider}) as pool:
        body = {"model": pool.route.model, "max_tokens": 1, "messages": [{"role": "user", "content": "quota"}],
                "metadata": {"user_id": "user_9f2c"}}  # fmt: skip
        reply = await pool.caller.send("POST", "/v1/messages?beta=true", body, HEADERS)
        assert reply.status == 200, reply.body
        assert reply.json["type"] == "message"
