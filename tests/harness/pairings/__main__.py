"""`python -m harness.pairings [--check]`: write the table of pairings, or say that it is not current."""

import argparse
import sys
from pathlib import Path

from harness.pairings.table import page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "pairings.md"


def main() -> int:
    """Run the command; the exit code is 1 when `--check` finds a page that is not current."""
    parser = argparse.ArgumentParser(prog="python -m harness.pairings", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is not current")
    arguments = parser.parse_args()
    text = page()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if arguments.check:
        print(f"{PAGE.name} is not current; run `make generate`")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
