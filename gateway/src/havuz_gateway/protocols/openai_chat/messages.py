"""Checks of the conversation: roles, contents, parts, tool calls. The common case, a string content, costs little."""

from collections.abc import Mapping
from typing import Any

from havuz_gateway.protocols.openai.complaints import missing, wrong
from havuz_gateway.protocols.openai.fields import Check, array, mapping, one_of, text

_CONTENT = "a string or a non-empty array of content parts"
ROLES = frozenset({"developer", "system", "user", "assistant", "tool", "function"})
_ROLES_WANTED = "'developer', 'system', 'user', 'assistant', 'tool' or 'function'"
# An assistant message with one of these needs no content.
_INSTEAD_OF_CONTENT = ("tool_calls", "function_call", "refusal", "audio")
_IMAGE_SCHEMES = ("https://", "http://", "data:")
_SCHEME = 8  # characters: of a picture in the URL itself, no copy is made
_detail = one_of("auto", "low", "high")


def check_messages(messages: Any) -> None:
    """Check the whole array. Raises `InvalidRequest` whose `param` is like `messages[2].content`."""
    if type(messages) is not list or not messages:
        raise wrong("messages", messages, "a non-empty array of messages")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise wrong(f"messages[{index}]", message, "an object with 'role' and 'content'")
        role = message.get("role")
        if type(role) is not str or role not in ROLES:
            raise _wrong_role(f"messages[{index}].role", message)
        if type(message.get("content")) is not str or role == "tool" or "tool_calls" in message:
            _check_message(f"messages[{index}]", role, message)


def _wrong_role(path: str, message: Mapping[str, Any]) -> Exception:
    return wrong(path, message["role"], _ROLES_WANTED) if "role" in message else missing(path, _ROLES_WANTED)


def _check_message(path: str, role: str, message: Mapping[str, Any]) -> None:
    content = message.get("content")
    if content is not None:
        _check_content(f"{path}.content", content)
    elif role == "function":
        pass  # a function may return nothing
    elif role != "assistant" or not any(message.get(name) for name in _INSTEAD_OF_CONTENT):
        raise wrong(f"{path}.content", None, _CONTENT) if "content" in message else missing(f"{path}.content", _CONTENT)
    if role == "tool":
        _check_required(path, message, "tool_call_id", text, "the id of the tool call it answers")
    calls = message.get("tool_calls")
    if role == "assistant" and calls is not None:
        _check_tool_calls(f"{path}.tool_calls", calls)


def _check_content(path: str, content: Any) -> None:
    if type(content) is str:
        return
    if type(content) is not list or not content:
        raise wrong(path, content, _CONTENT)
    for index, part in enumerate(content):
        _check_part(f"{path}[{index}]", part)


def _check_part(path: str, part: Any) -> None:
    if type(part) is not dict:
        raise wrong(path, part, "an object with a 'type'")
    _check_required(path, part, "type", text, "a string such as 'text' or 'image_url'")
    kind = part["type"]
    if kind == "image_url":
        _check_image(f"{path}.image_url", part.get("image_url"), given="image_url" in part)
    elif kind in _PARTS:
        check, wanted = _PARTS[kind]
        _check_required(path, part, kind, check, wanted)


# The member that a part of this type must have; it is named like the type. Other types are the provider's to judge.
_PARTS: dict[str, tuple[Check, str]] = {
    "text": (text, "a string"),
    "refusal": (text, "a string"),
    "input_audio": (mapping, "an object with 'data' and 'format'"),
    "file": (mapping, "an object with 'file_id' or 'file_data'"),
}


def _check_image(path: str, image: Any, *, given: bool) -> None:
    if not given:
        raise missing(path, "an object with a 'url'")
    if type(image) is not dict:
        raise wrong(path, image, "an object with a 'url'")
    url = image.get("url")
    if type(url) is not str or not url[:_SCHEME].lower().startswith(_IMAGE_SCHEMES):
        raise wrong(f"{path}.url", url, "an http(s) URL or a data: URL")
    detail = image.get("detail")
    if detail is not None:
        _detail(f"{path}.detail", detail)


def _check_tool_calls(path: str, calls: Any) -> None:
    array(path, calls)
    for index, call in enumerate(calls):
        place = f"{path}[{index}]"
        mapping(place, call)
        _check_required(place, call, "id", text, "a string")
        if call.get("type", "function") == "function":
            _check_required(place, call, "function", mapping, "an object with 'name' and 'arguments'")
            _check_required(f"{place}.function", call["function"], "name", text, "a string")
            _check_required(f"{place}.function", call["function"], "arguments", text, "a string of JSON")


def _check_required(path: str, fields: Mapping[str, Any], name: str, check: Check, wanted: str) -> None:
    if name not in fields:
        raise missing(f"{path}.{name}", wanted)
    check(f"{path}.{name}", fields[name])
