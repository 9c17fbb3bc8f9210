"""Function calls and their results, which name one another by `id` in newer traffic and only by name in older.

https://ai.google.dev/api/caching#FunctionCall, https://ai.google.dev/api/caching#FunctionResponse
"""

from typing import Any

from havuz_gateway.protocols.gemini.media import read_media
from havuz_gateway.protocols.gemini.wire import (
    PROTOCOL,
    SPELLING,
    read_arguments,
    write_arguments,
    written,
)
from havuz_gateway.protocols.json_text import dump, load_object
from havuz_gateway.protocols.members import Members
from havuz_gateway.protocols.neutral.content import Content, Part, Text, ToolCall, ToolResult
from havuz_gateway.protocols.neutral.extensions import kept

_MEDIA = ("inlineData", "fileData")


class CallIds:
    """Gives ids to calls that came without, by their place, and finds the call that a result without one answers."""

    __slots__ = ("_count", "_prefix", "_waiting")

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0
        self._waiting: list[tuple[str, str]] = []  # name and id of calls without a result

    def of_call(self, given: str | None, name: str) -> str:
        """The id of the next call."""
        call_id = given or f"{self._prefix}_{self._count}"
        self._count += 1
        self._waiting.append((name, call_id))
        return call_id

    def of_result(self, given: str | None, name: str) -> str:
        """The id of the call that a result answers: the first of its name that waits."""
        fitting = [call for call in self._waiting if (call[1] == given if given else call[0] == name)]
        if fitting:
            self._waiting.remove(fitting[0])
            return fitting[0][1]
        return given or f"{self._prefix}_{name}"


def read_call(part: Members, ids: CallIds) -> ToolCall:
    """A `functionCall` part. A call with neither id nor signature is kept as just that: older models give neither."""
    raw, call = part.peek("functionCall"), part.members("functionCall")
    if call is None:
        raise part.wrong("functionCall", None, "an object with a 'name'")
    given, name, arguments = call.text("id"), call.needed_text("name"), call.mapping("args")
    signature = part.text("thoughtSignature")
    spelled: dict[str, Any] = {}
    if given is None or arguments is None or call.rest():
        spelled["functionCall"] = raw
    if given is None and signature is None:
        spelled["thoughtSignature"] = None
    if call.peek("partialArgs") is not None or call.peek("willContinue") is True:
        raise call.wrong("partialArgs", call.peek("partialArgs"), "left out: arguments in pieces are not asked for")
    return ToolCall(
        ids.of_call(given, name),
        name,
        read_arguments(arguments),
        signature=signature,
        extensions=kept(PROTOCOL, part.rest(), spelled=spelled),
    )


def write_call(call: ToolCall) -> dict[str, Any]:
    """A `functionCall` part."""
    arguments = {"input": call.arguments} if call.kind == "custom" else write_arguments(call.arguments)
    members: dict[str, Any] = {"functionCall": {"id": call.id, "name": call.name, "args": arguments}}
    if call.signature is not None:
        members["thoughtSignature"] = call.signature
    return written(members, call.extensions)


def read_result(part: Members, ids: CallIds) -> ToolResult:
    """A `functionResponse` part."""
    raw, result = part.peek("functionResponse"), part.members("functionResponse")
    if result is None:
        raise part.wrong("functionResponse", None, "an object with 'name' and 'response'")
    given, name = result.text("id"), result.needed_text("name")
    answer = result.mapping("response")
    media = [_result_media(inner) for inner in result.each("parts")]
    content, failed = _read_answer(answer)
    parts: Content | None = content
    if media:
        parts = (*((Text(content),) if content is not None else ()), *media)
    result_id = ids.of_result(given, name)
    same = {"id": result_id, "name": name, "response": write_answer(content, failed=failed)}
    if media:
        same["parts"] = raw.get("parts")
    spelled = {} if same == raw else {"functionResponse": raw}
    extensions = kept(PROTOCOL, part.rest(), spelled=spelled)
    return ToolResult(result_id, parts, name=name, is_error=failed, extensions=extensions)


def _result_media(part: Members) -> Part:
    found = read_media(part)
    if found is None:
        raise part.wrong("inlineData", None, "an object with 'mimeType' and 'data'")
    return found


def _read_answer(answer: dict[str, Any] | None) -> tuple[str | None, bool | None]:
    """The text of a result, and whether it is an error. Under `output` or `error` it is plain, else it is JSON."""
    if answer is None:
        return None, None
    if len(answer) == 1:
        output, error = answer.get("output"), answer.get("error")
        if isinstance(output, str):
            return output, None
        if error is not None:
            return error if isinstance(error, str) else dump(answer), True
    return dump(answer), None


def write_answer(text: str | None, *, failed: bool | None) -> dict[str, Any]:
    """`response`, which must be an object: a text that holds one is sent as it, unless it would be misread."""
    if text is None:
        return {}
    value = load_object(text) if text.lstrip().startswith("{") else None
    if value is not None and _read_answer(value) == (dump(value), failed or None):
        return value
    return {"error" if failed else "output": text}


def is_media(written_part: dict[str, Any]) -> bool:
    """Whether an encoded part is one that may stand in a result's `parts`."""
    return any(name in written_part for name in _MEDIA)


def is_unsealed(call: ToolCall) -> bool:
    """Whether a call waits for a signature: one that Gemini itself left without is told by its spelling."""
    return call.signature is None and "thoughtSignature" not in call.extensions.get(SPELLING, {})
