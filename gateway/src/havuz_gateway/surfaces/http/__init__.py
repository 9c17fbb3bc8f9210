"""HTTP behind the surfaces: aiohttp on one side, plain requests and a small writer on the other."""

from havuz_gateway.surfaces.http.edge import HttpBounds, HttpEdge

__all__ = ["HttpBounds", "HttpEdge"]
