"""The operator's log lines: kopf's own attributes and what looks like a key stay out of them."""

import json
import logging
from collections.abc import Iterator

import pytest

from havuz_operator import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    noisy = [logging.getLogger(name) for name in ("kopf", "kubernetes", "urllib3", "aiohttp")]
    before = root.handlers[:], root.level, [one.level for one in noisy]
    yield
    root.handlers[:], root.level = before[0], before[1]
    for one, level in zip(noisy, before[2], strict=True):
        one.setLevel(level)


def _told(capsys: pytest.CaptureFixture[str], form: str) -> str:
    logs.configure("info", "json" if form == "json" else "text")
    given = {"revision": 7, "k8s_ref": {"uid": "u"}, "seen": "sk-proj-abcdefgh12345678"}
    logging.getLogger("havuz_operator.reconcile").warning("told %s", "so", extra=given)
    return capsys.readouterr().err


def test_a_line_is_an_object_as_a_gateway_writes_it(capsys: pytest.CaptureFixture[str]) -> None:
    line = json.loads(_told(capsys, "json"))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "havuz_operator.reconcile",
        "event": "told so",
        "revision": 7,
        "seen": "[redacted]",
    }


def test_a_person_gets_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert _told(capsys, "text").endswith(" warning told so revision=7 seen=[redacted]\n")
