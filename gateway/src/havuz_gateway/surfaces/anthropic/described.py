"""What the API's document says of Messages: https://platform.claude.com/docs/en/api/messages/create."""

from havuz_gateway.protocols.own_members import MAX_TIMEOUT_SECONDS
from havuz_gateway.surfaces.openapi.operation import JSON, Answer, Body, Operation, Parameter
from havuz_gateway.surfaces.openapi.schema import (
    Schema,
    anything,
    array,
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

_MODEL = text("The id of a model from `GET /v1/models`.", minLength=1)
_MESSAGES = array(ref("AnthropicInput"), "The conversation so far.", minItems=1)
_BLOCK = record({"type": text("`text`, `image`, `document`, `thinking`, `tool_use`, `tool_result`, …")})
_CONTENT = either(text(), array(_BLOCK))
_PROMPT = {
    "system": nullable(either(text(), array(_BLOCK), words="What holds for the whole conversation.")),
    "tools": nullable(array(anything(), "Tools that the model may use.")),
    "tool_choice": nullable(anything("`auto`, `any`, `none`, or one tool, as `type`.")),
    "thinking": nullable(
        record(
            {},
            {"type": text("`enabled` with `budget_tokens`, `adaptive` or `disabled`."), "budget_tokens": whole()},
            words="Think before answering.",
        )
    ),
    "timeout": nullable(
        whole(
            "Seconds that the whole request may take, other upstreams that are tried included.",
            minimum=1,
            maximum=MAX_TIMEOUT_SECONDS,
        )
    ),
    "think": nullable(flag("Think before answering, in the way that this model does; a 400 where it has none.")),
    "deepsearch": nullable(flag("Search before answering, in the way that this model does; a 400 where it has none.")),
}
_SETTINGS = {
    "stream": nullable(flag("Answer with server-sent events, ended by `message_stop`.")),
    "temperature": nullable(number("How freely the model chooses its words.")),
    "top_p": nullable(number("Consider only the likeliest words that make up this share of probability.")),
    "top_k": nullable(whole("Consider only so many words.")),
    "stop_sequences": nullable(array(text(), "Texts at which the answer ends.")),
    "metadata": nullable(anything("`user_id` says who is asking, in a way that names nobody.")),
    "output_config": nullable(anything("`format` of the answer, and `effort`.")),
}
_LIMIT = whole("The most tokens the answer may have, thinking included.", minimum=0)

SCHEMAS: dict[str, Schema] = {
    "AnthropicInput": record({"role": choice("user", "assistant", "system"), "content": _CONTENT}),
    "MessageRequest": record(
        {"model": _MODEL, "max_tokens": _LIMIT, "messages": _MESSAGES}, {**_PROMPT, **_SETTINGS}
    ),
    "CountRequest": record({"model": _MODEL, "messages": _MESSAGES}, _PROMPT),
    "Message": record(
        {
            "id": text(),
            "type": constant("message"),
            "role": constant("assistant"),
            "model": text(),
            "content": array(_BLOCK),
            "stop_reason": nullable(text("`end_turn`, `max_tokens`, `tool_use`, `stop_sequence`, `refusal`, …")),
            "usage": record({"input_tokens": whole(), "output_tokens": whole()}),
        },
        {"stop_sequence": nullable(text())},
    ),
    "MessageEvent": record({"type": text("`message_start`, `content_block_delta`, `message_stop`, `ping`, …")}),
    "TokenCount": record({"input_tokens": whole()}),
    "AnthropicModel": record(
        {"type": constant("model"), "id": text(), "display_name": text(), "created_at": text(format="date-time")},
    ),
    "AnthropicModelList": record(
        {
            "data": array(ref("AnthropicModel")),
            "has_more": flag(),
            "first_id": nullable(text()),
            "last_id": nullable(text()),
        }
    ),
}  # fmt: skip

_VERSIONS = (
    Parameter("anthropic-version", "header", "The version of Anthropic's API.", text(), example="2023-06-01"),
    Parameter("anthropic-beta", "header", "Betas, for a provider of the same protocol.", text()),
)
_HELLO = [{"role": "user", "content": "Hello!"}]
OPERATIONS = (
    Operation(
        "post", "/v1/messages", "createMessage", "Messages", "Ask a model, in Anthropic's language", "Anthropic",
        words="Any model, whichever provider serves it. An empty balance is a 403 `billing_error`.",
        parameters=_VERSIONS,
        body=Body(
            {JSON: ref("MessageRequest")},
            {
                "message": {"model": "claude-sonnet-4-5", "max_tokens": 1024, "messages": _HELLO},
                "stream": {"model": "claude-sonnet-4-5", "max_tokens": 1024, "stream": True, "messages": _HELLO},
            },
        ),
        answers={200: Answer("The answer.", {JSON: ref("Message")}, events="MessageEvent")},
        also=("/api/v1/messages",),
        proxied=True,
    ),
    Operation(
        "post", "/v1/messages/count_tokens", "countMessageTokens", "Messages", "Count the tokens of a prompt",
        "Anthropic",
        parameters=_VERSIONS,
        body=Body({JSON: ref("CountRequest")}, {"prompt": {"model": "claude-sonnet-4-5", "messages": _HELLO}}),
        answers={200: Answer("The count.", {JSON: ref("TokenCount")}, headers=("x-havuz-estimated",))},
        also=("/api/v1/messages/count_tokens",),
        proxied=True,
    ),
)  # fmt: skip
