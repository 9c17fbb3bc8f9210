"""Logs: one event per line, as JSON or as text, without anything that a Secret holds."""

import json
import logging
import sys
from typing import Literal

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_KOPF_OWN = frozenset({"k8s_ref", "k8s_skip", "settings"})


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, and what the caller gave as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line | _given(record), default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A record for eyes: time, level, message, and `name=value` for the rest."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        given = "".join(f" {name}={value}" for name, value in _given(record).items())
        line = f"{self.formatTime(record)} {record.levelname.lower():7} {record.getMessage()}{given}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _given(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD and name not in _KOPF_OWN}


def configure(level: str, form: Literal["json", "text"]) -> None:
    """Send every log line to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # kopf reports each event of each object; what is worth telling of them, this operator tells itself.
    for noisy in ("kopf", "kubernetes", "urllib3", "aiohttp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
