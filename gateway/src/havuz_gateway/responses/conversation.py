"""What a request goes on from and only names: earlier responses by `previous_response_id`, items by reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from havuz_gateway.errors import InvalidRequest
from havuz_gateway.protocols.body import Body
from havuz_gateway.responses.items import alone, for_strangers, input_items, reference_of, written_out
from havuz_gateway.responses.record import Record
from havuz_gateway.responses.store import ResponseStore

_MOST_EARLIER = 1_000  # responses of one conversation


@dataclass(frozen=True, slots=True)
class Conversation:
    """`records` are the responses before this request, in order; `named` the items it refers to, by their ids.

    `homes` are the upstreams and models that keep what is named; None stands for a response that no provider keeps.
    """

    records: Sequence[Record] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    homes: frozenset[tuple[str, str] | None] = frozenset()

    @property
    def chain(self) -> tuple[str, ...]:
        """The ids of all responses before this request."""
        return (*self.records[-1].chain, self.records[-1].id) if self.records else ()

    @property
    def home(self) -> tuple[str, str] | None:
        """The upstream and the model that keep all of it themselves."""
        return next(iter(self.homes)) if len(self.homes) == 1 else None

    def items(self, given: Any) -> list[Any]:
        """The request's own items, those it refers to in place of the references."""
        return [self.named.get(reference_of(item) or "", item) for item in input_items(given)]

    def whole(self, body: Body) -> Body:
        """The body in which everything is written out."""
        return _with_input(body, [*written_out(self.records), *self.items(body.fields.get("input"))])

    def relayed(self, body: Body) -> tuple[Body, tuple[str, ...]]:
        """The same for a provider of this protocol that knows nothing of it, and the names of what it can't be told."""
        told, lost = for_strangers(written_out(self.records))
        for item in input_items(body.fields.get("input")):
            name = reference_of(item)
            kept, left_out = for_strangers([self.named[name]]) if name is not None else ([item], ())
            told, lost = told + kept, lost or left_out
        return _with_input(body, told), lost


async def load(store: ResponseStore, project_uid: str, fields: Mapping[str, Any]) -> Conversation | None:
    """What the request of these fields names, None where it names nothing.

    Raises `InvalidRequest` where something is not kept, `ServiceUnavailable` while that can't be known.
    """
    last_id = fields.get("previous_response_id")
    given = fields.get("input")
    names = [name for item in given if (name := reference_of(item))] if isinstance(given, list) else []
    if last_id is None and not names:
        return None
    records = await _records(store, project_uid, last_id) if last_id is not None else []
    homes = {records[-1].home} if records else set()
    named, homes_of_named = await _named(store, project_uid, names)
    return Conversation(records, named, frozenset(homes | homes_of_named))


async def _records(store: ResponseStore, project_uid: str, last_id: str) -> list[Record]:
    last = await store.find(project_uid, last_id)
    if last is None:
        raise _no_response(last_id)
    if len(last.chain) >= _MOST_EARLIER:
        raise InvalidRequest(
            f"the conversation has more than {_MOST_EARLIER} responses: start a new one, with a summary of it as input",
            param="previous_response_id",
        )
    ids = (*last.chain, last_id)
    found = await store.recall(project_uid, ids)
    missing = next((one for one, record in zip(ids, found, strict=True) if record is None), None)
    if missing is not None:
        raise _no_response(missing)
    return [record for record in found if record is not None]


async def _named(
    store: ResponseStore, project_uid: str, names: Sequence[str]
) -> tuple[dict[str, Any], set[tuple[str, str] | None]]:
    owners = await store.owners(project_uid, names)
    records = [one for one in await store.recall(project_uid, sorted(set(owners.values()))) if one is not None]
    items = {item["id"]: alone(item) for one in records for item in one.response["output"] if "id" in item}
    for name in names:
        if name not in items:
            raise InvalidRequest(
                f"Item with id {name[:80]!r} not found: its response was not stored, has expired or was deleted; send "
                "the item itself",
                param="input",
            )
    return {name: items[name] for name in names}, {one.home for one in records}


def _no_response(response_id: str) -> InvalidRequest:
    return InvalidRequest(
        f"Previous response with id {response_id!r} not found: it was not stored, has expired or was deleted; "
        "send the whole conversation as input",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def _with_input(body: Body, items: list[Any]) -> Body:
    raw = body.edited({"input": items}, ("previous_response_id",))
    fields = {name: value for name, value in body.fields.items() if name != "previous_response_id"}
    return Body(raw, raw.decode(), fields | {"input": items})
