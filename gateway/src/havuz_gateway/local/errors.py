"""What keeps local mode from starting."""


class LocalError(Exception):
    """Local mode can't start; the message says why and what to do."""
