"""`python -m havuz_contract.crdgen [--check]`: write the generated files, or say which are not current."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from havuz_contract.crdgen.crd import crd_yaml, file_name
from havuz_contract.crdgen.page import reference_page
from havuz_contract.v1alpha1.registry import KINDS


def generated() -> Mapping[str, str]:
    """Every generated file: its path from the root of the repository, and its text."""
    files = {"docs/reference/api.md": reference_page(KINDS.values())}
    for kind in KINDS.values():
        text = crd_yaml(kind)
        files[f"crds/{file_name(kind)}"] = text
        files[f"charts/havuz-crds/templates/{file_name(kind)}"] = text
    return files


def stale(root: Path) -> list[str]:
    """The generated files under `root` that are missing or differ from what the kinds say."""
    return [path for path, text in generated().items() if not _holds(root / path, text)]


def main() -> int:
    """Run the command; the exit code is 1 when `--check` finds a file that is not current."""
    parser = argparse.ArgumentParser(prog="python -m havuz_contract.crdgen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not current")
    parser.add_argument("--root", type=Path, default=Path(), help="root of the repository (default: here)")
    arguments = parser.parse_args()
    if not (arguments.root / "crds" / "pyproject.toml").exists():
        parser.error(f"{str(arguments.root)!r} is not the root of the repository; go there, or give --root")
    old = stale(arguments.root)
    for path in old:
        print(f"{path} is not current; run `make generate`" if arguments.check else f"wrote {path}")
    if not arguments.check:
        _write(arguments.root, old)
    return 1 if arguments.check and old else 0


def _write(root: Path, paths: list[str]) -> None:
    texts = generated()
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts[path], encoding="utf-8")


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
