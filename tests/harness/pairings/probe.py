"""One feature, said in every protocol that has words for it, and what becomes of it between two of them."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.codec import Codec, Quirks, Stamp, StreamReader
from havuz_gateway.protocols.converted import ConvertingTap, convert_answer
from havuz_gateway.protocols.json_text import dump
from havuz_gateway.protocols.neutral.fold import Fold
from havuz_gateway.protocols.neutral.unfold import unfold

CHAT, MESSAGES, RESPONSES, GEMINI = "openai_chat", "anthropic", "openai_responses", "gemini"
MODEL = "some-model"
_STAMP = Stamp(created=1_763_700_000)
_MAX_EVENT = 1_000_000
_SEALED = "aGF2dXo6"  # "havuz:", with which a seal of another protocol begins
_ELEMENTWISE = ("choices", "candidates")

Fragment = Mapping[str, Any]
Outcome = Literal["kept", "mapped", "dropped", "refused", "untold", "lost"]


@dataclass(frozen=True, slots=True)
class Probe:
    """A feature. `said` has, by protocol, the part of a body that says it; who is not there has no words for it.

    `marks` are texts in it that must arrive. `beside` has, by protocol, what stands around it and is none of it.
    `untold` gives, by the protocol of the receiver, the reason why it needs no telling there although no name of it is
    dropped.
    """

    name: str
    said: Mapping[str, Fragment]
    marks: tuple[str, ...] = ()
    beside: Mapping[str, Fragment] = field(default_factory=dict)
    untold: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a feature. `names` are what was dropped, the field that was refused, or the reason of `untold`."""

    outcome: Outcome
    names: tuple[str, ...] = ()


def merged(base: Any, fragment: Any) -> Any:
    """`base` with what `fragment` says: objects member by member, choices one by one, anything else replaced."""
    if not isinstance(base, Mapping) or not isinstance(fragment, Mapping):
        return fragment
    result = dict(base)
    for name, value in fragment.items():
        if name in _ELEMENTWISE and name in base:
            there = [*base[name], *({} for _ in value[len(base[name]) :])]
            result[name] = [merged(one, other) for one, other in zip(there, value, strict=True)]
        else:
            result[name] = merged(base.get(name), value)
    return result


def contains(whole: Any, part: Any) -> bool:
    """Whether `whole` says all of `part`: members of objects, and items of arrays in order, may have more around."""
    match whole, part:
        case Mapping(), Mapping():
            return all(name in whole and contains(whole[name], value) for name, value in part.items())
        case list(), list():
            left = iter(whole)
            return all(any(contains(one, wanted) for one in left) for wanted in part)
        case _:
            return bool(whole == part)


def judge_request(probe: Probe, client: Codec, provider: Codec, *, base: Fragment) -> Verdict:
    """What a provider is told of the probe, which a client says in a body like `base`."""
    base = merged(base, probe.beside.get(client.protocol, {}))
    body = merged(base, probe.said[client.protocol])
    try:
        encoded = provider.encode_request(client.decode_request(body), Quirks())
    except InvalidRequest as error:
        return Verdict("refused", (error.param or "?",))
    plain = provider.encode_request(client.decode_request(base), Quirks())
    if client is provider:
        return Verdict("kept" if encoded.body == body and not encoded.dropped else "lost")
    return _judged(probe, provider.protocol, told=encoded.body, plain=plain.body, dropped=encoded.dropped)


def judge_answer(probe: Probe, client: Codec, provider: Codec, *, base: Fragment, stream: bool) -> Verdict:
    """What a client is told of the probe, which a provider says in an answer like `base`."""
    convert = _streamed if stream else _whole
    body = merged(base, probe.said[provider.protocol])
    plain, _ = convert(base, client, provider)
    told, dropped = convert(body, client, provider)
    if client is provider and not stream:
        return Verdict("kept" if told == body and not dropped else "lost")
    return _judged(probe, client.protocol, told=told, plain=plain, dropped=dropped)


def _whole(body: Fragment, client: Codec, provider: Codec) -> tuple[Any, tuple[str, ...]]:
    raw = dump(body).encode()
    answer = convert_answer(raw, provider=provider, client=client, stamp=_STAMP, answer_tool=None)
    return ({"error": answer.error} if answer.error else json.loads(answer.body)), answer.dropped


def _streamed(body: Fragment, client: Codec, provider: Codec) -> tuple[Any, tuple[str, ...]]:
    """The answer as a stream of the provider's, through the gateway's tap, put together as the client does."""
    response = provider.decode_response(body)
    source = provider.stream_encoder(_STAMP, True)
    tap = ConvertingTap(
        provider=provider, client=client, stamp=_STAMP, include_usage=True, answer_tool=None, max_event_bytes=_MAX_EVENT
    )
    sent = tap.feed(b"".join(source.feed(event) for event in unfold(response))) + tap.end()
    folding, reader = Fold(), StreamReader(client.stream_decoder(), max_event_bytes=_MAX_EVENT)
    for event in reader.feed(sent) + reader.end():
        folding.feed(event)
    dropped = (*source.dropped(), *tap.dropped())
    whole = client.encode_response(replace(folding.response(), created=_STAMP.created), _STAMP)
    # a stream may tell more than a whole answer of the same protocol can: then it is looked at as it is
    told = {**whole.body, "stream": sent.decode()} if whole.dropped else whole.body
    return told, tuple(dict.fromkeys(dropped))


def _judged(probe: Probe, receiver: str, *, told: Any, plain: Any, dropped: tuple[str, ...]) -> Verdict:
    wanted = probe.said.get(receiver)
    if wanted is not None and not dropped and contains(told, wanted):
        return Verdict("kept")
    text = _text(told)
    arrived = all(mark in text for mark in probe.marks)
    if told != plain and (arrived or dropped):
        return Verdict("mapped", dropped)
    if dropped:
        return Verdict("dropped", dropped)
    if receiver in probe.untold:
        return Verdict("untold", (probe.untold[receiver],))
    return Verdict("lost")


def _text(told: Any) -> str:
    """All that a body says, with the seals of other protocols that lie in base64 in a field of its own."""
    plain = dump(told)
    sealed = re.findall(rf'"({_SEALED}[A-Za-z0-9+/]*=*)"', plain)
    return plain + "".join(base64.b64decode(seal).decode() for seal in sealed)
