"""Logs of the operator, and of the libraries it stands on."""

import logging
import sys
from typing import Literal

from havuz_contract.log_lines import JsonFormatter, TextFormatter

_KOPF_OWN = frozenset({"k8s_ref", "k8s_skip", "settings"})


def configure(level: str, form: Literal["json", "text"]) -> None:
    """Send every log line to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(hidden=_KOPF_OWN) if form == "json" else TextFormatter(hidden=_KOPF_OWN))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # kopf reports each event of each object; what is worth telling of them, this operator tells itself.
    for noisy in ("kopf", "kubernetes", "urllib3", "aiohttp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
