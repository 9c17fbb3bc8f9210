"""The official SDKs, each having a conversation its own way and telling what was said in one form."""

import base64
import json
from typing import Any, Protocol

import anthropic
import openai
from google import genai
from google.genai import types
from openai.lib.streaming.chat import ChatCompletionStreamState

from harness.conversations.scripts import PICTURE, SCHEMA, Conversation, Ending, Said, report

ABOUT = "The weather in a city."
_EFFORT = "low"


class Speaker(Protocol):
    """One SDK in one conversation."""

    async def ask(self, *, stream: bool) -> Said:
        """Send what was said so far, and keep the answer."""

    def tell(self, cities: tuple[str, ...]) -> None:
        """Add what the tool said to the calls of the last answer."""


class ChatSpeaker:
    """`openai`, Chat Completions."""

    def __init__(self, client: openai.AsyncOpenAI, model: str, about: Conversation) -> None:
        self._client = client
        content: list[dict[str, Any]] = [{"type": "text", "text": about.question}]
        if about.picture:
            content.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}})
        self._turns: list[Any] = [{"role": "system", "content": about.system}] if about.system else []
        self._turns.append({"role": "user", "content": content})
        self._asked: dict[str, Any] = {"model": model, "max_completion_tokens": about.limit}
        if about.tool:
            function = {"name": "weather", "description": ABOUT, "parameters": SCHEMA, "strict": True}
            self._asked["tools"] = [{"type": "function", "function": function}]
        if about.schema:
            form = {"name": "city", "schema": SCHEMA, "strict": True}
            self._asked["response_format"] = {"type": "json_schema", "json_schema": form}
        if about.thinks:
            self._asked["reasoning_effort"] = _EFFORT

    async def ask(self, *, stream: bool) -> Said:
        completions = self._client.chat.completions
        asked = {**self._asked, "messages": self._turns}
        if stream:
            state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
            async for chunk in await completions.create(**asked, stream=True, stream_options={"include_usage": True}):
                state.handle_chunk(chunk)
            answer: Any = state.current_completion_snapshot
        else:
            answer = await completions.create(**asked)
        [choice] = answer.choices
        self._message = choice.message
        calls = [call.function for call in choice.message.tool_calls or ()]
        endings: dict[str, Ending] = {"stop": "end", "tool_calls": "calls", "length": "length"}
        self._turns.append(choice.message)
        assert answer.usage is not None
        return Said(
            text=choice.message.content or "",
            thought=getattr(choice.message, "reasoning_content", None) or "",
            cities=tuple(json.loads(call.arguments)["city"] for call in calls),
            ending=endings[choice.finish_reason],
            usage=(answer.usage.prompt_tokens, answer.usage.completion_tokens),
        )

    def tell(self, cities: tuple[str, ...]) -> None:
        for call, city in zip(self._message.tool_calls or (), cities, strict=True):
            self._turns.append({"role": "tool", "tool_call_id": call.id, "content": report(city)})


class ResponsesSpeaker:
    """`openai`, Responses."""

    def __init__(self, client: openai.AsyncOpenAI, model: str, about: Conversation) -> None:
        self._client = client
        content: list[dict[str, Any]] = [{"type": "input_text", "text": about.question}]
        if about.picture:
            url = f"data:image/png;base64,{PICTURE}"
            content.append({"type": "input_image", "image_url": url, "detail": "auto"})
        self._items: list[Any] = [{"role": "user", "content": content}]
        self._asked: dict[str, Any] = {"model": model, "max_output_tokens": about.limit, "store": False}
        if about.system:
            self._asked["instructions"] = about.system
        if about.tool:
            tool = {"type": "function", "name": "weather", "description": ABOUT, "parameters": SCHEMA, "strict": True}
            self._asked["tools"] = [tool]
        if about.schema:
            self._asked["text"] = {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA, "strict": True}}
        if about.thinks:
            self._asked["reasoning"] = {"effort": _EFFORT, "summary": "auto"}
            self._asked["include"] = ["reasoning.encrypted_content"]

    async def ask(self, *, stream: bool) -> Said:
        asked = {**self._asked, "input": self._items}
        if stream:
            async with self._client.responses.stream(**asked) as events:
                *_, last = [event async for event in events]
            assert last.type in ("response.completed", "response.incomplete")
            answer: Any = last.response
        else:
            answer = await self._client.responses.create(**asked)
        drop = {"parsed", "parsed_arguments"}
        self._items += [item.model_dump(exclude_none=True, exclude=drop, warnings=False) for item in answer.output]
        self._calls = [item for item in answer.output if item.type == "function_call"]
        reasoning = [item for item in answer.output if item.type == "reasoning"]
        thoughts = [part.text for item in reasoning for part in (*item.summary, *(item.content or ()))]
        length = answer.status == "incomplete" and answer.incomplete_details.reason == "max_output_tokens"
        return Said(
            text=answer.output_text,
            thought="".join(thoughts),
            cities=tuple(json.loads(call.arguments)["city"] for call in self._calls),
            ending="length" if length else "calls" if self._calls else "end",
            usage=(answer.usage.input_tokens, answer.usage.output_tokens),
        )

    def tell(self, cities: tuple[str, ...]) -> None:
        for call, city in zip(self._calls, cities, strict=True):
            self._items.append({"type": "function_call_output", "call_id": call.call_id, "output": report(city)})


class MessagesSpeaker:
    """`anthropic`."""

    def __init__(self, client: anthropic.AsyncAnthropic, model: str, about: Conversation) -> None:
        self._client = client
        content: list[dict[str, Any]] = [{"type": "text", "text": about.question}]
        if about.picture:
            source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
            content.append({"type": "image", "source": source})
        self._turns: list[Any] = [{"role": "user", "content": content}]
        self._asked: dict[str, Any] = {"model": model, "max_tokens": about.limit}
        if about.system:
            self._asked["system"] = about.system
        if about.tool:
            self._asked["tools"] = [{"name": "weather", "description": ABOUT, "input_schema": SCHEMA}]
        if about.schema:
            self._asked["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if about.thinks:
            self._asked["thinking"] = {"type": "enabled", "budget_tokens": 2_000}

    async def ask(self, *, stream: bool) -> Said:
        asked = {**self._asked, "messages": self._turns}
        if stream:
            async with self._client.messages.stream(**asked) as events:
                answer: Any = await events.get_final_message()
        else:
            answer = await self._client.messages.create(**asked)
        self._turns.append({"role": "assistant", "content": [block.to_dict() for block in answer.content]})
        self._calls = [block for block in answer.content if block.type == "tool_use"]
        endings: dict[str, Ending] = {"end_turn": "end", "tool_use": "calls", "max_tokens": "length"}
        return Said(
            text="".join(block.text for block in answer.content if block.type == "text"),
            thought="".join(block.thinking for block in answer.content if block.type == "thinking"),
            cities=tuple(call.input["city"] for call in self._calls),
            ending=endings[answer.stop_reason],
            usage=(answer.usage.input_tokens, answer.usage.output_tokens),
        )

    def tell(self, cities: tuple[str, ...]) -> None:
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": report(city)}
            for call, city in zip(self._calls, cities, strict=True)
        ]
        self._turns.append({"role": "user", "content": results})


class GoogleSpeaker:
    """`google-genai`."""

    def __init__(self, client: genai.Client, model: str, about: Conversation) -> None:
        self._client = client
        self._model = model
        parts = [types.Part.from_text(text=about.question)]
        if about.picture:
            parts.append(types.Part.from_bytes(data=base64.b64decode(PICTURE), mime_type="image/png"))
        self._contents = [types.Content(role="user", parts=parts)]
        tool = types.FunctionDeclaration(name="weather", description=ABOUT, parameters_json_schema=SCHEMA)
        thinking = types.ThinkingConfig(thinking_budget=2_000, include_thoughts=True)
        self._config = types.GenerateContentConfig(
            system_instruction=about.system,
            max_output_tokens=about.limit,
            tools=[types.Tool(function_declarations=[tool])] if about.tool else None,
            response_mime_type="application/json" if about.schema else None,
            response_json_schema=SCHEMA if about.schema else None,
            thinking_config=thinking if about.thinks else None,
        )

    async def ask(self, *, stream: bool) -> Said:
        models, contents = self._client.aio.models, list[Any](self._contents)
        if stream:
            events = await models.generate_content_stream(model=self._model, contents=contents, config=self._config)
            chunks = [chunk async for chunk in events]
        else:
            chunks = [await models.generate_content(model=self._model, contents=contents, config=self._config)]
        parts = [part for chunk in chunks for part in chunk.parts or ()]
        self._contents.append(types.Content(role="model", parts=parts))
        self._calls = [part.function_call for part in parts if part.function_call is not None]
        [last] = chunks[-1].candidates or ()
        usage = chunks[-1].usage_metadata
        assert usage is not None
        length = last.finish_reason == types.FinishReason.MAX_TOKENS
        return Said(
            text="".join(part.text or "" for part in parts if not part.thought),
            thought="".join(part.text or "" for part in parts if part.thought),
            cities=tuple((call.args or {})["city"] for call in self._calls),
            ending="length" if length else "calls" if self._calls else "end",
            usage=(
                usage.prompt_token_count or 0,
                (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
            ),
        )

    def tell(self, cities: tuple[str, ...]) -> None:
        parts = [
            types.Part(
                function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": report(city)})
            )
            for call, city in zip(self._calls, cities, strict=True)
        ]
        self._contents.append(types.Content(role="user", parts=parts))
