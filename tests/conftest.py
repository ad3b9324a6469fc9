"""What every test file shares."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="have the browser test renew the README's pictures")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that lies beside the repository; a test that needs it skips, loudly, where it is missing."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}: tests on it did not run")
    return folder
