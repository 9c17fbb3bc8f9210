"""`python -m havuz_operator`: kopf is embedded, and started by module."""

import sys

from havuz_operator.cli import main

if __name__ == "__main__":
    sys.exit(main())
