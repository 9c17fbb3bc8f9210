"""Neutral answers and requests of every shape that the Responses API can say without help."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from harness.neutral_values import (
    arguments,
    calls,
    common_members,
    foreign_thinking,
    logprobs_given,
    names,
    redacted,
    seals,
    turns_of,
    unique_calls,
    usages,
    words,
)
from havuz_gateway.protocols.neutral.content import (
    Citation,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.request import ChatRequest, Message, OutputFormat, Reasoning
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice
from havuz_gateway.protocols.neutral.tools import FunctionTool

_responses_texts = st.builds(Text, words) | st.builds(
    Text, words, citations=st.just((Citation(url="https://example.org", title="Example", start=0, end=1),))
)


@st.composite
def responses_responses(draw: st.DrawFn) -> ChatResponse:
    """Items in any order, a refusal after the texts."""
    parts: list[Part] = draw(st.lists(_responses_texts | foreign_thinking | redacted, max_size=4))
    parts += draw(st.lists(st.builds(Refusal, words), max_size=1))
    found = unique_calls(
        draw(st.lists(calls | st.builds(ToolCall, names, names, arguments, kind=st.just("custom")), max_size=3))
    )
    raw: Any = ("tool-calls" if found else "stop", "completed")
    raw = draw(st.sampled_from([raw, ("length", "max_output_tokens"), ("content-filter", "content_filter")]))
    logprobs = draw(logprobs_given) if any(isinstance(part, Text) for part in parts) else None
    choice = Choice((*parts, *found), Finish(*raw), logprobs=logprobs)
    return ChatResponse(
        draw(names), draw(names), (choice,), usage=draw(usages()), created=draw(st.integers(0, 2**31)),
        service_tier=draw(st.none() | st.just("default")),
    )  # fmt: skip


@st.composite
def responses_requests(draw: st.DrawFn) -> ChatRequest:
    """The entry in the extensions says that nothing is to be added, as in all that came by this protocol."""
    own: Any = {"openai_responses": {}}
    instructions = (Message("system", draw(words), apart=True),) if draw(st.booleans()) else ()
    sealed = st.builds(Thinking, words, signature=seals, origin=st.just("openai_responses"), summary=st.booleans())
    hidden = st.builds(RedactedThinking, seals, origin=st.just("openai_responses"), id=st.none() | words)
    efforts = [None, Reasoning(extensions=own), Reasoning(mode="on", effort="high", summary="auto", extensions=own)]
    formats = [
        None, OutputFormat("text"), OutputFormat("json"),
        OutputFormat("json_schema", name="answer", schema={"type": "object"}, strict=True),
    ]  # fmt: skip
    common = {**common_members(draw), "top_k": None, "stop": None}
    if common["tools"] is not None:
        common["tools"] = tuple(
            replace(tool, extensions=own) if isinstance(tool, FunctionTool) and tool.strict is None else tool
            for tool in common["tools"]
        )
    return ChatRequest(
        messages=(*instructions, *draw(turns_of(sealed | hidden, "tool"))),
        logprobs=draw(st.none() | st.just(True)),
        reasoning=draw(st.sampled_from(efforts)),
        output_format=draw(st.sampled_from(formats)),
        verbosity=draw(st.none() | st.just("low")),
        metadata=draw(st.none() | st.just({"run": "7"})),
        cache_key=draw(st.none() | words),
        store=draw(st.none() | st.booleans()),
        previous_response_id=draw(st.none() | st.just("resp_1")),
        extensions=own,
        **common,
    )
