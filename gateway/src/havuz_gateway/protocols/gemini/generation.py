"""`generationConfig`, both ways: https://ai.google.dev/api/generate-content#generationconfig."""

from typing import Any

from havuz_gateway.protocols.codec import Quirks
from havuz_gateway.protocols.gemini.schema import json_schema
from havuz_gateway.protocols.gemini.thinking import read_reasoning, write_reasoning
from havuz_gateway.protocols.gemini.wire import PROTOCOL, written
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.extensions import Dropped, kept
from havuz_gateway.protocols.neutral.request import ChatRequest, OutputFormat

CONFIG = "generationConfig"
_JSON = "application/json"


def read_config(config: Members) -> dict[str, Any]:
    """The request's fields that stand in `generationConfig`. What is not understood stays in `config`."""
    modalities = config.texts("responseModalities")
    thinking = config.members("thinkingConfig")
    return {
        "output_limit": config.whole("maxOutputTokens"),
        "temperature": config.number("temperature"),
        "top_p": config.number("topP"),
        "top_k": config.whole("topK"),
        "seed": config.whole("seed"),
        "n": config.whole("candidateCount"),
        "stop": config.texts("stopSequences"),
        "presence_penalty": config.number("presencePenalty"),
        "frequency_penalty": config.number("frequencyPenalty"),
        "logprobs": config.flag("responseLogprobs"),
        "top_logprobs": config.whole("logprobs"),
        "modalities": None if modalities is None else tuple(modality.lower() for modality in modalities),
        "output_format": _read_format(config),
        "reasoning": None if thinking is None else read_reasoning(thinking),
    }


def write_config(request: ChatRequest, quirks: Quirks, dropped: Dropped) -> dict[str, Any]:
    """The members of `generationConfig` that the request's fields say."""
    modalities = request.modalities
    members: dict[str, Any] = {
        "stopSequences": None if request.stop is None else list(request.stop),
        "candidateCount": request.n,
        "maxOutputTokens": request.output_limit,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "seed": request.seed,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "responseLogprobs": request.logprobs,
        "logprobs": request.top_logprobs,
        "responseModalities": None if modalities is None else [modality.upper() for modality in modalities],
    }
    if not quirks.sampling:
        for name, word in (("temperature", "temperature"), ("topP", "top_p"), ("topK", "top_k")):
            if members.pop(name) is not None:
                dropped.note(word)
    if request.output_format is not None:
        members |= _write_format(request.output_format, dropped)
    if request.reasoning is not None:
        thinking = write_reasoning(request.reasoning, quirks, dropped)
        as_it_came = PROTOCOL in request.reasoning.extensions
        members["thinkingConfig"] = thinking if thinking or as_it_came else None
    return {name: value for name, value in members.items() if value is not None}


def _read_format(config: Members) -> OutputFormat | None:
    """A schema is JSON's or Google's own; what else can be asked for (an enum, a list of formats) stays as it is."""
    match config.peek("responseMimeType"), config.peek("responseJsonSchema"), config.peek("responseSchema"):
        case "application/json", None, None:
            config.take("responseMimeType")
            return OutputFormat("json")
        case "application/json", dict() as schema, None:
            config.take("responseMimeType")
            config.take("responseJsonSchema")
            return OutputFormat("json_schema", schema=schema)
        case "application/json", None, dict() as own:
            config.take("responseMimeType")
            config.take("responseSchema")
            spelled = {"responseSchema": own, "responseJsonSchema": None}
            return OutputFormat("json_schema", schema=json_schema(own), extensions=kept(PROTOCOL, {}, spelled=spelled))
        case "text/plain", None, None:
            config.take("responseMimeType")
            return OutputFormat("text")
        case _:
            return None


def _write_format(wanted: OutputFormat, dropped: Dropped) -> dict[str, Any]:
    dropped.foreign(wanted.extensions, "response_format")
    match wanted.kind:
        case "text":
            return {"responseMimeType": "text/plain"}
        case "json":
            return {"responseMimeType": _JSON}
        case "json_schema":
            schema = dict(wanted.schema or {})
            if wanted.description is not None:
                schema.setdefault("description", wanted.description)
            return written({"responseMimeType": _JSON, "responseJsonSchema": schema}, wanted.extensions)


def spelled_modalities(config: Members) -> dict[str, Any]:
    """`responseModalities` where it is not written in capitals."""
    raw = config.peek("responseModalities")
    usual = not isinstance(raw, list) or all(not isinstance(word, str) or word == word.upper() for word in raw)
    return {} if usual else {"responseModalities": raw}
