"""What fields mean whose schemas say nothing of them: many schemas share them, and each is described once."""

from typing import Any

from havuz_gateway.surfaces.openapi.schema import Schema

# By the name of the field, wherever it is.
_WORDS = {
    "object": "What kind of object this is.",
    "id": "Its id.",
    "model": "The model that answered.",
    "choices": "The answers, as many as `n` asked for.",
    "usage": "What was used.",
    "index": "Its place among the others, from 0.",
    "role": "Who speaks.",
    "function": "Its name, description, and parameters as a JSON schema.",
    "include_usage": "Tell the tokens in a last chunk.",
    "json_schema": "The schema of the answer under `schema`, and its `name`.",
    "reasoning_content": "What the model thought.",
    "refusal": "Why the model would not answer.",
    "prompt_tokens": "Tokens of the request, cached ones included.",
    "completion_tokens": "Tokens of the answer, reasoning included.",
    "total_tokens": "Both together.",
    "prompt_tokens_details": "Which of them were cached.",
    "completion_tokens_details": "Which of them were reasoning.",
    "finish_reason": "`stop`, `length`, `tool_calls` or `content_filter`.",
    "embedding": "The vector.",
    "values": "The numbers of the vector.",
    "owned_by": "Whose model it is.",
    "permission": "For older clients.",
    "parent": "For older clients.",
    "format": "The form of the answer.",
    "schema": "A JSON schema.",
    "output": "What the model answered, item by item.",
    "error": "What went wrong; null or missing where nothing did.",
    "incomplete_details": "Why the answer is not whole.",
    "input_tokens": "Tokens of the request.",
    "output_tokens": "Tokens of the answer.",
    "sequence_number": "Counts the events of the stream.",
    "first_id": "The id of the first one on this page.",
    "last_id": "The id of the last one on this page.",
    "has_more": "Whether there are more behind them.",
    "deleted": "Whether it is gone.",
    "budget_tokens": "The most tokens to think with.",
    "stop_sequence": "The text of yours at which the answer ended.",
    "display_name": "Its name for people.",
    "displayName": "Its name for people.",
    "created_at": "When it was made.",
    "parts": "Texts, pictures, and calls of functions.",
    "candidates": "The answers.",
    "modelVersion": "The model that answered.",
    "responseId": "The id of the answer.",
    "finishReason": "`STOP`, `MAX_TOKENS`, or why else the answer ended.",
    "generateContentRequest": "A whole request, in place of `contents`.",
    "totalTokens": "Tokens of the request.",
    "embeddings": "A vector for each request, in their order.",
    "supportedGenerationMethods": "What it can be asked for.",
    "inputTokenLimit": "The most tokens that a request may have.",
    "models": "The models.",
    "nextPageToken": "What `pageToken` is for the next page.",
    "mask": "A picture whose transparent places say where to draw.",
    "b64_json": "The picture as base64.",
    "url": "Where the picture is.",
    "code": "The status of the answer.",
    "message": "The same in words.",
    "task_id": "The task's id.",
    "status": "How far it is.",
    "callback": "How telling your `callback_url` went.",
    "next_at": "When it is tried again.",
    "at": "When it was tried.",
    "jobid": "The number of the job.",
    "signature": "What the job is asked about with, beside its number.",
    "keyid": "The id of the key.",
    "unit": "What amounts are counted in.",
    "start": "When the month begins.",
    "end": "When the month ends.",
    "requests": "How many requests.",
    "errors": "How many of them failed.",
    "cache_read_tokens": "Tokens that were read from the provider's cache.",
    "cache_write_tokens": "Tokens that were written to the provider's cache.",
    "images": "Pictures that were made.",
    "characters": "Characters that were spoken.",
    "audio_seconds": "Seconds of sound that were written down.",
    "from": "The beginning of what was summed up.",
    "data": "What there is, in its order.",
    "details": "More about it, for programs.",
    "type": "What kind it is.",
}
# Where it means something else there: by the end of its path, which begins with the name of a schema.
_THERE = {
    "ChatMessage.content": "What is said: a text, or parts.",
    "ChatMessage.name": "A name for who speaks.",
    "ChatPart.text": "The text.",
    "ChatPart.image_url": "A picture.",
    "ChatPart.image_url.detail": "How closely to look.",
    "ChatPart.input_audio": "Sound as base64 in `data`, and its `format`.",
    "ChatPart.file": "A document as a `data:` URL in `file_data`, and its `filename`.",
    "tool_choice.type": "`function`, or the kind of another tool.",
    "tools.type": "`function`, or a tool that the provider runs.",
    "tools.name": "The function's name.",
    "response_format.type": "`text`, `json_object` or `json_schema`.",
    "format.type": "`text`, `json_object` or `json_schema`.",
    "ChatCompletion.choices.message": "What the model answered.",
    "message.content": "The text; null where there is none.",
    "AnthropicInput.content": "A text, or blocks.",
    "Message.content": "Blocks of text, thinking, and calls of tools.",
    "candidates.content": "What the model answered.",
    "EmbedRequest.content": "What to turn into a vector.",
    "BatchEmbedRequest.requests": "What to turn into vectors, each as for one.",
    "Embeddings.data": "A vector for each input, in their order.",
    "Images.data": "The pictures.",
    "OrderTaken.data": "The task.",
    "Task.data": "The task.",
    "OrderError.data": "Always null.",
    "PictureError.jobid": "Always null.",
    "PictureError.signature": "Always null.",
    "PictureError.status": "Always `error`.",
    "CallbackAttempt.status": "The status that your server answered with.",
    "PictureOrder.model": "The model to draw with.",
    "voice.id": "The id of a voice of your own.",
    "AnthropicError.type": "Always `error`.",
    "period.id": "The month's name.",
}


def described(path: str, schema: Schema) -> Schema:
    """The schema, with words for every field that has none of its own. `path` is where it is, such as its name."""
    told: dict[str, Any] = dict(schema)
    if "properties" in schema:
        told["properties"] = {
            name: _field(f"{path}.{name}", name, field) for name, field in schema["properties"].items()
        }
    if "items" in schema:
        told["items"] = described(path, schema["items"])
    if "anyOf" in schema:
        told["anyOf"] = [described(path, one) for one in schema["anyOf"]]
    return told


def _field(path: str, name: str, schema: Schema) -> Schema:
    told = described(path, schema)
    if "description" in told:
        return told
    words = next((words for there, words in _THERE.items() if f".{path}".endswith(f".{there}")), _WORDS.get(name))
    return {**told, "description": words} if words else told
