"""Structured logs: one JSON object per line, and one line per request. No prompt, no key, no query string."""

import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Literal, TextIO

from havuz_contract.log_lines import JsonFormatter, TextFormatter
from havuz_gateway.telemetry.request_log import RequestLines

Form = Literal["json", "text"]

_log = logging.getLogger(__name__)
_requests = logging.getLogger("havuz_gateway.requests")


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


def request_failed(error: Exception, request_id: str) -> None:
    """Write down what nobody foresaw. Type and place only: the message of an exception may quote the request."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error(
        "a request failed unexpectedly",
        extra={"request_id": request_id, "error_type": type(error).__name__, "frames": frames},
    )


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
