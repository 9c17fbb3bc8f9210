"""What the API's document says of responses: https://platform.openai.com/docs/api-reference/responses."""

from havuz_gateway.protocols.openai_responses.request import FIELDS
from havuz_gateway.protocols.own_members import OWN_FIELDS
from havuz_gateway.surfaces.openai.described_chat import CHAT_WORDS, MODEL, TIMEOUT
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

_NOT_OFFERED = ("background", "conversation")
_WORDS = {
    "input": "A text, or the items of a conversation.",
    "instructions": "What holds for this request alone, before everything else.",
    "stream": "Answer with server-sent events.",
    "stream_options": "Settings of the stream.",
    "temperature": CHAT_WORDS["temperature"],
    "top_p": CHAT_WORDS["top_p"],
    "top_logprobs": CHAT_WORDS["top_logprobs"],
    "max_output_tokens": "The most tokens the answer may have, reasoning included.",
    "max_tool_calls": "The most tools the provider may use by itself.",
    "tools": CHAT_WORDS["tools"],
    "tool_choice": CHAT_WORDS["tool_choice"],
    "parallel_tool_calls": CHAT_WORDS["parallel_tool_calls"],
    "text": "`format` is that of the answer: `text`, `json_object` or `json_schema`.",
    "reasoning": "How much to think (`effort`), and whether to tell of it (`summary`).",
    "include": "More that the answer is to tell, such as `reasoning.encrypted_content`.",
    "metadata": CHAT_WORDS["metadata"],
    "store": "`false`: do not keep the response.",
    "previous_response_id": "Go on from this response, on whatever model.",
    "prompt": "A template that is kept at the provider.",
    "truncation": "`auto` leaves out what does not fit.",
    "user": CHAT_WORDS["user"],
    "safety_identifier": "Who is asking, in a way that names nobody.",
    "prompt_cache_key": "Requests with the same key find the same cache.",
    "service_tier": CHAT_WORDS["service_tier"],
    "timeout": TIMEOUT,
    "think": CHAT_WORDS["think"],
    "deepsearch": CHAT_WORDS["deepsearch"],
}
_SHAPES: dict[str, Schema] = {
    "input": either(text(), array(anything(), minItems=1)),
    "tools": array(record({"type": text()}, {"name": text()})),
    "tool_choice": either(choice("none", "auto", "required"), record({"type": text()})),
    "text": record({}, {"format": nullable(record({"type": text()}, {"schema": anything()}))}),
    "include": array(text()),
    "previous_response_id": text(minLength=1, maxLength=256),
}
_USAGE = record({"input_tokens": whole(), "output_tokens": whole(), "total_tokens": whole()})
_ITEMS = array(record({"type": text("`message`, `reasoning`, `function_call`, …")}))

SCHEMAS: dict[str, Schema] = {
    "ResponseRequest": record(
        {"model": text(MODEL, minLength=1)},
        checked({**FIELDS, **OWN_FIELDS}, _WORDS, shapes=_SHAPES, without=_NOT_OFFERED),
    ),
    "Response": record(
        {
            "id": text(),
            "object": constant("response"),
            "created_at": number("Unix seconds."),
            "model": text(),
            "output": _ITEMS,
            "status": text("`completed`, `incomplete`, `failed` or `in_progress`."),
        },
        {"usage": nullable(_USAGE), "error": nullable(anything()), "incomplete_details": nullable(anything())},
    ),
    "ResponseEvent": record(
        {"type": text("`response.created`, `response.output_text.delta`, …")}, {"sequence_number": whole()}
    ),
    "ResponseItems": record(
        {
            "object": constant("list"),
            "data": array(anything()),
            "first_id": nullable(text()),
            "last_id": nullable(text()),
            "has_more": flag(),
        }
    ),
    "ResponseDeleted": record({"id": text(), "object": constant("response"), "deleted": flag()}),
    "InputTokens": record({"object": constant("response.input_tokens"), "input_tokens": whole()}),
}  # fmt: skip

_ID = Parameter("response_id", "path", "The id of a stored response of your project.", text())
_TAG = "Responses"
OPERATIONS = (
    Operation(
        "post", "/v1/responses", "createResponse", _TAG, "Make a response", "OpenAI",
        words="`input` is needed, unless `prompt` names a template. Responses in the background and conversation "
        "objects are not offered.",
        body=Body(
            {JSON: ref("ResponseRequest")},
            {
                "text": {"model": "gpt-4o-mini", "input": "Merhaba!"},
                "stream": {"model": "gpt-4o-mini", "input": [{"role": "user", "content": "Merhaba!"}], "stream": True},
            },
        ),
        answers={
            200: Answer("The response.", {JSON: ref("Response")}, events="ResponseEvent", headers=("x-havuz-stored",)),
        },
        also=("/api/v1/responses",),
        proxied=True,
    ),
    Operation(
        "post", "/v1/responses/input_tokens", "countResponseTokens", _TAG, "Count the tokens of a request", "OpenAI",
        body=Body({JSON: ref("ResponseRequest")}, {"text": {"model": "gpt-4o-mini", "input": "Merhaba!"}}),
        answers={200: Answer("The count.", {JSON: ref("InputTokens")}, headers=("x-havuz-estimated",))},
        also=("/api/v1/responses/input_tokens",),
        proxied=True,
    ),
    Operation(
        "get", "/v1/responses/{response_id}", "getResponse", _TAG, "Read a stored response", "OpenAI",
        parameters=(_ID,),
        answers={200: Answer("The response.", {JSON: ref("Response")})},
        also=("/api/v1/responses/{response_id}",),
    ),
    Operation(
        "delete", "/v1/responses/{response_id}", "deleteResponse", _TAG, "Forget a stored response", "OpenAI",
        parameters=(_ID,),
        answers={200: Answer("It is forgotten.", {JSON: ref("ResponseDeleted")})},
        also=("/api/v1/responses/{response_id}",),
    ),
    Operation(
        "get", "/v1/responses/{response_id}/input_items", "listResponseInputItems", _TAG,
        "List the items that a response answered", "OpenAI",
        parameters=(
            _ID,
            Parameter("limit", "query", "Items of one page.", whole(minimum=1, maximum=100, default=20)),
            Parameter("order", "query", "From the last item on, or the first.", choice("asc", "desc", default="desc")),
            Parameter("after", "query", "Items behind this one.", text()),
        ),
        answers={200: Answer("The items.", {JSON: ref("ResponseItems")})},
        also=("/api/v1/responses/{response_id}/input_items",),
    ),
    Operation(
        "post", "/v1/responses/{response_id}/cancel", "cancelResponse", _TAG,
        "Refused: a stored response is always over", "OpenAI",
        words="A 400 that says so: to stop a stream, close its connection.",
        parameters=(_ID,),
        answers={},
        also=("/api/v1/responses/{response_id}/cancel",),
    ),
)  # fmt: skip
