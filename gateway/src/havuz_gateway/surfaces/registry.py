"""Which surface and endpoint a path belongs to: one dictionary look-up, and a prefix for the few templated paths."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from havuz_gateway.errors import MethodNotAllowed, NotFound
from havuz_gateway.surfaces.base import Endpoint, Methods, Surface


@dataclass(frozen=True, slots=True)
class Place:
    """A path that exists: the surface it is on and what its methods do."""

    surface: Surface
    methods: Methods
    allow: str  # for the `allow` header

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        """What answers `method`; None means OPTIONS, which only asks for `allow`. Raises `MethodNotAllowed`."""
        known = self.methods.get(method)
        if known is not None:
            return known
        if method == "HEAD" and "GET" in self.methods:
            return self.methods["GET"]
        if method == "OPTIONS":
            return None
        raise MethodNotAllowed(
            f"{path!r} does not take {method[:20]!r}: use {self.allow}", headers={"allow": self.allow}
        )


class Registry:
    """Every path of every surface. `default` renders errors on paths that no surface has.

    A surface that clients ask for by a header may share paths with others, if it stands behind them.
    """

    def __init__(self, surfaces: Iterable[Surface], *, default: Surface) -> None:
        self.default = default
        self._paths: dict[str, Place] = {}
        self._prefixes: dict[str, Place] = {}
        self._asked: list[tuple[str, Surface]] = []
        self._shared: dict[str, dict[str, Place]] = {}  # by path or prefix, then by the header that asks
        for surface in surfaces:
            if surface.asked_by is not None:
                self._asked.append((surface.asked_by, surface))
            self._add(surface, surface.paths, self._paths)
            self._add(surface, surface.prefixes, self._prefixes)

    def find(self, path: str, headers: Container[str] = ()) -> Place:
        """The place of `path`; `headers` are names that the request has. Raises `NotFound`."""
        place = self._paths.get(path)
        if place is not None:
            return self._chosen(path, place, headers)
        for prefix, templated in self._prefixes.items():
            if path.startswith(prefix) and len(path) > len(prefix):
                return self._chosen(prefix, templated, headers)
        raise NotFound(f"the path {path[:200]!r} does not exist: check the base URL and the endpoint's name")

    def unknown(self, headers: Container[str]) -> Surface:
        """The surface that answers where no path is known."""
        return next((surface for header, surface in self._asked if header in headers), self.default)

    def template(self, path: str) -> str | None:
        """The path as it is registered, for logs: without what a client put in an id's place. None where it is not."""
        if path in self._paths:
            return path
        return next((prefix for prefix in self._prefixes if path.startswith(prefix)), None)

    def _add(self, surface: Surface, added: Mapping[str, Methods], known: dict[str, Place]) -> None:
        for path, methods in added.items():
            if path not in known:
                known[path] = _place(surface, methods)
            elif surface.asked_by is not None and surface.asked_by not in self._shared.get(path, {}):
                self._shared.setdefault(path, {})[surface.asked_by] = _place(surface, methods)
            else:
                raise ValueError(f"path {path!r} is on two surfaces; the second is {surface.name!r}")

    def _chosen(self, path: str, place: Place, headers: Container[str]) -> Place:
        others = self._shared.get(path)
        if others is None:
            return place
        return next((other for header, other in others.items() if header in headers), place)


def _place(surface: Surface, methods: Methods) -> Place:
    named = set(methods) | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return Place(surface=surface, methods=methods, allow=", ".join(sorted(named)))
