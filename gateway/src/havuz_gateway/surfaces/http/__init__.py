"""HTTP behind the surfaces: a front and aiohttp on one side, plain requests and a small writer on the other."""

from havuz_gateway.surfaces.http.bounds import HttpBounds
from havuz_gateway.surfaces.http.edge import HttpEdge

__all__ = ["HttpBounds", "HttpEdge"]
