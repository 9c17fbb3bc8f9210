"""What a candidate is sent: the client's body with the few members changed that must change. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from havuz_contract.snapshot.models import Parameters
from havuz_gateway.pipeline.types import Call, Plan
from havuz_gateway.pool.types import Candidate

_OUTPUT_BOUNDS = ("max_completion_tokens", "max_tokens")
# Members of the body that are havuz's own; no provider knows them.
_OWN_MEMBERS = ("timeout", "think", "deepsearch")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A body for one attempt, and the names of the client's fields that the route drops."""

    body: bytes
    dropped: tuple[str, ...]


def outgoing(call: Call, plan: Plan, candidate: Candidate) -> Outgoing:
    """The body for `candidate`. Without a need for change it is the client's bytes themselves."""
    fields = call.body.fields
    change: dict[str, Any] = {}
    if candidate.target.model != call.model:
        change["model"] = candidate.target.model
    if call.operation == "chat" and call.stream and not call.include_usage:
        options = fields.get("stream_options")
        change["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    if plan.output_bound is not None and not any(fields.get(name) is not None for name in _OUTPUT_BOUNDS):
        change[candidate.member.provider.output_bound_field] = plan.output_bound
    dropped = _apply((candidate.target.parameters, *(mode.parameters for mode in plan.modes)), fields, change)
    remove = [name for name in (*_OWN_MEMBERS, *dropped) if name in fields]
    return Outgoing(body=call.body.edited(change, remove), dropped=tuple(sorted(dropped)))


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
