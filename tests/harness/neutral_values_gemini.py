"""Neutral answers and requests that Gemini's protocol can say without help, for property tests."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from harness.neutral_values import (
    calls,
    common_members,
    foreign_thinking,
    names,
    redacted,
    seals,
    turns_of,
    unique_calls,
    usages,
    words,
)
from havuz_gateway.protocols.neutral.content import (
    Document,
    Image,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    parts_of,
)
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.request import ChatRequest, Message, OutputFormat, Reasoning
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice, Logprobs, TokenLogprob
from havuz_gateway.protocols.neutral.tools import FunctionTool

_gemini_seals = st.none() | seals
_gemini_blocks: st.SearchStrategy[Part] = (
    st.builds(Text, words, signature=_gemini_seals) | foreign_thinking | redacted | st.builds(Thinking, words)
)


_gemini_token = st.builds(TokenLogprob, words, st.floats(-30, 0))


def _told_apart(blocks: list[Part]) -> list[Part]:
    """Texts are told apart by their signatures alone: one without is the last of its run."""
    found: list[Part] = []
    for part in blocks:
        before = found[-1] if found else None
        if not (isinstance(part, Text) and isinstance(before, Text) and before.signature is None):
            found.append(part)
    return found


@st.composite
def _gemini_choice(draw: st.DrawFn, index: int) -> Choice:
    blocks = _told_apart(draw(st.lists(_gemini_blocks, max_size=4)))
    found = unique_calls(draw(st.lists(calls, max_size=3)))
    raw: Any = draw(
        st.sampled_from(
            [("tool-calls" if found else "stop", "STOP"), ("length", "MAX_TOKENS"), ("content-filter", "SAFETY")]
        )
    )
    sequence = draw(st.none() | words) if raw[1] == "STOP" else None
    tokens = st.builds(TokenLogprob, words, st.floats(-30, 0), top=st.lists(_gemini_token, max_size=2).map(tuple))
    logprobs = draw(st.none() | st.builds(Logprobs, st.lists(tokens, min_size=1, max_size=2).map(tuple)))
    return Choice((*blocks, *found), Finish(raw[0], raw[1], stop_sequence=sequence), index=index, logprobs=logprobs)


@st.composite
def gemini_responses(draw: st.DrawFn) -> ChatResponse:
    choices = tuple(draw(_gemini_choice(index)) for index in range(draw(st.integers(1, 2))))
    created = draw(st.none() | st.integers(0, 2**31))
    return ChatResponse(draw(names), draw(names), choices, usage=draw(usages()), created=created)


@st.composite
def gemini_requests(draw: st.DrawFn) -> ChatRequest:
    own: Any = {"gemini": {}}
    reasonings = [
        None, Reasoning(mode="off", budget=0, extensions=own), Reasoning(mode="auto", budget=-1, extensions=own),
        Reasoning(mode="on", budget=2048, summary="auto", extensions=own),
        Reasoning(effort="low", summary="omitted", extensions=own),
    ]  # fmt: skip
    formats = [
        None, OutputFormat("text"), OutputFormat("json"), OutputFormat("json_schema", schema={"type": "object"}),
    ]  # fmt: skip
    sealed = st.builds(Thinking, words, signature=seals, origin=st.just("gemini")) | st.builds(Thinking, words)
    said = draw(turns_of(sealed, "user"))
    messages = [
        replace(message, content=tuple(_sayable(part, said) for part in parts_of(message.content))) for message in said
    ]
    system = (Message("system", draw(st.lists(st.builds(Text, words), min_size=1).map(tuple)), apart=True),)
    fields = common_members(draw) | {"model": "", "stream": None, "user": None, "parallel_tool_calls": None}
    if fields["tools"] is not None:
        fields["tools"] = tuple(
            replace(tool, strict=None) if isinstance(tool, FunctionTool) else tool for tool in fields["tools"]
        )
    return ChatRequest(
        messages=(*(system if draw(st.booleans()) else ()), *messages),
        n=draw(st.none() | st.just(2)),
        seed=draw(st.none() | st.integers(0, 99)),
        logprobs=draw(st.none() | st.booleans()),
        top_logprobs=draw(st.none() | st.integers(0, 20)),
        frequency_penalty=draw(st.none() | st.floats(-2, 2)),
        presence_penalty=draw(st.none() | st.floats(-2, 2)),
        modalities=draw(st.none() | st.just(("text", "image"))),
        reasoning=draw(st.sampled_from(reasonings)),
        output_format=draw(st.sampled_from(formats)),
        service_tier=draw(st.sampled_from([None, "default", "flex", "priority"])),
        store=draw(st.none() | st.booleans()),
        **fields,
    )


def _sayable(part: Part, messages: tuple[Message, ...]) -> Part:
    """The part without what Gemini has no word for; a result has its function's name."""
    match part:
        case ToolResult():
            return replace(part, name=_called(part.call_id, messages))
        case Document():
            return replace(part, cache=None, title=None)
        case Text() | Image():
            return replace(part, cache=None)
        case _:
            return part


def _called(call_id: str, messages: tuple[Message, ...]) -> str:
    """The name of the function that a call called."""
    return next(
        part.name
        for message in messages
        for part in parts_of(message.content)
        if isinstance(part, ToolCall) and part.id == call_id
    )
