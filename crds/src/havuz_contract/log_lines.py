"""Log lines of both processes: one JSON object each, or words, without anything that looks like a credential."""

import json
import logging
import re
import time
from typing import Any

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


class _LineFormatter(logging.Formatter):
    """`hidden` are attributes that a library puts on its records for itself."""

    def __init__(self, *, hidden: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._not_given = _OWN | hidden

    def _given(self, record: logging.LogRecord) -> dict[str, Any]:
        return {name: value for name, value in vars(record).items() if name not in self._not_given}


class JsonFormatter(_LineFormatter):
    """`{"time": …, "level": …, "logger": …, "event": …, …}`: time in RFC 3339, UTC; then what the record brings."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        whole, part = divmod(record.created, 1)
        line: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int(part * 1000):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **self._given(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redact(json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str))


class TextFormatter(_LineFormatter):
    """The same for a person: `12:00:00 info event key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of words, then a traceback where there is one."""
        words = [time.strftime("%H:%M:%S", time.localtime(record.created)), record.levelname.lower()]
        words.append(record.getMessage())
        words += [f"{name}={value}" for name, value in self._given(record).items() if value is not None]
        text = " ".join(words)
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return redact(text)


def redact(text: str) -> str:
    """`text` without what looks like a credential."""
    return _SECRET.sub(_REDACTED, text)
