"""`python -m havuz_gateway` is `havuz-gateway`, and listens to SIGTERM from its first moment."""

import sys

from havuz_contract.starting import end_at_once_on_sigterm


def main() -> int:
    """Run `havuz-gateway`; returns the exit code."""
    end_at_once_on_sigterm()
    from havuz_gateway.cli import gateway  # takes seconds on a busy machine

    return gateway()


if __name__ == "__main__":
    sys.exit(main())
