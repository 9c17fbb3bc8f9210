"""The lines of requests, written for a fraction of what a `LogRecord` costs and joined per turn of the event loop."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from havuz_gateway.protocols.json_text import dump

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
        told = {name: _rounded(value) for name, value in fields.items() if value is not None}
        return f'{{"time":"{self._time()}",{_CONSTANT},{dump(told)[1:]}\n'

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


def _rounded(value: Any) -> Any:
    return round(value, 6) if type(value) is float else value
