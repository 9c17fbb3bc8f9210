"""One operation of a surface as its description says it, and as the document has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from havuz_gateway.surfaces.openapi.errors import Errors, error_answers
from havuz_gateway.surfaces.openapi.headers import ANSWERED, PROXIED, referred
from havuz_gateway.surfaces.openapi.schema import Schema, ref

JSON = "application/json"
EVENTS = "text/event-stream"
FORM = "multipart/form-data"
Keys = Literal["any", "google", "none"]  # where a key may be: as everywhere, in Google's places too, or it needs none
KEY_SCHEMES: Mapping[Keys, tuple[str, ...]] = {
    "any": ("bearer", "header", "query"),
    "google": ("bearer", "header", "query", "googleHeader", "googleQuery"),
    "none": (),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path, the query or the headers. Those of a path are always required."""

    name: str
    place: Literal["path", "query", "header"]
    words: str
    schema: Schema
    example: Any = None
    required: bool = False

    def rendered(self) -> dict[str, Any]:
        """The parameter object."""
        made = {
            "name": self.name, "in": self.place, "description": self.words, "schema": self.schema,
            "required": self.required or self.place == "path",
        }  # fmt: skip
        return made if self.example is None else {**made, "example": self.example}


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: the schema of each media type, and complete examples of the JSON one by name."""

    contents: Mapping[str, Schema]
    examples: Mapping[str, Any] = field(default_factory=dict)

    def rendered(self) -> dict[str, Any]:
        """The request body object."""
        content: dict[str, Any] = {kind: {"schema": schema} for kind, schema in self.contents.items()}
        if self.examples:
            content[JSON]["examples"] = {name: {"value": value} for name, value in self.examples.items()}
        return {"required": True, "content": content}


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back when all went well. `events` is the schema of one event's data where it may be a stream."""

    words: str
    contents: Mapping[str, Schema]
    events: str | None = None
    headers: tuple[str, ...] = ()

    def rendered(self, headers: tuple[str, ...]) -> dict[str, Any]:
        """The response object, with `headers` beside its own."""
        content: dict[str, Any] = {kind: {"schema": schema} for kind, schema in self.contents.items()}
        if self.events is not None:
            stream = {"schema": {"type": "string"}, "x-event": ref(self.events)}  # items have a schema from 3.2 on
            content[EVENTS] = stream
        made: dict[str, Any] = {"description": self.words, "headers": referred(*headers, *self.headers)}
        return {**made, "content": content} if content else made


@dataclass(frozen=True, slots=True)
class Operation:
    """`also` are other paths where the same is done; `proxied` says that an upstream may be asked."""

    method: Literal["get", "post", "delete"]
    path: str
    id: str
    tag: str
    summary: str
    errors: Errors
    answers: Mapping[int, Answer]
    words: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    also: tuple[str, ...] = ()
    keys: Keys = "any"
    proxied: bool = False

    def rendered(self) -> dict[str, Any]:
        """The operation object."""
        headers = PROXIED if self.proxied else ANSWERED
        made: dict[str, Any] = {
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "security": [{scheme: []} for scheme in KEY_SCHEMES[self.keys]],
        }
        if self.words:
            made["description"] = self.words
        if self.parameters:
            made["parameters"] = [parameter.rendered() for parameter in self.parameters]
        if self.body is not None:
            made["requestBody"] = self.body.rendered()
        answers = {str(status): answer.rendered(headers) for status, answer in self.answers.items()}
        made["responses"] = answers | error_answers(self.errors, proxied=self.proxied, keyed=self.keys != "none")
        return made
