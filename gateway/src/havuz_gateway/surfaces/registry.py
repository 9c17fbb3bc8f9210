"""Which surface and endpoint a path belongs to: one dictionary look-up, and a prefix for the few templated paths."""

from collections.abc import Iterable
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
    """Every path of every surface. `default` renders errors on paths that no surface has."""

    def __init__(self, surfaces: Iterable[Surface], *, default: Surface) -> None:
        self.default = default
        self._paths: dict[str, Place] = {}
        self._prefixes: list[tuple[str, Place]] = []
        for surface in surfaces:
            for path, methods in surface.paths.items():
                if path in self._paths:
                    raise ValueError(f"path {path!r} is on two surfaces; the second is {surface.name!r}")
                self._paths[path] = _place(surface, methods)
            self._prefixes += [(prefix, _place(surface, methods)) for prefix, methods in surface.prefixes.items()]

    def find(self, path: str) -> Place:
        """The place of `path`. Raises `NotFound`."""
        place = self._paths.get(path)
        if place is not None:
            return place
        for prefix, templated in self._prefixes:
            if path.startswith(prefix) and len(path) > len(prefix):
                return templated
        raise NotFound(f"the path {path[:200]!r} does not exist: check the base URL and the endpoint's name")

    def template(self, path: str) -> str | None:
        """The path as it is registered, for logs: without what a client put in an id's place. None where it is not."""
        if path in self._paths:
            return path
        return next((prefix for prefix, _ in self._prefixes if path.startswith(prefix)), None)


def _place(surface: Surface, methods: Methods) -> Place:
    named = set(methods) | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return Place(surface=surface, methods=methods, allow=", ".join(sorted(named)))
