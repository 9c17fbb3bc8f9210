"""Structured logs: one JSON object per line, and one line per request. No prompt, no key, no query string."""

import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import Any, Literal, TextIO

from havuz_gateway.telemetry.request_log import RequestLines

Form = Literal["json", "text"]

_requests = logging.getLogger("havuz_gateway.requests")

# What a record has of its own; the rest of its attributes came with `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

# A belt: callers log no secret. What looks like one all the same is not written.
_SECRET = re.compile(
    r"(?i:bearer )[^\s\"\\]+"
    r"|\b(?:sk|pk|rk|gsk|xai)[-_][A-Za-z0-9_\-]{8,}"
    r"|\bAIza[A-Za-z0-9_\-]{20,}"
    r"|(?<=[?&])(?i:key|api_key|apikey|token|access_token)=[^&\s\"\\]+"
)
_REDACTED = "[redacted]"


def request_ended(fields: Mapping[str, Any]) -> None:
    """Write the line of one request. Values are strings, numbers, booleans, None, or lists of those.

    Called with plain values from configuration and tables only, so that no belt is needed here.
    """
    if not _requests.isEnabledFor(logging.INFO):
        return
    handlers = _requests.handlers
    if handlers and isinstance(handlers[0], RequestLines):
        handlers[0].write(fields)
    else:
        _requests.info("request", extra={f"request_{name}": value for name, value in fields.items()})


def requests_enabled() -> bool:
    """Whether the line of a request is written at all: lets a caller skip gathering its fields."""
    return _requests.isEnabledFor(logging.INFO)


def configure(*, level: str = "INFO", form: Form = "json", stream: TextIO | None = None) -> None:
    """Send every log of this process to `stream` (standard output). Replaces what was configured before."""
    target = stream or sys.stdout
    handler = logging.StreamHandler(target)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _requests.handlers[:] = [RequestLines(target, json_lines=form == "json")]
    _requests.propagate = False


class JsonFormatter(logging.Formatter):
    """`{"time": …, "level": …, "logger": …, "event": …, …}`: time in RFC 3339, UTC; then what the record brings."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        whole, part = divmod(record.created, 1)
        line: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int(part * 1000):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redact(json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str))


class TextFormatter(logging.Formatter):
    """The same for a person: `12:00:00 info event key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of words, then a traceback where there is one."""
        words = [time.strftime("%H:%M:%S", time.localtime(record.created)), record.levelname.lower()]
        words.append(record.getMessage())
        words += [f"{name}={value}" for name, value in _extra(record).items() if value is not None]
        text = " ".join(words)
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return redact(text)


def redact(text: str) -> str:
    """`text` without what looks like a credential."""
    return _SECRET.sub(_REDACTED, text)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OWN}
