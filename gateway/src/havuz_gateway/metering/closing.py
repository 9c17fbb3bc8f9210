"""A settle on its way: everything the script needs, in a form that survives this process."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from havuz_contract import keys
from havuz_gateway.metering.link import packed_ascii, packed_parts
from havuz_gateway.metering.meter import Admitted, Settlement
from havuz_gateway.metering.terms import KnownTerms, SettleHead

How = Literal["new", "again", "expired"]
_LINE_VERSION = 1
_MARK_SECONDS = 900  # how long a repeated settle is recognised by its mark; with a reservation it is for ever
_UNRESERVED_MARK_SECONDS = 7 * 86_400
_MOST_TOKENS = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class Closing:
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
        return b"".join(
            (
                head.before_mark,
                packed_parts(keys.settled(self.uid, self.id)),
                head.after_mark,
                packed_ascii(now, self.id, str(self.cost), how, "1" if self.reserved else "", str(self.tokens)),
                packed_parts(self.dimensions),
                packed_ascii(str(lives), self.counts, self.event),
            )
        )  # fmt: skip

    def head(self, terms: KnownTerms) -> SettleHead:
        """The part before, made for this one alone."""
        return terms.settle_head(self.uid, self.key_id, self.day, self.at, self.fixed)

    def line(self, *, sent: bool) -> bytes:
        """As a line of the journal; `sent` says that Redis may have it already."""
        text = json.dumps({"v": _LINE_VERSION, "sent": sent, **asdict(self)}, separators=(",", ":"))
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


def closing_of(admitted: Admitted, settlement: Settlement, at: float) -> Closing:
    """The settle of an admitted request, at unix seconds."""
    admission = admitted.admission
    project, key = admission.project, admission.key
    used = settlement.usage
    read, written = (_bounded(used.input), _bounded(used.output)) if used is not None else (0, 0)
    cached, stored = (_bounded(used.cache_read), _bounded(used.cache_write)) if used is not None else (0, 0)
    return Closing(
        uid=project.uid,
        key_id=key.id,
        id=admission.id,
        day=admitted.day,
        at=at,
        cost=settlement.cost,
        reserved=admitted.reserved,
        fixed=(project.billing.plan, _text(project.limits.tokens_per_minute), _text(key.limits.tokens_per_minute)),
        tokens=read + written,
        dimensions=f"{key.id}|{admission.route.model}|{settlement.upstream}",
        counts=f"{int(settlement.status == 'error')},{read},{written},{cached},{stored}",
        event=(
            f'{{"key":{_quoted(key.id)},"model":{_quoted(admission.route.model)},"status":"{settlement.status}",'
            f'"operation":"{settlement.operation}","upstream":{_quoted(settlement.upstream)},'
            f'"provider":{_quoted(settlement.provider)},"upstream_model":{_quoted(settlement.upstream_model)},'
            f'"input":{read},"output":{written},"cache_read":{cached},"cache_write":{stored},'
            f'"reasoning":{_bounded(used.reasoning) if used is not None else 0},"attempts":{settlement.attempts},'
            f'"flags":"{",".join(settlement.flags)}"}}'
        ),
    )


def _bounded(tokens: int) -> int:
    return min(max(0, tokens), _MOST_TOKENS)


def _text(limit: int | None) -> str:
    return "" if limit is None else str(limit)


@lru_cache(maxsize=4_096)
def _quoted(name: str) -> str:
    return json.dumps(name)
