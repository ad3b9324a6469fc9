"""What every test file shares."""

import io
import itertools
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, make_url, text
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.state import session_state_proxy
from streamlit.testing.v1 import app_test

from core.artifacts import Store
from feedback_db.database import connect
from pages.parts import work
from tests.browser import ROOT, App, Visitor, chromium, running_app
from tests.screens import Person, Place

if TYPE_CHECKING:
    from tests.bucket import Server

# A server looks once for components in all installed packages; AppTest would look again for every visitor, a third of
# a second each.
scanned_once = cache(manifest_scanner.scan_component_manifests)


PICTURES = ROOT / "tests" / "pictures"
ASIDE = (  # not in the README
    *("door-", "settings-link", "settings-change", "step-"),
    *("ways-skab", "ways-weekly", "ways-reg", "ways-out", "ways-tr", "ways-pump"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="have the browser test renew the README's pictures")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = chromium(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that lies beside the repository; a test that needs it skips, loudly, where it is missing."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}: tests on it did not run")
    return folder


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tables are made once; each place starts from a copy."""
    file = tmp_path_factory.mktemp("fresh") / "pilot.db"
    db = connect(f"sqlite:///{file.as_posix()}")
    db.upgrade()
    db.close()
    return file


@pytest.fixture
def place(tmp_path: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """An installation of its own, with an engine that never gets to work."""
    kept = (work.store, work._database, work.table_of, work.windows_of, work.ready_series, work.statistics_of)
    shutil.copy(fresh_database, tmp_path)
    media = MemoryMediaFileStorage("/mock/media")
    made = Place(tmp_path, media)
    monkeypatch.setenv("PILOT_DATA", str(tmp_path))
    monkeypatch.delenv("PILOT_DATABASE_URL", raising=False)
    monkeypatch.setattr(work, "_hand_over", made.desk)
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", scanned_once)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # AppTest leaves its script; workers start it
    monkeypatch.setattr(session_state_proxy, "_mock_session_state", None)  # see Person.run
    monkeypatch.setattr(app_test, "MemoryMediaFileStorage", lambda _where: media)  # AppTest keeps no downloads
    for one in kept:
        one.cache_clear()
    yield made
    work.database().close()
    for one in kept:
        one.cache_clear()


@pytest.fixture
def someone(place: Place) -> Person:
    """Reads Japanese; that no sentence lacks its Japanese is tests/test_translations.py's."""
    return Person(place, "ja")


@pytest.fixture(params=["ja", "en"])
def anyone(request: pytest.FixtureRequest, place: Place) -> Person:
    """Reads one language after the other."""
    return Person(place, request.param)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running_app(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def bucket() -> Iterator["Server"]:
    """An S3 server on this computer, named to this process and to those that it starts."""
    from tests.bucket import serving  # here, because it takes a second to load, and few tests want it

    with serving() as server:
        yield server


@pytest.fixture(params=["folder", "bucket"])
def computer(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens one shared store, each time as another computer has it: a folder of all, or a bucket and an own cache."""
    if request.param == "folder":
        return lambda: Store(tmp_path / "shared")
    address = request.getfixturevalue("bucket").fresh()
    numbers = itertools.count(1)
    return lambda: Store(tmp_path / f"computer-{next(numbers)}", address)


@pytest.fixture
def postgresql() -> Iterator[str]:
    """Address of an empty PostgreSQL database: a schema of its own on the server."""
    server = os.environ.get("PILOT_TEST_POSTGRES_URL")
    if not server:
        pytest.skip("PILOT_TEST_POSTGRES_URL is not set: nothing was tested on PostgreSQL")
    schema, admin = f"t_{uuid.uuid4().hex}", create_engine(server)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield make_url(server).update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(False)
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def leave(browser: Browser) -> Iterator[None]:
    """What a test has opened is closed after it, or it would go on asking the app."""
    yield
    for context in browser.contexts:
        context.close()


@pytest.fixture
def shoot(request: pytest.FixtureRequest, tmp_path: Path):
    """Take a picture; with --pictures it becomes the README's."""
    renew = request.config.getoption("--pictures")

    def take(visitor: Visitor, name: str, instead: Image.Image | None = None) -> None:
        visitor.check_layout()
        folder = PICTURES if renew and not name.startswith(ASIDE) else tmp_path
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}-{visitor.language}.png"
        taken = instead or Image.open(io.BytesIO(visitor.page.screenshot()))
        # a screen has few colours: a quarter of the bytes
        taken.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)

    return take
