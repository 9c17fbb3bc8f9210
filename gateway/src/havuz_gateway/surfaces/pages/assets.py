"""Style sheets, scripts and marks, under names that change with their content so that browsers keep them for ever."""

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from havuz_gateway.surfaces.pages.sites import Site

PREFIX = "/dashboard/static/"
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_DIGEST_LETTERS = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. `packed` is the same, as gzip."""

    content_type: str
    body: bytes
    packed: bytes


class Assets:
    """Every file below `static/`, and two for each site: its colours and its mark."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self._by_path: dict[str, Asset] = {}
        self._paths: dict[str, str] = {}
        for file in resources.files(__package__).joinpath("static").iterdir():
            self._add(file.name, _text(file))
        for site in sites:
            self._add(_colours_name(site), _colours(site))
            self._add(_mark_name(site), _mark(site))

    def path(self, name: str) -> str:
        """Where `static/<name>` is served. Raises `KeyError`."""
        return self._paths[name]

    def colours(self, site: Site) -> str:
        """Where the style sheet with a site's colours is."""
        return self._paths[_colours_name(site)]

    def mark(self, site: Site) -> str:
        """Where a site's mark is, which stands in the browser's tab."""
        return self._paths[_mark_name(site)]

    def find(self, path: str) -> Asset | None:
        """The file that is served at a path."""
        return self._by_path.get(path)

    def _add(self, name: str, text: str) -> None:
        body = text.encode()
        stem, _, ending = name.rpartition(".")
        path = f"{PREFIX}{stem}.{hashlib.sha256(body).hexdigest()[:_DIGEST_LETTERS]}.{ending}"
        self._by_path[path] = Asset(_TYPES[ending], body, gzip.compress(body, mtime=0))
        self._paths[name] = path


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")


def _colours_name(site: Site) -> str:
    return f"site-{site.accent.removeprefix('#')}.css"


def _mark_name(site: Site) -> str:
    return f"mark-{site.accent.removeprefix('#')}-{site.mark}.svg"


def _colours(site: Site) -> str:
    dark = site.accent_in_the_dark
    return (
        f":root{{--accent:{site.accent};--on-accent:#ffffff}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:#0b0c0f}}}}\n"
    )


def _mark(site: Site) -> str:
    said = site.mark.replace("&", "&amp;").replace("<", "&lt;")
    size = {1: 19, 2: 15}.get(len(site.mark), 11)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="8" fill="{site.accent}"/>'
        f'<text x="16" y="17" fill="#fff" font-family="system-ui,sans-serif" font-weight="700" font-size="{size}" '
        f'text-anchor="middle" dominant-baseline="central">{said}</text></svg>\n'
    )
