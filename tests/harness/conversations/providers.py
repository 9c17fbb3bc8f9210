"""What each provider sends for one turn of a conversation, in the language and the manner it is asked in."""

import json
from collections.abc import Iterator
from typing import Any

from harness import fake_provider_bodies as bodies
from harness import fake_provider_gemini as gemini
from harness import fake_provider_messages as messages
from harness import fake_provider_responses as responses
from harness.conversations.scripts import Turn
from harness.fake_provider_answers import Answer, Generated, Json, Message, MessageStream, RawEvents, Received

_CHAT_ENDS = {"end": "stop", "calls": "tool_calls", "length": "length"}
_MESSAGE_ENDS = {"end": "end_turn", "calls": "tool_use", "length": "max_tokens"}
_GOOGLE_ENDS = {"end": "STOP", "calls": "STOP", "length": "MAX_TOKENS"}


def answer(turn: Turn, request: Received) -> Answer:
    """The answer to `request`."""
    path = request.path.partition("?")[0]
    if path.endswith("/chat/completions"):
        return _chat(turn, request)
    if path.endswith("/responses"):
        return _response(turn, request)
    if path.endswith("/messages"):
        return _message(turn, request)
    return _generated(turn)


def _chat(turn: Turn, request: Received) -> Answer:
    """Chat Completions; only servers that are not OpenAI's tell what the model thinks, as `reasoning_content`."""
    calls = [
        {"id": f"call_{city}", "type": "function", "function": {"name": "weather", "arguments": _arguments(city)}}
        for city in turn.cities
    ]
    tells = bool(turn.thought) and not request.fields["model"].startswith("gpt-")
    thinks = {"reasoning_content": turn.thought} if tells else {}
    usage = {"prompt_tokens": turn.usage[0], "completion_tokens": turn.usage[1], "total_tokens": sum(turn.usage)}
    if request.fields.get("stream"):
        return RawEvents(b"".join(_chat_events(turn, request, calls, thinks, usage)))
    whole = bodies.chat_completion(request.fields, (turn.text,))
    message = {"role": "assistant", "content": turn.text or None, **thinks, **({"tool_calls": calls} if calls else {})}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _CHAT_ENDS[turn.ending]}
    return Json(body={**whole, "choices": [choice], "usage": usage})


def _chat_events(
    turn: Turn, request: Received, calls: list[dict[str, Any]], thinks: dict[str, str], usage: dict[str, int]
) -> Iterator[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": request.fields["model"]}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [thinks] if thinks else []
    deltas += [{"content": turn.text[place : place + 5]} for place in range(0, len(turn.text), 5)]
    for index, call in enumerate(calls):
        begun = {**call, "function": {**call["function"], "arguments": ""}}
        deltas.append({"tool_calls": [{"index": index, **begun}]})
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": call["function"]["arguments"]}}]})
    for delta in deltas:
        yield _data({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _data({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _CHAT_ENDS[turn.ending]}]})
    yield _data({**head, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _response(turn: Turn, request: Received) -> Answer:
    items: list[dict[str, Any]] = []
    if turn.thought:
        summary = [{"type": "summary_text", "text": turn.thought}]
        items.append({**responses.reasoning_item(sealed="gAAAAABsealed"), "summary": summary})
    if turn.text:
        items.append(responses.message_item(turn.text))
    items += [responses.call_item("weather", _arguments(city), call_id=f"call_{city}") for city in turn.cities]
    status = "incomplete" if turn.ending == "length" else "completed"
    whole = responses.response_body(request.fields, items, status=status)
    whole["usage"] = {**responses.usage(), "input_tokens": turn.usage[0], "output_tokens": turn.usage[1],
                      "total_tokens": sum(turn.usage)}  # fmt: skip
    if status == "incomplete":
        whole["incomplete_details"] = {"reason": "max_output_tokens"}
    if not request.fields.get("stream"):
        return Json(body=whole)
    steps = [
        ("response.created", {"response": {**whole, "status": "in_progress", "output": [], "usage": None}}),
        *(step for index, item in enumerate(items) for step in _item_steps(index, item)),
        (f"response.{status}", {"response": whole}),
    ]
    return RawEvents(b"".join(responses.event(kind, number, **told) for number, (kind, told) in enumerate(steps)))


def _item_steps(index: int, item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of one item."""
    place = {"item_id": item["id"], "output_index": index}
    match item["type"]:
        case "message":
            [part] = item["content"]
            here = {**place, "content_index": 0}
            empty: dict[str, Any] = {"status": "in_progress", "content": []}
            inner = [
                ("response.content_part.added", {**here, "part": {**part, "text": ""}}),
                ("response.output_text.delta", {**here, "delta": part["text"], "logprobs": []}),
                ("response.output_text.done", {**here, "text": part["text"], "logprobs": []}),
                ("response.content_part.done", {**here, "part": part}),
            ]
        case "function_call":
            empty = {"status": "in_progress", "arguments": ""}
            inner = [
                ("response.function_call_arguments.delta", {**place, "delta": item["arguments"]}),
                ("response.function_call_arguments.done", {**place, "arguments": item["arguments"]}),
            ]
        case _:
            [summary] = item["summary"]
            here, empty = {**place, "summary_index": 0}, {"summary": []}
            inner = [
                ("response.reasoning_summary_part.added", {**here, "part": {**summary, "text": ""}}),
                ("response.reasoning_summary_text.delta", {**here, "delta": summary["text"]}),
                ("response.reasoning_summary_text.done", {**here, "text": summary["text"]}),
                ("response.reasoning_summary_part.done", {**here, "part": summary}),
            ]
    yield "response.output_item.added", {"output_index": index, "item": {**item, **empty}}
    yield from inner
    yield "response.output_item.done", {"output_index": index, "item": item}


def _message(turn: Turn, request: Received) -> Answer:
    content: list[dict[str, Any]] = []
    if turn.thought:
        content.append({**messages.THINKING, "thinking": turn.thought})
    if turn.text:
        content.append({"type": "text", "text": turn.text})
    content += [messages.tool_use("weather", city=city) for city in turn.cities]
    usage = {"input_tokens": turn.usage[0], "output_tokens": turn.usage[1]}
    if turn.ending != "length":
        return Message(content, usage)
    whole = messages.message(request.fields, content, usage=usage, stop_reason=_MESSAGE_ENDS[turn.ending])
    return MessageStream(message=whole) if request.fields.get("stream") else Json(body=whole)


def _generated(turn: Turn) -> Answer:
    parts: list[dict[str, Any]] = [{"text": turn.thought, "thought": True}] if turn.thought else []
    if turn.text:
        parts.append({"text": turn.text})
    for index, city in enumerate(turn.cities):
        parts.append(gemini.call("weather", signature=gemini.SIGNATURE if index == 0 else None, city=city))
    usage = {"promptTokenCount": turn.usage[0], "candidatesTokenCount": turn.usage[1],
             "totalTokenCount": sum(turn.usage)}  # fmt: skip
    return Generated(parts, usage, _GOOGLE_ENDS[turn.ending])


def _arguments(city: str) -> str:
    return json.dumps({"city": city}, ensure_ascii=False)


def _data(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()
