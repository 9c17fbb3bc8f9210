"""`python -m havuz_gateway` is `havuz-gateway`."""

import sys

from havuz_gateway.cli import gateway

if __name__ == "__main__":
    sys.exit(gateway())
