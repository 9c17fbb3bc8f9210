"""From uv's CycloneDX export on stdin to a bill of materials that is the same for the same lock file, on stdout.

https://cyclonedx.org/docs/1.5/json/: `serialNumber` and `metadata.timestamp` are optional, and different at every run.
"""

import json
import sys


def main() -> None:
    """Read, drop what a clock and a dice gave, write."""
    bill = json.load(sys.stdin)
    bill.pop("serialNumber", None)
    bill["metadata"].pop("timestamp", None)
    json.dump(bill, sys.stdout, sort_keys=True, separators=(",", ":"))


main()
