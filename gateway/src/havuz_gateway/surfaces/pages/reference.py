"""The API reference: the document that the gateway serves, as pages for people."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from havuz_gateway.errors import NotFound
from havuz_gateway.surfaces.openapi import PATH, document, errors
from havuz_gateway.surfaces.openapi.operation import JSON, Operation
from havuz_gateway.surfaces.pages import snippets
from havuz_gateway.surfaces.pages.answers import Answer, Page, Visit
from havuz_gateway.surfaces.pages.schema_rows import rows_of, shown_type

_DOCUMENT = document.build()
_OPERATIONS = document.operations()
_SCHEMAS: Mapping[str, Any] = _DOCUMENT["components"]["schemas"]
_HEADERS: Mapping[str, Any] = _DOCUMENT["components"]["headers"]
_SLUGS = {tag.lower().replace(" ", "-"): tag for tag in document.TAGS}
# What the examples of a section ask for, so that they can be shown with a model that the key may use.
_ASKS_FOR = {"Chat": "chat", "Responses": "chat", "Messages": "chat", "Embeddings": "embeddings", "Images": "image"}
_CODE = Markup("<code>{}</code>")
_TRANSLATIONS = {
    "tr": json.loads(resources.files(__package__).joinpath("document_tr.json").read_text(encoding="utf-8"))
}


def translated(text: str, language: str) -> str:
    """A sentence of the document in a language; as it is where nobody has translated it."""
    found = _TRANSLATIONS.get(language, {}).get(text, text)
    return str(found)


def _marked(text: str, language: str) -> Markup:
    """The same as HTML, with what stands in backticks as code."""
    parts = escape(translated(text, language)).split("`")
    return Markup("").join(part if place % 2 == 0 else _CODE.format(part) for place, part in enumerate(parts))


async def contents(visit: Visit) -> Answer:
    """Every section with its operations, and the errors that all of them share."""
    sections = [
        {"slug": slug, "tag": tag, "words": document.TAGS[tag], "operations": [o for o in _OPERATIONS if o.tag == tag]}
        for slug, tag in _SLUGS.items()
    ]
    return Page(
        "reference.html",
        {
            "sections": sections,
            "about": _DOCUMENT["info"]["description"],
            "statuses": errors.STATUSES,
            "headers": [(name, header["description"]) for name, header in _HEADERS.items()],
            "document": PATH,
            "d": lambda text: _marked(text, visit.language.code),
        },
    )


async def section(visit: Visit) -> Answer:
    """The operations of one section, whole. Raises `NotFound`."""
    tag = _SLUGS.get(visit.parts["section"])
    if tag is None:
        raise NotFound("the API reference has no such section: begin at its contents")
    model = _usable(visit, tag)
    return Page(
        "reference_section.html",
        {
            "tag": tag,
            "words": document.TAGS[tag],
            "operations": [_shown(one, visit, model) for one in _OPERATIONS if one.tag == tag],
            "d": lambda text: _marked(text, visit.language.code),
        },
    )


def _usable(visit: Visit, tag: str) -> str | None:
    """A model that the examples of a section can be sent with by this key."""
    wanted = _ASKS_FOR.get(tag)
    routes = visit.services.view().routes(visit.identity.project, visit.now)
    return next((route.model for route in routes if wanted in route.operations), None)


def _shown(operation: Operation, visit: Visit, model: str | None) -> dict[str, Any]:
    """What the template shows of one operation."""
    body = operation.body
    return {
        "operation": operation,
        "parameters": [
            {
                "name": one.name,
                "place": one.place,
                "type": shown_type(one.schema, _SCHEMAS),
                "required": one.required or one.place == "path",
                "words": one.words,
            }
            for one in operation.parameters
        ],
        "bodies": [] if body is None else [(kind, rows_of(schema, _SCHEMAS)) for kind, schema in body.contents.items()],
        "curl": _curl(operation, visit.base_url, model),
        "answers": [
            {
                "status": status,
                "words": answer.words,
                "kinds": [*answer.contents, *(["text/event-stream"] if answer.events else [])],
                "rows": rows_of(answer.contents[JSON], _SCHEMAS) if JSON in answer.contents else [],
                "headers": [name for name in answer.headers if name in _HEADERS],
            }
            for status, answer in operation.answers.items()
        ],
    }


def _curl(operation: Operation, base_url: str, model: str | None) -> str | None:
    """The first example as a command; None where it can't be told without an id or a file."""
    path = operation.path
    for parameter in operation.parameters:
        if parameter.place == "path":
            if parameter.example is None:
                return None
            path = path.replace(f"{{{parameter.name}}}", str(parameter.example))
        elif parameter.required:
            return None
    if operation.body is None:
        return snippets.curl(base_url, path, None, method=operation.method.upper())
    if not operation.body.examples:
        return None
    example = dict(next(iter(operation.body.examples.values())))
    if model is not None and "model" in example:
        example["model"] = model
    return snippets.curl(base_url, path, example)
