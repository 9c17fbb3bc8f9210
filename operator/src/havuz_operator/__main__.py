"""`python -m havuz_operator`: kopf is embedded, started by module, and SIGTERM is listened to from the first moment."""

import sys

from havuz_contract.starting import end_at_once_on_sigterm


def main() -> int:
    """Run the operator; returns the exit code."""
    end_at_once_on_sigterm()
    from havuz_operator.cli import main as run  # takes seconds on a busy machine

    return run()


if __name__ == "__main__":
    sys.exit(main())
