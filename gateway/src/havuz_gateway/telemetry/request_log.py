"""The lines of requests, written for a fraction of what a `LogRecord` costs and joined per turn of the event loop."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any, TextIO

_CONSTANT = '"level":"info","logger":"havuz_gateway.requests","event":"request"'


class RequestLines(logging.Handler):
    """Takes the fields of a request directly; as a handler, it takes its place in the configuration of `logging`.

    `wall` is unix seconds.
    """

    def __init__(self, stream: TextIO, *, json_lines: bool, wall: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._stream = stream
        self._json = json_lines
        self._wall = wall
        self._waiting: list[str] = []
        self._second = (0, "")

    def write(self, fields: Mapping[str, Any]) -> None:
        """Write one line: at the end of this turn of the event loop, or now where none runs."""
        self._waiting.append(self._json_line(fields) if self._json else self._text_line(fields))
        if len(self._waiting) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            self.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record that came the usual way."""
        self.write({"message": record.getMessage()})

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            text = "".join(self._waiting)
            self._waiting.clear()
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                return  # nobody reads the log any more: no reason to fail a request

    def _json_line(self, fields: Mapping[str, Any]) -> str:
        members = ",".join([f'"{name}":{_json(value)}' for name, value in fields.items() if value is not None])
        return f'{{"time":"{self._time()}",{_CONSTANT},{members}}}\n'

    def _text_line(self, fields: Mapping[str, Any]) -> str:
        words = " ".join([f"{name}={_word(value)}" for name, value in fields.items() if value not in (None, [])])
        return f"{self._time()[11:19]} info request {words}\n"

    def _time(self) -> str:
        now = self._wall()
        second = int(now)
        if second != self._second[0]:
            self._second = (second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))
        return f"{self._second[1]}.{int((now - second) * 1000):03d}Z"


def _word(value: Any) -> str:
    match value:
        case float():
            return f"{value:.4f}"
        case list() | tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)


def _json(value: Any) -> str:
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    return encode_basestring(str(value))  # a StrEnum, or what a caller should not have given


def _json_list(values: Iterable[Any]) -> str:
    return f"[{','.join([_json(value) for value in values])}]"


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: str,
    float: "{:.6f}".format,
    bool: {True: "true", False: "false"}.__getitem__,
    list: _json_list,
    tuple: _json_list,
}
