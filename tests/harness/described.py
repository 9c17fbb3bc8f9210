"""The API's own document, and whether an answer is as it says."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from harness.caller import Caller, Reply
from havuz_gateway.surfaces.openapi.document import build

METHODS = ("get", "post", "put", "patch", "delete")
_DOCUMENT = "urn:document"
_NO_API = ("/dashboard", "/livez", "/readyz", "/metrics")  # for people, and for whoever runs it
_ATTEMPTS = "x-havuz-attempts"  # what an upstream answered
_EVENTS = "text/event-stream"
_ALWAYS = frozenset(  # of HTTP, not of the API
    {"server", "date", "content-type", "content-length", "transfer-encoding", "connection", "cache-control", "allow"}
)
_ELSEWHERE = frozenset(
    {
        "x-accel-buffering", "request-id", "vary", "access-control-allow-origin", "content-disposition",
        "content-security-policy", "x-content-type-options", "cross-origin-resource-policy", "referrer-policy",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """An operation, and where it stands."""

    method: str
    path: str
    operation: Mapping[str, Any]
    pattern: re.Pattern[str]

    @property
    def examples(self) -> dict[str, Any]:
        """Complete bodies by name."""
        content = self.operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        return {name: example["value"] for name, example in content.get("examples", {}).items()}


class Document:
    """A document; without one, that of this version of the gateway."""

    def __init__(self, content: dict[str, Any] | None = None) -> None:
        self.content = build() if content is None else content
        resource = Resource(contents=self.content, specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_DOCUMENT, resource)
        self._found = list(self.operations())

    @classmethod
    async def read(cls, caller: Caller) -> "Document":
        """The one that a gateway serves."""
        reply = await caller.get("/openapi.json")
        assert reply.status == 200, reply.body
        return cls(reply.json)

    def operations(self) -> Iterator[Found]:
        """All of them."""
        for path, methods in self.content["paths"].items():
            for method in METHODS:
                if method in methods:
                    yield Found(method, path, methods[method], _pattern(path))

    def find(self, method: str, path: str) -> Found:
        """The operation of a real path; one without a place for an id comes first."""
        fitting = self._fitting(method, path)
        assert fitting, f"{method} {path} is not described: see havuz_gateway.surfaces.openapi"
        return min(fitting, key=lambda found: (found.path.count("{"), -len(found.path)))

    def _fitting(self, method: str, path: str) -> list[Found]:
        plain = path.partition("?")[0]
        return [found for found in self._found if found.method == method.lower() and found.pattern.fullmatch(plain)]

    def complaints(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        """What is wrong with a value of a schema that stands in the document."""
        whole = json.loads(json.dumps(schema).replace('"#/', f'"{_DOCUMENT}#/'))
        validator = Draft202012Validator(whole, registry=self._registry)
        return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]

    def check(self, method: str, path: str, reply: Reply) -> None:
        """That an answer is one of those that are described: its status, its headers and its body."""
        self._check_head(method, path, reply)
        found = self.find(method, path)
        self._check_body(found, self._described(found, reply).get("content", {}), reply)

    def check_known(self, method: str, path: str, reply: Reply) -> None:
        """The same, but for refusals of what is no operation, and for what providers say: tests let them say all."""
        of_api = not path.startswith(_NO_API)
        if (reply.status < 400 and of_api) or self._fitting(method, path):
            (self._check_head if reply.status < 400 and _ATTEMPTS in reply.headers else self.check)(method, path, reply)

    def _described(self, found: Found, reply: Reply) -> Mapping[str, Any]:
        answers = found.operation["responses"]
        return self._resolved(answers.get(str(reply.status), answers.get("default")))

    def _check_head(self, method: str, path: str, reply: Reply) -> None:
        found = self.find(method, path)
        answers = found.operation["responses"]
        answer = self._described(found, reply)
        assert str(reply.status) in answers or reply.status >= 400, f"{reply.status} of {path} is not described"
        unknown = set(reply.headers) - _ALWAYS - _ELSEWHERE - set(answer.get("headers", {}))
        assert {name for name in unknown if not name.startswith("anthropic-ratelimit")} == set(), unknown
        for name, value in reply.headers.items():
            if name in answer.get("headers", {}):
                self._check_header(name, value)

    def _check_header(self, name: str, value: str) -> None:
        schema = self.content["components"]["headers"][name]["schema"]
        typed: Any = float(value) if schema["type"] in ("number", "integer") else value
        assert self.complaints(schema, typed) == [], (name, value)

    def _check_body(self, found: Found, content: Mapping[str, Any], reply: Reply) -> None:
        kind = reply.headers.get("content-type", "").partition(";")[0]
        if not content:
            assert reply.body == b""
            return
        shown = content.get(kind) or content.get(kind.partition("/")[0] + "/*")
        assert shown is not None, f"{kind} is not described for {found.path}"
        if kind == "application/json":
            assert self.complaints(shown["schema"], reply.json) == [], reply.body[:1_000]
        elif kind == _EVENTS:
            for event in events_of(reply.body):
                broken = set(event) == {"error"}  # each form of an error is told so, or is an event like others
                schema = {"$ref": "#/components/schemas/AnyError"} if broken else shown["x-event"]
                assert self.complaints(schema, event) == [], event

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in value:
            return value
        place: Any = self.content
        for name in value["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        assert isinstance(place, Mapping)
        return place


def events_of(body: bytes) -> list[Any]:
    """The data of each event, without the mark that ends a stream."""
    lines = [line.removeprefix("data:").strip() for line in body.decode().splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        "".join(".+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", path))
    )
