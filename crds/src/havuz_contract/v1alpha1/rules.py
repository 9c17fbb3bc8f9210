"""Rules that a schema cannot say: once as CEL for the API server, once as Python for local mode, with one sentence.

A `Rule` stands either in the metadata of a field's type (`Annotated[str, Rule(...)]`) or in a model's `rules`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule and the Python check that refuses the same values. `check` gets the validated value."""

    cel: str
    message: str
    check: Callable[[Any], bool]

    def json(self) -> dict[str, str]:
        """The rule as an entry of `x-kubernetes-validations`."""
        return {"rule": self.cel, "message": self.message}

    def enforce(self, value: Any) -> Any:
        """Return `value`. Raises `PydanticCustomError` with the rule's message when the check refuses it."""
        if not self.check(value):
            raise PydanticCustomError("rule", "{sentence}", {"sentence": self.message})
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.enforce, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        generated = dict(handler(schema))
        generated[VALIDATIONS] = [*generated.get(VALIDATIONS, []), self.json()]
        return generated


@dataclass(frozen=True, slots=True)
class TransitionRule:
    """A CEL rule over `oldSelf`, and the Python check of (old, new) that refuses the same changes."""

    cel: str
    message: str
    check: Callable[[Any, Any], bool]

    def json(self) -> dict[str, str]:
        """The rule as an entry of `x-kubernetes-validations`."""
        return {"rule": self.cel, "message": self.message}


@dataclass(frozen=True, slots=True)
class ListMap:
    """Marks a list whose items are identified by one field: the API server merges by it and refuses duplicates."""

    key: str  # the field's name on the wire

    def enforce(self, items: Sequence[Any]) -> Sequence[Any]:
        """Return `items`. Raises `PydanticCustomError` when two have the same key."""
        _refuse_duplicates([f'{{"{self.key}":"{getattr(item, self.key)}"}}' for item in items])
        return items

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.enforce, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        kind = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}
        return {**handler(schema), **kind}


@dataclass(frozen=True, slots=True)
class ListSet:
    """Marks a list of scalars without duplicates."""

    def enforce(self, items: Sequence[Any]) -> Sequence[Any]:
        """Return `items`. Raises `PydanticCustomError` when two are equal."""
        _refuse_duplicates([f'"{item}"' for item in items])
        return items

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.enforce, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "x-kubernetes-list-type": "set"}


def _refuse_duplicates(texts: Sequence[str]) -> None:
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            raise PydanticCustomError("rule", "Duplicate value: {text}", {"text": text})
        seen.add(text)
