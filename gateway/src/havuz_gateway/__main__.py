"""`python -m havuz_gateway` is `havuz-gateway`, and listens to SIGTERM from its first moment."""

import sys

from havuz_contract.starting import end_at_once_on_sigterm, import_without


def main() -> int:
    """Run `havuz-gateway`; returns the exit code."""
    end_at_once_on_sigterm()
    # redis-py imports the SDK of OpenTelemetry for metrics that nobody turned on, where it is installed: 9 MiB.
    import_without("opentelemetry.sdk.metrics", "redis")
    from havuz_gateway.starting import gateway  # takes a second on a busy machine

    return gateway()


if __name__ == "__main__":
    sys.exit(main())
