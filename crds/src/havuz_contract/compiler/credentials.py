"""Reading single values out of Secrets, with a sentence where one is missing or can not be used."""

from collections.abc import Mapping
from dataclasses import dataclass

from havuz_contract.v1alpha1.conditions import Reason
from havuz_contract.v1alpha1.shared import SecretKeyRef

Secrets = Mapping[tuple[str, str], Mapping[str, str]]
"""(namespace, name) of a Secret to its entries, decoded."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a Secret gives no usable value."""

    reason: Reason
    sentence: str


def find(secrets: Secrets, namespace: str, ref: SecretKeyRef) -> str | Missing:
    """The text that `ref` points at, without white space around it, or why there is none."""
    entries = secrets.get((namespace, ref.name))
    if entries is None:
        return Missing("SecretNotFound", f"Secret {ref.name!r} does not exist in namespace {namespace!r}; create it")
    value = entries.get(ref.key)
    if value is None:
        return Missing("SecretNotFound", f"Secret {ref.name!r} has no entry {ref.key!r}; add it")
    if not value.strip():
        return Missing("SecretNotFound", f"Secret {ref.name!r} has nothing in its entry {ref.key!r}; fill it")
    return value.strip()


def find_token(secrets: Secrets, namespace: str, ref: SecretKeyRef) -> str | Missing:
    """Like `find`, for a text that travels in a header: printable ASCII without spaces."""
    value = find(secrets, namespace, ref)
    if isinstance(value, Missing) or all("!" <= character <= "~" for character in value):
        return value
    sentence = f"entry {ref.key!r} of Secret {ref.name!r} has characters that no key has (spaces, line breaks, accents)"
    return Missing("InvalidSecret", f"{sentence}; write the key alone into it")
