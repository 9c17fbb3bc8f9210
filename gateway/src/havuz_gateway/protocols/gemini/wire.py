"""Small things of the generateContent wire that requests, answers and streams share.

https://ai.google.dev/api/generate-content
"""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.json_text import dump, load_object
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.errors import wrong_answer, wrong_field
from havuz_gateway.protocols.neutral.extensions import Extensions, restored, spelling

PROTOCOL = "gemini"
CONTENT = f"{PROTOCOL}.content"  # of an answer's candidate
SPELLING = spelling(PROTOCOL)
NAMES = spelling(f"{PROTOCOL}.names")  # of a request: how its members were written
CONFIG_SPELLING = spelling(f"{PROTOCOL}.generationConfig")
INVALID_ARGUMENTS = "INVALID_JSON"
# Google documents this text in place of the signature of a call that Gemini did not make.
# https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
FOREIGN_CALL = "skip_thought_signature_validator"


def request_members(value: Any, path: str) -> Members:
    """An object of a request."""
    return Members(value, path, wrong_field)


def answer_members(value: Any, path: str) -> Members:
    """An object of an answer."""
    return Members(value, path, wrong_answer)


def written(members: Mapping[str, Any], extensions: Extensions, *, of: str = PROTOCOL) -> dict[str, Any]:
    """An encoded object with what was kept of it; what is spelled None was not there, and is left out."""
    if not extensions:
        return dict(members)
    absent = [name for name, value in extensions.get(spelling(of), {}).items() if value is None]
    body = restored(of, members, extensions)
    return {name: value for name, value in body.items() if name not in absent} if absent else body


def read_arguments(value: Mapping[str, Any] | None) -> str:
    """A function call's arguments as JSON text."""
    match value:
        case {"INVALID_JSON": str() as text, **rest} if not rest:
            return text
        case _:
            return dump(value or {})


def write_arguments(arguments: str) -> dict[str, Any]:
    """A function call's arguments as an object, which is all that Gemini takes; other text is wrapped in one."""
    if not arguments.strip():
        return {}
    value = load_object(arguments)
    return {INVALID_ARGUMENTS: arguments} if value is None else value
