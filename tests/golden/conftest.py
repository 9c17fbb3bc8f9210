"""Golden files: `pytest tests/golden --update-golden` rewrites what a test expects; a reviewer reads the difference."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files with what was found")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether to rewrite what is expected."""
    return bool(request.config.getoption("--update-golden", default=False))
