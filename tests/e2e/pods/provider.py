"""A provider in a pod: short answers at once, and streams as long as the last message says ("60" for a minute)."""

import asyncio
import json

from aiohttp import web

_BEAT_SECONDS = 0.5


def _event(content: dict[str, object]) -> bytes:
    return (
        b"data: "
        + json.dumps({"id": "e2e", "object": "chat.completion.chunk", "created": 0} | content).encode()
        + b"\n\n"
    )


async def chat(request: web.Request) -> web.StreamResponse:
    """https://platform.openai.com/docs/api-reference/chat"""
    asked = await request.json()
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "hello"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "e2e", "object": "chat.completion", "created": 0, "model": asked["model"], "choices": [choice]}
        return web.json_response(body | {"usage": usage})
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for beat in range(int(float(asked["messages"][-1]["content"]) / _BEAT_SECONDS)):
        delta = {"index": 0, "delta": {"content": f"{beat} "}, "finish_reason": None}
        await response.write(_event({"model": asked["model"], "choices": [delta]}))
        await asyncio.sleep(_BEAT_SECONDS)
    await response.write(
        _event({"model": asked["model"], "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    )
    await response.write(_event({"model": asked["model"], "choices": [], "usage": usage}))
    await response.write(b"data: [DONE]\n\n")
    return response


async def models(_: web.Request) -> web.Response:
    """What a probe asks for."""
    return web.json_response({"object": "list", "data": [{"id": "e2e", "object": "model"}]})


def main() -> None:
    """Serve until the pod ends."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    web.run_app(app, port=8080, print=None)


main()
