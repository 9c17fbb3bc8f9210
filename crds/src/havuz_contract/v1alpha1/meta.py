"""What every kind has in common: how it is read, its metadata, and what the CRD generator asks of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from havuz_contract.v1alpha1.rules import VALIDATIONS, Rule, TransitionRule

GROUP = "havuz.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"


class KubeModel(BaseModel):
    """Base of everything inside a spec: camelCase on the wire, unknown fields refused, immutable."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    transition_rules: ClassVar[tuple[TransitionRule, ...]] = ()

    @model_validator(mode="after")
    def _enforce_rules(self) -> Self:
        for rule in self.rules:
            rule.enforce(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        generated = handler.resolve_ref_schema(handler(schema))
        rules = [*(rule.json() for rule in cls.rules), *(rule.json() for rule in cls.transition_rules)]
        return {**generated, VALIDATIONS: rules} if rules else generated


class ObjectMeta(BaseModel):
    """The part of an object's metadata that havuz reads; the rest is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=_NAME)]
    namespace: str = "default"
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: AwareDatetime | None = None
    deletion_timestamp: AwareDatetime | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    annotations: Mapping[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column of `kubectl get`. `priority` 1 shows it only with `-o wide`."""

    name: str
    json_path: str
    type: Literal["string", "integer", "date"] = "string"
    description: str = ""
    priority: int = 0


AGE = PrinterColumn("Age", ".metadata.creationTimestamp", "date")
READY = PrinterColumn(
    "Ready",
    '.status.conditions[?(@.type=="Programmed")].status',
    description="Whether every gateway serves the object as it is written here.",
)
MESSAGE = PrinterColumn("Message", '.status.conditions[?(@.type=="Programmed")].message', priority=1)


class ObjectRef(NamedTuple):
    """Which object: kind, namespace and name, as a sentence shows it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class KubeObject(KubeModel):
    """Base of the three kinds. A subclass has `spec` and `status`, and says how kubectl shows it."""

    plural: ClassVar[str]
    short_names: ClassVar[tuple[str, ...]]
    categories: ClassVar[tuple[str, ...]] = ("havuz",)
    columns: ClassVar[tuple[PrinterColumn, ...]]

    api_version: Literal["havuz.dev/v1alpha1"]
    kind: str
    metadata: ObjectMeta

    @cached_property
    def ref(self) -> ObjectRef:
        """The object's kind, namespace and name."""
        return ObjectRef(self.kind, self.metadata.namespace, self.metadata.name)

    @cached_property
    def uid(self) -> str:
        """What identifies the object for its whole life; in a manifest without a uid, its kind, namespace and name."""
        return self.metadata.uid or f"{self.kind}/{self.metadata.namespace}/{self.metadata.name}"

    @cached_property
    def age_order(self) -> tuple[float, str, str, str]:
        """Sorts objects from the oldest to the youngest, the same way every time."""
        created = self.metadata.creation_timestamp
        return (_seconds(created), self.metadata.namespace, self.metadata.name, self.uid)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def schema_extra(**extra: Any) -> Any:
    """Field metadata that goes into the CRD schema as it is."""
    return Field(json_schema_extra=extra)
