"""Neutral answers and requests of every shape that a protocol can say without help, for property tests."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.neutral.content import (
    Base64Source,
    CacheMark,
    Content,
    Document,
    Image,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UrlSource,
)
from havuz_gateway.protocols.neutral.finish import Finish
from havuz_gateway.protocols.neutral.request import ChatRequest, Message, OutputFormat, Reasoning
from havuz_gateway.protocols.neutral.response import ChatResponse, Choice, Logprobs, TokenLogprob
from havuz_gateway.protocols.neutral.tools import FunctionTool, Tool, ToolChoice, WebSearchTool
from havuz_gateway.protocols.usage import Usage

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,12}", fullmatch=True)
seals = st.from_regex(r"[A-Za-z0-9+/]{4,24}={0,2}", fullmatch=True)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | words
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6
)
objects = st.dictionaries(words, values, max_size=3)
# Compact, as the codecs write objects: other spellings of the same JSON are the same call.
arguments = objects.map(dump)  # numbers as havuz spells them: others would be spelled anew where they are rewritten
origins = st.sampled_from(["anthropic", "openai_responses", "gemini"])
schemas = st.just({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False})


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    fresh, read, written, said, thought = draw(st.tuples(*[st.integers(0, 10**6)] * 5))
    return Usage(
        input=fresh + read + written, output=said + thought, cache_read=read, cache_write=written, reasoning=thought
    )


calls = st.builds(ToolCall, names, names, arguments, signature=st.none() | seals)
foreign_thinking = st.builds(
    Thinking, words, signature=seals, origin=origins, id=st.none() | words, summary=st.booleans()
)
redacted = st.builds(RedactedThinking, seals, origin=origins, id=st.none() | words)


def unique_calls(found: list[ToolCall]) -> tuple[ToolCall, ...]:
    return tuple({call.id: call for call in found}.values())


@dataclass(frozen=True, slots=True)
class Domain:
    """What one protocol can say by itself, so that its own way there and back is the identity."""

    responses: st.SearchStrategy[ChatResponse]
    requests: st.SearchStrategy[ChatRequest]


_token = st.builds(TokenLogprob, words, st.floats(-30, 0), bytes=st.none() | st.just((72, 105)))
_tokens = st.builds(
    TokenLogprob, words, st.floats(-30, 0), bytes=st.none(), top=st.lists(_token, max_size=2).map(tuple)
)
logprobs_given = st.none() | st.builds(Logprobs, st.lists(_tokens, min_size=1, max_size=2).map(tuple), st.none())


@st.composite
def _openai_choice(draw: st.DrawFn, index: int) -> Choice:
    """One message: thinking, then text, a refusal, then calls. Thinking that nothing marks comes once."""
    thoughts: list[Part] = list(draw(st.lists(foreign_thinking | redacted, max_size=2)))
    if not thoughts:
        thoughts = list(draw(st.lists(st.builds(Thinking, words), max_size=1)))
    texts: list[Part] = list(draw(st.lists(st.builds(Text, words, signature=st.none() | seals), max_size=1)))
    refusals: list[Part] = list(draw(st.lists(st.builds(Refusal, words), max_size=1)))
    found = unique_calls(draw(st.lists(calls, max_size=3)))
    raw = draw(st.sampled_from([("stop", "stop"), ("length", "length"), ("tool-calls", "tool_calls")]))
    sequence = draw(st.none() | words) if raw[0] == "stop" else None
    finish = Finish(raw[0], raw[1], stop_sequence=sequence)  # type: ignore[arg-type]
    parts = (*thoughts, *texts, *refusals, *found)
    return Choice(parts, finish, index=index, logprobs=draw(logprobs_given))


@st.composite
def openai_responses(draw: st.DrawFn) -> ChatResponse:
    choices = tuple(draw(_openai_choice(index)) for index in range(draw(st.integers(1, 2))))
    return ChatResponse(
        draw(names), draw(names), choices, usage=draw(usages()), created=draw(st.integers(0, 2**31)),
        service_tier=draw(st.none() | st.just("default")),
    )  # fmt: skip


_anthropic_blocks: st.SearchStrategy[Part] = (
    st.builds(Text, words) | foreign_thinking | redacted | st.builds(Thinking, words)
)


@st.composite
def anthropic_responses(draw: st.DrawFn) -> ChatResponse:
    blocks = (*draw(st.lists(_anthropic_blocks, max_size=4)), *unique_calls(draw(st.lists(calls, max_size=3))))
    raw: Any = draw(
        st.sampled_from(
            [("stop", "end_turn"), ("length", "max_tokens"), ("tool-calls", "tool_use"), ("content-filter", "refusal"),
             ("other", "pause_turn"), ("stop", "stop_sequence")]
        )
    )  # fmt: skip
    sequence = draw(words) if raw[1] == "stop_sequence" else None
    tier = draw(st.sampled_from([None, "default", "priority"]))
    finish = Finish(raw[0], raw[1], stop_sequence=sequence)
    return ChatResponse(draw(names), draw(names), (Choice(blocks, finish),), usage=draw(usages()), service_tier=tier)


_marks = st.none() | st.just(CacheMark())
_image_source = st.builds(Base64Source, st.just("image/png"), seals) | st.just(UrlSource("https://example.org/a.png"))
_pictures = st.builds(Image, _image_source, cache=_marks)
_said = st.builds(Text, words, cache=_marks) | _pictures
_document = st.builds(Document, st.builds(Base64Source, st.just("application/pdf"), seals), title=words, cache=_marks)
_user: st.SearchStrategy[Content] = words | st.lists(_said | _document, min_size=1, max_size=3).map(tuple)
_function = st.builds(
    FunctionTool, names, description=st.none() | words, parameters=schemas, strict=st.none() | st.booleans()
)
_choices = st.none() | st.sampled_from([ToolChoice("auto"), ToolChoice("required"), ToolChoice("tool", "a")])


@st.composite
def turns_of(draw: st.DrawFn, thinking: st.SearchStrategy[Part], results_in: str) -> tuple[Message, ...]:
    """User and assistant in turn; each call is answered before anything else is said."""
    found: list[Message] = [Message("user", draw(_user))]
    for turn in range(draw(st.integers(0, 2))):
        called = [
            ToolCall(f"id{turn}_{number}", draw(names), draw(arguments)) for number in range(draw(st.integers(1, 2)))
        ]
        spoken = draw(st.lists(thinking, max_size=1)) + draw(st.lists(st.builds(Text, words), max_size=1))
        found.append(Message("assistant", (*spoken, *called)))
        results = tuple(ToolResult(call.id, draw(words)) for call in called)
        if results_in == "tool":
            found += [Message("tool", (result,)) for result in results]
        else:
            found.append(Message("user", results))
        found += [Message("assistant", draw(words)), Message("user", draw(_user))]
    return tuple(found)


def common_members(draw: st.DrawFn) -> dict[str, Any]:
    tools: tuple[Tool, ...] | None = draw(st.none() | st.lists(_function, min_size=1, max_size=2).map(tuple))
    if tools is not None and draw(st.booleans()):
        tools += (WebSearchTool(),)
    choice = None if tools is None else draw(_choices)
    return {
        "model": draw(names),
        "stream": draw(st.none() | st.booleans()),
        "output_limit": draw(st.integers(1, 10**5)),
        "temperature": draw(st.none() | st.floats(0, 1)),
        "top_p": draw(st.none() | st.floats(0, 1)),
        "top_k": draw(st.none() | st.integers(1, 100)),
        "stop": draw(st.none() | st.lists(names, max_size=2).map(tuple)),
        "user": draw(st.none() | words),
        "tools": tools,
        "tool_choice": choice,
        "parallel_tool_calls": None if choice is None else draw(st.none() | st.booleans()),
    }


@st.composite
def openai_requests(draw: st.DrawFn) -> ChatRequest:
    roles = draw(st.lists(st.sampled_from(["system", "developer"]), max_size=2))
    instructions = tuple(Message(role, draw(words)) for role in roles)  # type: ignore[arg-type]
    effort = draw(st.none() | st.sampled_from(["none", "low", "high"]))
    formats = [
        None, OutputFormat("text"), OutputFormat("json"),
        OutputFormat("json_schema", name="answer", schema={"type": "object"}, strict=True),
    ]  # fmt: skip
    return ChatRequest(
        messages=(*instructions, *draw(turns_of(st.one_of(foreign_thinking, redacted), "tool"))),
        n=draw(st.none() | st.just(2)),
        seed=draw(st.none() | st.integers(0, 99)),
        logprobs=draw(st.none() | st.booleans()),
        frequency_penalty=draw(st.none() | st.floats(-2, 2)),
        reasoning=None if effort is None else Reasoning(mode="off" if effort == "none" else "on", effort=effort),
        output_format=draw(st.sampled_from(formats)),
        service_tier=draw(st.none() | st.just("flex")),
        metadata=draw(st.none() | st.just({"run": "7"})),
        cache_key=draw(st.none() | words),
        store=draw(st.none() | st.booleans()),
        **common_members(draw),
    )


@st.composite
def anthropic_requests(draw: st.DrawFn) -> ChatRequest:
    system: Content = draw(words | st.lists(st.builds(Text, words, cache=_marks), min_size=1, max_size=2).map(tuple))
    instructions = (Message("system", system, apart=True),) if draw(st.booleans()) else ()
    own: Any = {"anthropic": {}}
    reasonings = [
        None, Reasoning(mode="off", extensions=own), Reasoning(mode="on", budget=2048, extensions=own),
        Reasoning(mode="auto", effort="xhigh", summary="summarized", extensions=own),
        Reasoning(effort="low", extensions=own),
    ]  # fmt: skip
    sealed = st.builds(Thinking, words, signature=seals, origin=st.just("anthropic"))
    return ChatRequest(
        messages=(*instructions, *draw(turns_of(sealed, "user"))),
        reasoning=draw(st.sampled_from(reasonings)),
        output_format=draw(st.none() | st.just(OutputFormat("json_schema", schema={"type": "object"}, strict=True))),
        service_tier=draw(st.none() | st.just("auto")),
        cache=draw(_marks),
        **common_members(draw),
    )
