"""What a candidate is sent, and how its answer comes back. Pure.

Where both ends speak one protocol it is the client's body with the few members changed that must change; otherwise the
request is translated through the neutral form, afresh for each candidate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from havuz_contract.snapshot.models import Parameters
from havuz_gateway.metering.estimate import estimate
from havuz_gateway.metering.prompts import bound_change
from havuz_gateway.pipeline.types import Call, Plan
from havuz_gateway.pool.types import Candidate
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.codec import Quirks, Stamp
from havuz_gateway.protocols.conversions import CONVERSIONS, Question
from havuz_gateway.protocols.images_wire import ImagesWire
from havuz_gateway.protocols.json_text import encode_json
from havuz_gateway.protocols.neutral.errors import CannotExpress
from havuz_gateway.protocols.neutral.request import ChatRequest
from havuz_gateway.protocols.neutral.tools import Tool, WebSearchTool
from havuz_gateway.protocols.openai_images.translate import decode_request as decode_images
from havuz_gateway.protocols.own_members import OWN_NAMES, without_own
from havuz_gateway.protocols.registry import CODECS, DIALECTS, IMAGE_CODECS, RELAYED
from havuz_gateway.protocols.wire import ConvertingWire, RelayWire, Wire
from havuz_gateway.providers.base import ProviderCall, protocols_for
from havuz_gateway.transport.upload import Upload
from havuz_gateway.values import frozen

_SEARCHING = "openai_responses"  # in which every model of OpenAI's that calls tools can search the web
_ASKED_AS = {"embedding": "embeddings"}  # what a client's action is where the provider's protocol has no such
_JSON = "application/json"
_ID_PREFIXES = {"openai_chat": "chatcmpl-", "anthropic": "msg_", "openai_responses": "resp_"}


@frozen
class Outgoing:
    """A call for one attempt, the wire its answer comes back on, and the names of what the provider is not told."""

    call: ProviderCall
    wire: Wire
    dropped: tuple[str, ...] = field(default=())


def answer_id(protocol: str, request_id: str) -> str:
    """The id of a translated answer, as those of the protocol look."""
    return _ID_PREFIXES.get(protocol, "") + request_id.removeprefix("req_").replace("-", "")


def outgoing(call: Call, plan: Plan, candidate: Candidate, stamp: Stamp) -> Outgoing:
    """What `candidate` is sent. `stamp` is what a translated answer says of itself.

    A provider that speaks several protocols is asked in the client's own, else in the first that can say it all: only
    Responses has OpenAI's hosted tools. Raises `InvalidRequest` for a request that can't be translated,
    `CannotExpress` where another target may do.
    """
    provider, asked = candidate.member.provider, _ASKED_AS.get(call.action, call.action)
    own = protocols_for(provider, call.action, call.protocol)
    refused: CannotExpress | None = None
    for protocol in own or protocols_for(provider, asked, call.protocol):
        try:
            if protocol == call.protocol:
                return _relayed(call, plan, candidate)
            if call.action == "chat":
                return _translated(call, plan, candidate, protocol, stamp)
            if protocol in IMAGE_CODECS:
                return _drawn(call, candidate, protocol, stamp)
            return _converted(call, plan, candidate, protocol)
        except CannotExpress as error:
            refused = refused or error
    raise refused or _no_such_action(call)


def _relayed(call: Call, plan: Plan, candidate: Candidate) -> Outgoing:
    """Without a need for change it is the client's bytes themselves."""
    body, lost = _own_body(call, candidate)
    fields, relayed = body.fields, RELAYED[call.protocol, call.action]
    change: dict[str, Any] = {}
    if candidate.target.model != call.model:
        change.update(relayed.renamed(fields, candidate.target.model))
    strip_usage = False
    if call.protocol == "openai_chat" and call.action == "chat":
        strip_usage = call.stream and not call.include_usage
        if strip_usage:
            options = fields.get("stream_options")
            change["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    if plan.output_bound is not None:  # the client gave none
        name = candidate.member.provider.quirks(candidate.target.model).limit_field
        change.update(bound_change(call.protocol, fields, name=name, bound=plan.output_bound))
    dropped = _apply((candidate.target.parameters, *(mode.parameters for mode in plan.modes)), fields, change)
    if plan.modes and _searches(call, plan, candidate, call.protocol):
        change.update(_search_members(call.protocol, {**fields, **change}))
    remove = dropped if OWN_NAMES.isdisjoint(fields) else dropped | OWN_NAMES
    upload = call.upload
    return Outgoing(
        call=ProviderCall(
            call.action,
            call.protocol,
            candidate.target.model,
            call.stream,
            body.edited(change, remove) if upload is None else upload.edited(change, remove),
            call.headers,
            content_type=_JSON if upload is None else upload.content_type,
            answers=call.answers,
        ),
        wire=RelayWire(relayed, strip_usage, call.answers),
        dropped=tuple(sorted(dropped.union(lost))) if dropped or lost else (),
    )


def _own_body(call: Call, candidate: Candidate) -> tuple[Body, tuple[str, ...]]:
    """The body for a provider of the client's protocol, and the names of what it can't be told."""
    earlier = call.earlier
    if earlier is None or earlier.home == (candidate.member.upstream.uid, candidate.target.model):
        return call.body, ()
    return earlier.relayed, earlier.lost


def _translated(call: Call, plan: Plan, candidate: Candidate, protocol: str, stamp: Stamp) -> Outgoing:
    """Through the neutral form. A mode's parameters are in the client's words, a target's in its provider's."""
    client = DIALECTS[call.dialect] if call.dialect is not None else CODECS[call.protocol]
    codec, model = CODECS[protocol], candidate.target.model
    fields = without_own(call.whole.fields)
    dropped = _apply_to(fields, (mode.parameters for mode in plan.modes))
    request = client.decode_request(fields)
    if request.output_limit == 0:
        raise CannotExpress(
            f"'max_tokens' is 0, which only fills a cache, and the provider of model {call.model!r} can't be "
            "asked for that: send 1 or more, or choose another model",
            param="max_tokens",
        )
    request = replace(request, model=model, stream=call.stream, include_usage=True if call.stream else None)
    quirks = candidate.member.provider.quirks(model)
    if request.output_limit is None:
        request = replace(request, output_limit=_output_limit(plan, candidate, protocol, quirks))
    if _searches(call, plan, candidate, protocol):
        request = replace(request, tools=_with_search(request.tools or ()))
    encoded = codec.encode_request(request, quirks)
    body = dict(encoded.body)
    dropped |= _apply_to(body, (candidate.target.parameters,))
    wire = ConvertingWire(
        provider=codec, client=client, stamp=stamp, include_usage=call.include_usage, answer_tool=encoded.answer_tool
    )
    return Outgoing(
        call=ProviderCall(call.action, protocol, model, call.stream, encode_json(body), encoded.headers),
        wire=wire,
        dropped=tuple(sorted(dropped | set(encoded.dropped))),
    )


def _drawn(call: Call, candidate: Candidate, protocol: str, stamp: Stamp) -> Outgoing:
    """Pictures through their own neutral form. The target's parameters are in its provider's words."""
    codec, model = IMAGE_CODECS[protocol], candidate.target.model
    fields = without_own(call.body.fields)
    request = replace(decode_images(fields, _files(call.upload)), model=model)
    encoded = codec.encode_request(request)
    body = dict(encoded.body)
    dropped = _apply_to(body, (candidate.target.parameters,))
    return Outgoing(
        call=ProviderCall(call.action, protocol, model, stream=False, body=encode_json(body)),
        wire=ImagesWire(codec, request, stamp, stream=call.stream),
        dropped=tuple(sorted(dropped | set(encoded.dropped))),
    )


def _files(upload: Upload | None) -> dict[str, list[bytes]]:
    """The files of a form by name. Who is asked in another language gets them inside of its JSON, so they are read."""
    found: dict[str, list[bytes]] = {}
    if upload is None:
        return found
    for part in upload.parts:
        if part.text is None:
            found.setdefault(part.name, []).append(upload.read(part))
    return found


def _converted(call: Call, plan: Plan, candidate: Candidate, protocol: str) -> Outgoing:
    """What is no chat, in the provider's own words. Raises `CannotExpress` where it has none."""
    convert = CONVERSIONS.get((call.protocol, call.action, protocol))
    if convert is None:
        raise _no_such_action(call)
    model = candidate.target.model
    fields = without_own(call.body.fields)
    dropped = _apply_to(fields, (mode.parameters for mode in plan.modes))
    tokens = estimate(call.operation, fields, call.body.raw, protocol=call.protocol).input
    converted = convert(Question(fields, model, call.model, candidate.member.provider.quirks(model), tokens))
    asked = _ASKED_AS.get(call.action, call.action)
    body = dict(converted.encoded.body)
    dropped |= _apply_to(body, (candidate.target.parameters,))
    return Outgoing(
        call=ProviderCall(asked, protocol, model, False, encode_json(body), converted.encoded.headers),
        wire=converted.wire,
        dropped=tuple(sorted(dropped | set(converted.encoded.dropped))),
    )


def _no_such_action(call: Call) -> CannotExpress:
    return CannotExpress(f"the provider of model {call.model!r} has no {call.action}", param="model")


def _output_limit(plan: Plan, candidate: Candidate, protocol: str, quirks: Quirks) -> int | None:
    """The bound to ask for where the client gave none.

    Anthropic's protocol must name one. Without a known window no more was reserved than the usual, thinking included.
    """
    if plan.output_bound is None and protocol == "anthropic" and candidate.target.context_window is None:
        return quirks.output_limit
    return plan.output_bound


def _searches(call: Call, plan: Plan, candidate: Candidate, protocol: str) -> bool:
    """Whether a mode switches on the provider's web search. Raises `CannotExpress` for a model that has none."""
    asking = [name for name, mode in zip(call.modes, plan.modes, strict=True) if "web_search" in mode.tools]
    model = candidate.target.model
    if asking and protocol != _SEARCHING and not candidate.member.provider.quirks(model).web_search:
        raise CannotExpress(
            f"{asking[0]!r} searches the web, which no target of model {call.model!r} can do by itself "
            f"({model!r} of provider {candidate.member.provider.name!r} can't): leave it out, or give the mode a "
            "target that can",
            param=asking[0],
        )
    return bool(asking)


def _with_search(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    return tools if any(isinstance(tool, WebSearchTool) for tool in tools) else (*tools, WebSearchTool())


def _search_members(protocol: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The members that a web search adds to a body of the protocol; what the body says of it itself stands."""
    silent = ChatRequest(model="", messages=())
    encode = CODECS[protocol].encode_request
    plain, searching = encode(silent, Quirks()).body, encode(replace(silent, tools=(WebSearchTool(),)), Quirks()).body
    added: dict[str, Any] = {}
    for name, value in searching.items():
        if name in plain:
            continue
        there = fields.get(name)
        added[name] = _joined(there, value) if isinstance(there, list) else value if there is None else there
    return added


def _joined(there: list[Any], more: list[Any]) -> list[Any]:
    return [*there, *(one for one in more if one not in there)]


def _apply_to(fields: dict[str, Any], layers: Iterable[Parameters]) -> set[str]:
    """Change `fields` by the layers; return the names of what was dropped."""
    change: dict[str, Any] = {}
    dropped = _apply(layers, fields, change)
    fields.update(change)
    for name in dropped:
        fields.pop(name, None)
    return dropped


def _apply(layers: Iterable[Parameters], fields: Mapping[str, Any], change: dict[str, Any]) -> set[str]:
    """Put defaults and overrides into `change`; return the client's fields to drop."""
    dropped: set[str] = set()
    for parameters in layers:
        for name, value in parameters.defaults.items():
            if name not in fields:
                change.setdefault(name, value)
        change.update(parameters.overrides)
        for name in parameters.drop:
            change.pop(name, None)
            if name in fields:
                dropped.add(name)
    return dropped - change.keys()
