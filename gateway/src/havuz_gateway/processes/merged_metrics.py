"""The metrics of several processes as one page of Prometheus text: each series with the process that counted it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Family:
    """What one metric has: its HELP and TYPE lines, and its samples."""

    about: list[str] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)


def merge(pages: Mapping[str, bytes]) -> bytes:
    """One page of several: `pages` by worker. All samples of a metric stand together, as the format wants it."""
    families: dict[str, _Family] = {}
    for worker, page in pages.items():
        family = _Family()
        for line in page.decode().splitlines():
            if line.startswith("# HELP "):
                family = families.setdefault(line.split(" ", 3)[2], _Family())
                if not family.samples:
                    family.about = [line]
            elif line.startswith("# TYPE "):
                if not family.samples:
                    family.about.append(line)
            elif line:
                family.samples.append(_labelled(line, worker))
    lines = [line for family in families.values() for line in (*family.about, *family.samples)]
    return ("\n".join(lines) + "\n").encode() if lines else b""


def _labelled(sample: str, worker: str) -> str:
    """A sample such as `name{label="value"} 1` with one more label; a metric's name has no brace of its own."""
    name, brace, rest = sample.partition("{")
    if brace:
        return f'{name}{{worker="{worker}",{rest}'
    name, _, value = sample.partition(" ")
    return f'{name}{{worker="{worker}"}} {value}'
