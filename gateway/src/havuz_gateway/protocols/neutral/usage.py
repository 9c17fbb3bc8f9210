"""Token usage in the neutral form: input includes cache reads and writes, output includes reasoning."""

from havuz_gateway.protocols.usage import Usage

__all__ = ["Usage"]
