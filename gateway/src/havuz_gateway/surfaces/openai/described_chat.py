"""What the API's document says of chat, embeddings and models: https://platform.openai.com/docs/api-reference."""

from typing import Any

from havuz_gateway.protocols.openai_chat import embeddings, messages
from havuz_gateway.protocols.openai_chat.request import FIELDS, MAX_STOPS, MAX_TOOLS
from havuz_gateway.protocols.own_members import OWN_FIELDS
from havuz_gateway.surfaces.openapi.operation import JSON, Answer, Body, Operation, Parameter
from havuz_gateway.surfaces.openapi.schema import (
    Schema,
    anything,
    array,
    checked,
    choice,
    constant,
    either,
    flag,
    nullable,
    number,
    record,
    ref,
    text,
    whole,
)

MODEL = "The id of a model from `GET /v1/models`."
WITH_TIMEOUT = {"timeout": OWN_FIELDS["timeout"]}
TIMEOUT = "Seconds that the whole request may take, other upstreams that are tried included."
_TOOL = record({"type": text("`function`, or a tool that only the provider knows.")}, {"function": anything()})
CHAT_WORDS = {
    "stream": "Answer with server-sent events while the model writes, ended by `data: [DONE]`.",
    "stream_options": "`include_usage` asks for a last chunk that tells the tokens.",
    "temperature": "How freely the model chooses its words.",
    "top_p": "Consider only the likeliest words that make up this share of probability.",
    "presence_penalty": "Above 0: rather say something that was not said yet.",
    "frequency_penalty": "Above 0: repeat words less.",
    "max_tokens": "The most tokens the answer may have; the older name of `max_completion_tokens`.",
    "max_completion_tokens": "The most tokens the answer may have, reasoning included.",
    "n": "How many answers to make.",
    "seed": "The same seed gives the same answer, as far as the provider can.",
    "stop": "Texts at which the answer ends.",
    "logprobs": "Tell how likely each token was.",
    "top_logprobs": "How many likely tokens to tell of at each place.",
    "logit_bias": "Make single tokens likelier, or unlikelier.",
    "tools": "Functions that the model may ask to be called.",
    "tool_choice": "`none`, `auto`, `required`, or one tool that must be used.",
    "parallel_tool_calls": "Whether several tools may be called at once.",
    "functions": "The older form of `tools`.",
    "response_format": "`text`, `json_object`, or `json_schema` with the schema of the answer.",
    "reasoning_effort": "How much to think: `none`, `minimal`, `low`, `medium`, `high` or `xhigh`.",
    "modalities": "What the answer is to be made of, such as `text`.",
    "metadata": "Names and values of your own.",
    "store": "Whether the provider may keep the answer.",
    "user": "Who is asking, in your words.",
    "service_tier": "A provider's class of service.",
    "timeout": TIMEOUT,
    "think": "Think before answering, in the way that this model does; a 400 where it has none.",
    "deepsearch": "Search before answering, in the way that this model does; a 400 where it has none.",
}
_SHAPES: dict[str, Schema] = {
    "stream_options": record({}, {"include_usage": nullable(flag())}),
    "stop": either(text(), array(text(), maxItems=MAX_STOPS)),
    "tools": array(_TOOL, maxItems=MAX_TOOLS),
    "tool_choice": either(choice("none", "auto", "required"), record({"type": text()})),
    "response_format": record({"type": text()}, {"json_schema": anything()}),
    "functions": array(anything()),
    "modalities": array(text()),
}
_PART = record(
    {"type": text("`text`, `image_url`, `input_audio` or `file`.")},
    {
        "text": text(),
        "image_url": record(
            {"url": text("An address, or a picture as a `data:` URL.")},
            {"detail": nullable(choice("auto", "low", "high"))},
        ),
        "input_audio": anything(),
        "file": anything(),
    },
)
_MESSAGE = record(
    {"role": choice(*sorted(messages.ROLES))},
    {
        "content": nullable(either(text(), array(ref("ChatPart"), minItems=1))),
        "name": nullable(text()),
        "tool_calls": nullable(array(anything(), "What the model asked to be called.")),
        "tool_call_id": nullable(text("Of a `tool` message: the call that it answers.")),
        "reasoning_content": nullable(text("What the model thought; send it back in a loop of tools.")),
    },
)


def chat_request(defaults: dict[str, Any] | None = None) -> Schema:
    """A chat's body; `defaults` are those of the surface."""
    messages_of = array(ref("ChatMessage"), "The conversation so far.", minItems=1)
    return record(
        {"model": text(MODEL, minLength=1), "messages": messages_of},
        checked({**FIELDS, **OWN_FIELDS}, CHAT_WORDS, shapes=_SHAPES, defaults=defaults),
    )


_EMBEDDING_WORDS = {
    "dimensions": "How many numbers a vector is to have, where the model lets you choose.",
    "encoding_format": "`base64` gives little-endian 32-bit floats as text.",
    "user": CHAT_WORDS["user"],
    "timeout": TIMEOUT,
}
_TOKENS = array(whole(minimum=0), minItems=1)
_INPUT = either(
    text(minLength=1),
    array(text(minLength=1), minItems=1, maxItems=embeddings.MAX_INPUTS),
    _TOKENS,
    array(_TOKENS, minItems=1, maxItems=embeddings.MAX_INPUTS),
    words="A text or several, or their tokens.",
)
_USAGE = record(
    {"prompt_tokens": whole(), "total_tokens": whole()},
    {"completion_tokens": whole(), "prompt_tokens_details": nullable(anything()),
     "completion_tokens_details": nullable(anything())},
)  # fmt: skip
_CALLS = nullable(array(anything(), "Functions that the model asks to be called."))
_HEAD = {"id": text(), "created": whole("Unix seconds."), "model": text()}

SCHEMAS: dict[str, Schema] = {
    "ChatRequest": chat_request(),
    "ChatMessage": _MESSAGE,
    "ChatPart": _PART,
    "ChatCompletion": record(
        {
            **_HEAD,
            "object": constant("chat.completion"),
            "choices": array(
                record(
                    {
                        "index": whole(),
                        "message": record(
                            {"role": constant("assistant")},
                            {
                                "content": nullable(text()),
                                "reasoning_content": nullable(text()),
                                "tool_calls": _CALLS,
                                "refusal": nullable(text()),
                            },
                        ),
                        "finish_reason": nullable(text("`stop`, `length`, `tool_calls` or `content_filter`.")),
                    }
                )
            ),
        },
        {"usage": nullable(ref("TokenUsage"))},
    ),
    "ChatCompletionChunk": record(
        {
            "object": constant("chat.completion.chunk"),
            "choices": array(
                record(
                    {"index": whole(), "delta": anything("What is added to the message.")},
                    {"finish_reason": nullable(text())},
                ),
                "Empty in the chunk that tells the usage.",
            ),
        },
        {**_HEAD, "usage": nullable(ref("TokenUsage"))},
    ),
    "TokenUsage": _USAGE,
    "EmbeddingsRequest": record(
        {"model": text(MODEL, minLength=1), "input": _INPUT},
        checked({**embeddings.FIELDS, **WITH_TIMEOUT}, _EMBEDDING_WORDS),
    ),
    "Embeddings": record(
        {
            "object": constant("list"),
            "data": array(
                record(
                    {
                        "object": constant("embedding"),
                        "index": whole(),
                        "embedding": either(array(number()), text("Base64.")),
                    }
                )
            ),
            "model": text(),
        },
        {"usage": nullable(ref("TokenUsage"))},
    ),
    "Model": record(
        {
            "id": text(),
            "object": constant("model"),
            "created": whole("Unix seconds."),
            "owned_by": text(),
            "permission": array(anything()),
            "root": text("The model's own id, where it was asked for by another."),
            "parent": nullable(text()),
        }
    ),
    "ModelList": record({"object": constant("list"), "data": array(ref("Model"))}),
}

_HELLO = [{"role": "user", "content": "Merhaba!"}]
_WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
MODEL_PARAMETER = Parameter("model", "path", "The id of a model; it may have slashes.", text(), example="gpt-4o-mini")
ASKED_BY = (
    Parameter("anthropic-version", "header", "Asks for Anthropic's form.", text(), example=None),
    Parameter("limit", "query", "Models of one page, in Anthropic's form.", whole(minimum=1, maximum=1000, default=20)),
    Parameter("after_id", "query", "Models behind this one, in Anthropic's form.", text()),
    Parameter("before_id", "query", "Models before this one, in Anthropic's form.", text()),
)
_THREE_FORMS = (
    "OpenAI's form. Anthropic's where `anthropic-version` is sent, Google's where the key is in `x-goog-api-key`."
)

OPERATIONS = (
    Operation(
        "post", "/v1/chat/completions", "createChatCompletion", "Chat", "Ask a model", "OpenAI",
        words="Any model, whichever provider serves it. Fields not named here reach the provider as they came.",
        body=Body(
            {JSON: ref("ChatRequest")},
            {
                "chat": {
                    "model": "gpt-4o-mini",
                    "messages": [{"role": "system", "content": "You are helpful."}, *_HELLO],
                    "temperature": 0.7,
                    "max_tokens": 1000,
                },
                "stream": {
                    "model": "gpt-4o-mini", "messages": _HELLO, "stream": True,
                    "stream_options": {"include_usage": True},
                },
                "tools": {"model": "gpt-4o-mini", "messages": _HELLO, "tools": [_WEATHER], "tool_choice": "required"},
            },
        ),
        answers={200: Answer("The answer.", {JSON: ref("ChatCompletion")}, events="ChatCompletionChunk")},
        also=("/api/v1/chat/completions",),
        proxied=True,
    ),
    Operation(
        "post", "/v1/embeddings", "createEmbeddings", "Embeddings", "Turn texts into vectors", "OpenAI",
        body=Body(
            {JSON: ref("EmbeddingsRequest")},
            {
                "one": {"model": "text-embedding-3-small", "input": "Merhaba dünya"},
                "many": {"model": "text-embedding-3-small", "input": ["one", "two"], "dimensions": 8},
            },
        ),
        answers={200: Answer("A vector for each input.", {JSON: ref("Embeddings")})},
        also=("/api/v1/embeddings",),
        proxied=True,
    ),
    Operation(
        "get", "/v1/models", "listModels", "Models", "List the models this key may use", "Any",
        words=_THREE_FORMS,
        parameters=ASKED_BY,
        answers={
            200: Answer(
                "The models.",
                {JSON: either(ref("ModelList"), ref("AnthropicModelList"), ref("GoogleModelList"))},
            )
        },
        also=("/api/v1/models",),
        keys="google",
    ),
    Operation(
        "get", "/v1/models/{model}", "getModel", "Models", "Show one model", "Any",
        words=_THREE_FORMS,
        parameters=(MODEL_PARAMETER, ASKED_BY[0]),
        answers={
            200: Answer("The model.", {JSON: either(ref("Model"), ref("AnthropicModel"), ref("GoogleModel"))})
        },
        also=("/api/v1/models/{model}",),
        keys="google",
    ),
)  # fmt: skip
