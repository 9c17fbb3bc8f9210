"""A settle on its way: everything the script needs, in a form that survives this process."""

import json
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from havuz_contract import keys
from havuz_gateway.metering.link import packed_parts
from havuz_gateway.metering.meter import Admitted, Settlement
from havuz_gateway.metering.terms import KnownTerms, SettleHead, Terms
from havuz_gateway.protocols.usage import Usage

How = Literal["new", "again", "expired"]
_LINE_VERSION = 1
_MARK_SECONDS = 900  # how long a repeated settle is recognised by its mark; with a reservation it is for ever
_UNRESERVED_MARK_SECONDS = 7 * 86_400
_SURELY_MARKED_SECONDS = 600  # less than a mark lives, for clocks that are not quite right
_MOST_TOKENS = 1_000_000_000_000
_NOTHING = Usage(input=0, output=0)


class Closing(NamedTuple):
    """One request to be settled. `at` is unix seconds; `counts` and `event` are as `settle.lua` takes them.

    `fixed` are the plan and the tokens per minute of project and key at its admission.
    """

    uid: str
    key_id: str
    id: str
    day: str
    at: float
    cost: int
    reserved: bool
    fixed: tuple[str, str, str]
    tokens: int
    dimensions: str
    counts: str
    event: str

    def body(self, how: How, head: SettleHead, now: str = "0") -> bytes:
        """The call's keys and arguments after the script's name; `now` in unix milliseconds, '0' asks the server."""
        lives = _MARK_SECONDS if self.reserved or self.fixed[0] == "Unmetered" else _UNRESERVED_MARK_SECONDS
        return b"".join((
            head.before_mark,
            packed_parts(keys.settled(self.uid, self.id)),
            head.after_mark,
            packed_parts(
                now, self.id, self.cost, how, "1" if self.reserved else "", self.tokens, self.dimensions, lives,
                self.counts, self.event,
            ),
        ))  # fmt: skip

    def head(self, terms: KnownTerms) -> SettleHead:
        """The part before, made for this one alone."""
        return terms.settle_head(self.uid, self.key_id, self.day, self.at, self.fixed)

    def is_marked(self, now: float) -> bool:
        """Whether Redis still has this settle's mark at `now` (unix seconds) if it took it at all.

        If so, it may be sent as if for the first time: what is not marked was never taken, or was forgotten.
        """
        return abs(now - self.at) < _SURELY_MARKED_SECONDS

    def line(self, *, sent: bool) -> bytes:
        """As a line of the journal; `sent` says that Redis may have it already."""
        text = json.dumps({"v": _LINE_VERSION, "sent": sent, **self._asdict()}, separators=(",", ":"))
        return text.encode() + b"\n"


def read_line(line: bytes) -> tuple[Closing, bool]:
    """What `line` wrote: the settle, and whether Redis may have it already. Raises `ValueError` for anything else."""
    fields: dict[str, Any] = json.loads(line)
    if not isinstance(fields, dict) or fields.pop("v", None) != _LINE_VERSION:
        raise ValueError("not a line of this version's journal")
    sent = bool(fields.pop("sent", True))
    try:
        plan, project_tokens, key_tokens = fields.pop("fixed")
        return Closing(fixed=(plan, project_tokens, key_tokens), **fields), sent
    except (TypeError, KeyError) as error:
        raise ValueError(f"a line of the journal lacks a field: {error}") from None


def closing_of(admitted: Admitted, settlement: Settlement, at: float, terms: Terms) -> Closing:
    """The settle of an admitted request, at unix seconds; `terms` are those of its project and key."""
    admission = admitted.admission
    key = admission.key
    used = settlement.usage or _NOTHING
    read, written, cached, stored, thought = _bounded(
        used.input, used.output, used.cache_read, used.cache_write, used.reasoning
    )
    counted, told = _pieces(used)
    dimensions, event = _labels(
        key.id, admission.route.model, settlement.upstream, settlement.provider, settlement.upstream_model,
        settlement.operation, settlement.status,
    )  # fmt: skip
    return Closing(
        uid=admission.project.uid,
        key_id=key.id,
        id=admission.id,
        day=admitted.day,
        at=at,
        cost=settlement.cost,
        reserved=admitted.reserved,
        fixed=terms.fixed,
        tokens=read + written,
        dimensions=dimensions,
        counts=f"{1 if settlement.status == 'error' else 0},{read},{written},{cached},{stored}{counted}",
        event=(
            f'{event},"input":{read},"output":{written},"cache_read":{cached},"cache_write":{stored},'
            f'"reasoning":{thought}{told},"attempts":{settlement.attempts},'
            f'"flags":"{",".join(settlement.flags)}"}}'
        ),
    )


@lru_cache(maxsize=4_096)
def _labels(
    key: str, model: str, upstream: str, provider: str, upstream_model: str, operation: str, status: str
) -> tuple[str, str]:
    """The roll-up's field and the beginning of the event: the same for most requests of a key."""
    named = {
        "key": key, "model": model, "status": status, "operation": operation, "upstream": upstream,
        "provider": provider, "upstream_model": upstream_model,
    }  # fmt: skip
    return f"{key}|{model}|{upstream}", json.dumps(named, separators=(",", ":"))[:-1]


def _pieces(used: Usage) -> tuple[str, str]:
    """What is counted by the piece, for the roll-ups and for the event; nothing where nothing was used."""
    if not (used.images or used.characters or used.audio_ms):
        return "", ""
    images, characters, audio = _bounded(used.images, used.characters, used.audio_ms)
    return f",{images},{characters},{audio}", f',"images":{images},"characters":{characters},"audio_ms":{audio}'


def _bounded(*counts: int) -> tuple[int, ...]:
    if min(counts) >= 0 and max(counts) <= _MOST_TOKENS:
        return counts
    return tuple(min(max(0, count), _MOST_TOKENS) for count in counts)
