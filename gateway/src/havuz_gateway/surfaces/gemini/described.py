"""What the API's document says of Google's language: https://ai.google.dev/api/generate-content."""

from havuz_gateway.surfaces.openapi.operation import JSON, Answer, Body, Operation, Parameter
from havuz_gateway.surfaces.openapi.schema import (
    Schema,
    anything,
    array,
    choice,
    number,
    record,
    ref,
    text,
    whole,
)

_CONTENT = record({}, {"role": text("`user` or `model`."), "parts": array(anything("`text`, `inlineData`, …"))})
_CONTENTS = array(_CONTENT, "The conversation so far.", minItems=1)
_TAG = "Google"

SCHEMAS: dict[str, Schema] = {
    "GenerateRequest": record(
        {"contents": _CONTENTS},
        {
            "systemInstruction": anything("What holds for the whole conversation."),
            "generationConfig": anything("`temperature`, `topP`, `maxOutputTokens`, `thinkingConfig`, …"),
            "tools": array(anything(), "Tools that the model may use."),
            "toolConfig": anything("Which of them it must use."),
            "safetySettings": array(anything(), "What the provider is to block."),
        },
    ),
    "GenerateAnswer": record(
        {},
        {
            "candidates": array(record({}, {"content": _CONTENT, "finishReason": text(), "index": whole()})),
            "promptFeedback": anything("Why the prompt was blocked."),
            "usageMetadata": anything("`promptTokenCount`, `candidatesTokenCount`, `totalTokenCount`, …"),
            "modelVersion": text(),
            "responseId": text(),
        },
    ),
    "CountContentRequest": record({}, {"contents": _CONTENTS, "generateContentRequest": ref("GenerateRequest")}),
    "ContentCount": record({"totalTokens": whole()}),
    "EmbedRequest": record(
        {"content": record({"parts": array(anything("`text`"))})},
        {"outputDimensionality": whole("How many numbers the vector is to have."), "taskType": text("What it is for.")},
    ),
    "EmbedAnswer": record({"embedding": record({"values": array(number())})}),
    "BatchEmbedRequest": record({"requests": array(ref("EmbedRequest"), minItems=1, maxItems=2048)}),
    "BatchEmbedAnswer": record({"embeddings": array(record({"values": array(number())}))}),
    "GoogleModel": record(
        {"name": text("`models/` and the id."), "displayName": text(), "supportedGenerationMethods": array(text())},
        {"inputTokenLimit": whole()},
    ),
    "GoogleModelList": record({"models": array(ref("GoogleModel"))}, {"nextPageToken": text()}),
}  # fmt: skip

_MODEL = Parameter(
    "model", "path", "The id of a model; it may have slashes and colons.", text(), example="gemini-2.5-flash"
)
_HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]}
_PIECE = {"content": {"parts": [{"text": "Merhaba dünya"}]}}
_ALT = Parameter("alt", "query", "`sse`: events; else one JSON array.", choice("sse", "json", default="json"))
_PAGE = (
    Parameter("pageSize", "query", "Models of one page; above 1000 it is 1000.", whole(minimum=0, default=50)),
    Parameter("pageToken", "query", "`nextPageToken` of the page before.", text()),
)


def _call(method: str, operation_id: str, summary: str, body: Body, answer: Answer, *more: Parameter) -> Operation:
    path = f"/models/{{model}}:{method}"
    return Operation(
        "post", "/v1beta" + path, operation_id, _TAG, summary, "Google",
        words="The same under `/v1`, for a key that is in `x-goog-api-key`.",
        parameters=(_MODEL, *more), body=body, answers={200: answer}, also=("/v1" + path,), keys="google", proxied=True,
    )  # fmt: skip


OPERATIONS = (
    _call(
        "generateContent", "generateContent", "Ask a model, in Google's language",
        Body({JSON: ref("GenerateRequest")}, {"text": _HELLO}),
        Answer("The answer.", {JSON: ref("GenerateAnswer")}),
    ),
    _call(
        "streamGenerateContent", "streamGenerateContent", "Ask a model, and read while it writes",
        Body({JSON: ref("GenerateRequest")}, {"text": _HELLO}),
        Answer("The answer in pieces.", {JSON: array(ref("GenerateAnswer"))}, events="GenerateAnswer"),
        _ALT,
    ),
    _call(
        "countTokens", "countContentTokens", "Count the tokens of contents",
        Body({JSON: ref("CountContentRequest")}, {"text": _HELLO}),
        Answer("The count.", {JSON: ref("ContentCount")}, headers=("x-havuz-estimated",)),
    ),
    _call(
        "embedContent", "embedContent", "Turn one content into a vector",
        Body({JSON: ref("EmbedRequest")}, {"text": _PIECE}),
        Answer("The vector.", {JSON: ref("EmbedAnswer")}),
    ),
    _call(
        "batchEmbedContents", "batchEmbedContents", "Turn many contents into vectors",
        Body({JSON: ref("BatchEmbedRequest")}, {"texts": {"requests": [_PIECE, _PIECE]}}),
        Answer("A vector for each request.", {JSON: ref("BatchEmbedAnswer")}),
    ),
    Operation(
        "get", "/v1beta/models", "listGoogleModels", _TAG, "List the models this key may use", "Google",
        parameters=_PAGE,
        answers={200: Answer("The models.", {JSON: ref("GoogleModelList")})},
        keys="google",
    ),
    Operation(
        "get", "/v1beta/models/{model}", "getGoogleModel", _TAG, "Show one model", "Google",
        parameters=(_MODEL,),
        answers={200: Answer("The model.", {JSON: ref("GoogleModel")})},
        keys="google",
    ),
)  # fmt: skip
