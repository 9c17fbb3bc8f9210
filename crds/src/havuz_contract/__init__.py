"""The contract: the three kinds, their compiler, and what flows between operator and gateway."""
