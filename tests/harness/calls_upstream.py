"""Requests as the pipeline makes them to a provider, for tests of the HTTP client."""

from harness.raw_provider import RawProvider
from havuz_gateway.transport.base import Payload, Transport, UpstreamRequest


def request_to(provider: RawProvider, *, method: str = "POST", body: bytes | Payload = b"{}") -> UpstreamRequest:
    """A request with a small body."""
    return UpstreamRequest(method=method, url=provider.url, headers={"x-test": "yes"}, body=body)


async def ask(transport: Transport, request: UpstreamRequest) -> tuple[int, bytes]:
    """Status and whole body. Raises `TransportFailure`."""
    response = await transport.send(request)
    try:
        return response.status, await response.read(100_000_000)
    finally:
        response.close()
