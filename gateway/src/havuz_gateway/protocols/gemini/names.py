"""Member names: Google's servers take `systemInstruction` and `system_instruction` alike, so havuz does too.

A body is turned to camelCase before anything reads it; how its members were written is kept, and given back to
Google. Maps whose keys are the user's own (arguments, schemas, labels) are left alone.
https://protobuf.dev/programming-guides/json/
"""

from typing import Any

Tree = dict[str | int, tuple[str | None, Any]]  # member or index -> how it was written, and the tree below it
_FREE = frozenset(
    {
        "args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema",
        "_responseJsonSchema", "responseFormat", "partMetadata", "labels", "partialArgs",
    }
)  # fmt: skip


def camelled(value: Any) -> tuple[Any, Tree]:
    """The value with its members in camelCase, and a tree of how they were written, empty where nothing changed."""
    match value:
        case dict():
            return _object(value)
        case list():
            tree: Tree = {}
            items = []
            for index, item in enumerate(value):
                inner, below = camelled(item)
                items.append(inner)
                if below:
                    tree[index] = (None, below)
            return (items if tree else value), tree
        case _:
            return value, {}


def _object(value: dict[str, Any]) -> tuple[dict[str, Any], Tree]:
    found: dict[str, Any] = {}
    tree: Tree = {}
    for name, inner in value.items():
        camel = _camel(name) if "_" in name[1:] else name
        if camel in value:
            camel = name
        found[camel], below = (inner, {}) if camel in _FREE else camelled(inner)
        if camel != name or below:
            tree[camel] = (name if camel != name else None, below)
    return (found if tree else value), tree


def as_written(value: Any, tree: Tree) -> Any:
    """The value with its members written as `camelled` found them. What is new stays in camelCase."""
    if not tree:
        return value
    match value:
        case dict():
            named = ((name, inner, *tree.get(name, (None, {}))) for name, inner in value.items())
            return {own or name: as_written(inner, below) for name, inner, own, below in named}
        case list():
            return [as_written(item, tree.get(index, (None, {}))[1]) for index, item in enumerate(value)]
        case _:
            return value


def _camel(name: str) -> str:
    front = "_" if name.startswith("_") else ""
    first, *others = name.strip("_").split("_")
    return front + first + "".join(word[:1].upper() + word[1:] for word in others)
