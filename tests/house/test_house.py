"""The house rules that a linter does not know."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("crds/src", "operator/src", "gateway/src")
MAX_LINES = 300
# Files that may be longer, each with its reason. The list may only shrink.
LONGER: dict[str, str] = {}
BANNED_NAMES = {"utils", "helpers", "common", "manager", "misc"}
MAX_FUNCTION_LINES = 40


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).exists()]


def _modules() -> list[Path]:
    return [
        path
        for path in _tracked("*.py")
        if path.is_relative_to(ROOT) and path.parts[len(ROOT.parts)] in ("crds", "operator", "gateway")
    ]


def test_no_file_tells_more_than_one_story() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in _tracked("*.py")}
    assert {name: n for name, n in lengths.items() if n > MAX_LINES and name not in LONGER} == {}
    assert [name for name in LONGER if lengths.get(name, 0) <= MAX_LINES] == []


def test_every_function_is_one_step() -> None:
    long = []
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {lines} lines")
    assert long == []


def test_no_module_hides_behind_a_name_that_says_nothing_or_shadows_the_standard_library() -> None:
    names = {path.stem: path for path in _modules() if path.stem not in ("__init__", "__main__")}
    assert BANNED_NAMES.isdisjoint(names)
    top_level = {path.stem for path in _modules() if path.parent.name.startswith("havuz_")} - {"__init__", "__main__"}
    assert top_level & set(sys.stdlib_module_names) == set()


@pytest.mark.parametrize("folder", ["gateway", "operator", "crds", "tests"])
def test_no_package_marker_shadows_a_module_of_the_same_name(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


def test_no_test_module_is_a_package() -> None:
    assert [path for path in (ROOT / "tests").rglob("__init__.py") if "harness" not in path.parts] == []


def test_every_link_in_the_documents_leads_somewhere() -> None:
    broken = []
    for page in _tracked("*.md"):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} → {target}")
    assert broken == []


def test_the_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "\nmake up\n" in readme
    assert "\nmake test\n" in readme


def test_every_make_target_that_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {match for page in _tracked("*.md") for match in re.findall(r"`make ([a-z0-9-]+)", page.read_text())}
    assert named - targets == set()
