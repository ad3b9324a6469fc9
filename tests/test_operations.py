"""What the operations page and the security page say is true, and whoever follows the former literally gets there."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pypdfium2
import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser

import manage
from tests.browser import PATIENCE
from tests.client import Client
from tests.test_structure import PRODUCT, ROOT, python_files, tracked

OPERATIONS, SECURITY = "docs/OPERATIONS.md", "SECURITY.md"
PAGES = (OPERATIONS, SECURITY)
PRINTED = """
    body { font: 9pt/1.25 sans-serif } code { font-size: 7.5pt } pre { white-space: pre-wrap } h1 { font-size: 14pt }
    h1, p, pre, table { margin: 0.5em 0 }
"""
ROUTES = re.compile(r"(?<![\w.])/(?:healthz|metrics|login|enter|rate|settings|api/\w+)\b")
PATHS = re.compile(r"(?<![\w/])(?:(?:pages|core|feedback_db|tests|docs)/[\w./-]+\.\w+|[A-Z]+\.md|requirements\.txt)")
OPTIONS = ("--team", "--port", "--address", "--cert", "--key")
BY_STREAMLIT = ("--server.address",)


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code(page: str) -> list[str]:
    """What stands between ` and `, however the line is broken, and in blocks."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)
    return blocks + re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE))


def words_after(page: str, called: str) -> set[str]:
    return {found for one in code(page) for found in re.findall(rf"{called}\s+([a-z]+)", one, re.MULTILINE)}


def program() -> str:
    files = ["manage.py", ".streamlit/config.toml", *python_files(*PRODUCT), *python_files("tests")]
    return "\n".join(text(file) for file in files if file != Path(__file__).relative_to(ROOT).as_posix())


# --- what is named is there ---


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one_of_manage_py(page: str):
    named = words_after(page, r"manage\.py") | words_after(page, "(?:^|&& )pilot")
    assert named - {*manage.COMMANDS} == set()
    assert named & {"backup", "run", "check"} != set()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_is_there(page: str):
    named = set(PATHS.findall(text(page)))
    assert {name for name in named if not (ROOT / name).is_file()} == set()
    assert len(named) > 5


def test_every_variable_and_option_is_known_to_the_program():
    whole = program()
    variables = {name for page in PAGES for name in re.findall(r"\bPILOT_[A-Z_]+", text(page))}
    assert {name for name in variables if name not in whole} == set()
    options = {name for one in words_of_run() for name in one if name.startswith("--")}
    assert options <= {*OPTIONS, *BY_STREAMLIT}
    assert {name for name in OPTIONS if f'"{name}"' not in whole} == set()


def words_of_run() -> Iterator[list[str]]:
    for one in code(OPERATIONS):
        for line in one.replace("\\\n", " ").splitlines():
            if "run --" in line and "podman" not in line:
                yield re.findall(r"--[\w.]+", line)


def test_every_route_is_one_that_the_gate_knows_and_every_number_one_of_the_metrics():
    ways = text("pages/entrance/ways.py")
    assert {one for page in PAGES for one in ROUTES.findall(text(page)) if one.split("/")[1] not in ways} == set()
    metrics = {name for page in PAGES for name in re.findall(r"\bpilot_[a-z_]+\b", text(page))}
    assert {name for name in metrics if name not in program()} == set()


def test_benches_that_are_named_are_there():
    benches = words_after(OPERATIONS, r"manage\.py\s+bench") | words_after(SECURITY, r"manage\.py\s+bench")
    assert {name for name in benches if not (ROOT / "tests" / f"bench_{name}.py").is_file()} == set()
    assert "reliability" in benches


def test_every_promise_names_what_keeps_it_and_what_shows_it():
    rows = [line for line in text(SECURITY).splitlines() if line.startswith("|") and "---" not in line]
    promises = [row.strip("|").split("|") for row in rows if not row.startswith("| promise")]
    assert len(promises) > 20
    for what, keeping, showing in promises:
        assert "`" in keeping or keeping.strip() == "the whole program", what
        assert re.search(r"`(tests/test_\w+\.py|manage\.py (check|bench \w+))`", showing), what


def test_the_page_is_two_pages_when_it_is_printed(browser: Browser):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    html = MarkdownIt("commonmark").enable("table").render(text(OPERATIONS))
    page.set_content(f"<!DOCTYPE html><style>{PRINTED}</style>{html}")
    margins = dict.fromkeys(("top", "bottom", "left", "right"), "12mm")
    assert len(pypdfium2.PdfDocument(page.pdf(format="A4", margin=margins))) <= 2


# --- the unit, and the container ---


def block(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```", text(OPERATIONS), re.DOTALL | re.MULTILINE)
    return str(found)


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path):
    verify = shutil.which("systemd-analyze")
    if verify is None or not Path("/usr/bin/python3").exists():
        pytest.skip("no systemd here: the unit was not looked at")
    (tmp_path / "pilot.service").write_text(block("ini"), encoding="utf-8")
    said = subprocess.run([verify, "verify", str(tmp_path / "pilot.service")], capture_output=True, text=True)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_the_container_holds_all_that_the_app_needs_and_nothing_of_this_machine():
    lines = re.findall(r"^COPY (.*)$", text("docs/Containerfile"), re.MULTILINE)
    copied = {name.rstrip("/") for line in lines for name in line.split()[:-1]}
    assert copied == {"manage.py", "requirements.txt", ".streamlit", *PRODUCT}


# --- the walk ---


class Machine:
    """A new machine, as far as a folder can be one: what the page writes to, and who is called, is elsewhere."""

    def __init__(self, root: Path) -> None:
        self.root, self.log = root, root / "journal"
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.elsewhere = {
            "/srv/pilot": str(root / "pilot"),
            "/etc/pilot.env": str(root / "pilot.env"),
            "/path/to/the/project": str(root / "project"),
            "/usr/bin/python3": str(root / "bin" / "python3"),
            "http://pilot.plant.example:8501": self.address,
        }
        for folder in ("pilot", "bin", "project"):
            (root / folder).mkdir()
        self.command("sudo", '[ "$1" = -u ] && shift 2\nexec "$@"')
        self.command("systemctl", ":")  # the test starts and stops what the unit says
        self.command("python3", f'exec {shlex.quote(sys.executable)} "$@"')

    def command(self, name: str, script: str) -> None:
        file = self.root / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PILOT_", "GIT_"))}
        return ours | {"PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.root)}

    def here(self, said: str) -> str:
        for there, here in self.elsewhere.items():
            said = said.replace(there, here)
        return said

    def type(self, script: str) -> str:
        """As somebody types it; ends the test where a line fails. Returns: what was printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(script)],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def service(self, unit: str) -> Iterator[None]:
        """What the unit says, done as systemd does it; on loopback, and at a port of its own."""
        told = [line.split("=", 1) for line in self.here(unit).splitlines() if "=" in line]
        [command], environment = [value for name, value in told if name == "ExecStart"], dict(self.environment)
        for name, value in told:
            if name == "EnvironmentFile":
                environment |= dict(line.split("=", 1) for line in Path(value).read_text().splitlines())
            if name == "Environment":
                environment |= dict([value.split("=", 1)])
        words = [*shlex.split(command), "--port", str(self.port), "--server.address", "127.0.0.1"]
        with self.log.open("wb") as log:
            started = subprocess.Popen(words, cwd="/", env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            started.terminate()
            started.wait(60)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="backslashreplace")

    def hears(self, pattern: str) -> str:
        """What the journal says behind the app's address, once it does."""
        for _ in range(600):
            if found := re.search(f"{self.address}({pattern})", self.said()):
                return found[1]
            time.sleep(0.1)
        raise TimeoutError(self.said())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """With the project to be installed: this checkout, whose packages are there already."""
    if os.name != "posix" or not all(map(shutil.which, ("bash", "git"))):
        pytest.skip("no bash or no git here: the page was not followed")
    made = Machine(tmp_path)
    for path in tracked():
        if not path.startswith("tests/"):
            (tmp_path / "project" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, tmp_path / "project" / path)
    venv = tmp_path / "project" / ".venv"
    venv.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != manage.STAMP.name:
            (venv / part.name).symlink_to(part)
    stamp = f'{{"python": "{manage.this_python()}", "installed": "{manage.fingerprint()}"}}'
    (venv / manage.STAMP.name).write_text(stamp, encoding="utf-8")
    made.type(
        "cd project; git init -q; git add --force .; "
        "git -c user.name=Test -c user.email=test@plant.example commit -qm 'The project'"
    )
    return made


def walk() -> tuple[list[str], list[str]]:
    """The blocks to follow before the unit, and those after it, where a new terminal has to be told of `pilot`."""
    before, after = text(OPERATIONS).split("```ini", 1)
    blocks = [re.findall(r"^```sh walk\n(.*?)^```", part, re.DOTALL | re.MULTILINE) for part in (before, after)]
    [known] = re.findall(r"^pilot\(\) \{.*$", blocks[0][0], re.MULTILINE)
    return blocks[0], [f"{known}\n{one}" for one in blocks[1]]


def status(client: Client, path: str, headers: Mapping[str, str]) -> int:
    return client.get(path, **headers).status


def test_who_follows_the_page_literally_gets_a_pilot_for_a_team_and_a_backup_that_restores(machine: Machine):
    installing, later = walk()
    for one in installing:
        machine.type(one)
    with machine.service(block("ini")):
        link = machine.hears(r"/enter\?key=\S+\n").strip()
        lead, stranger = Client(machine.address), Client(machine.address)
        asked = stranger.get("/healthz")
        assert (asked.status, asked.body) == (200, "ok")
        chosen = {"name": "Yamada", "chosen": "correct horse 電池", "again": "correct horse 電池"}
        assert lead.fill(lead.get(link), "/enter", **chosen).status == 303
        assert lead.get("/").status == 200
        assert (stranger.get("/").status, stranger.get(link).status) == (303, 404)  # sign in first; the link is used up

        elsewhere = {"X-Forwarded-For": "192.0.2.7"}
        assert [status(one, "/metrics", elsewhere) for one in (lead, stranger)] == [200, 303]
        assert status(stranger, "/metrics", {}) == 200  # from this computer itself

        backing_up, upgrading = later
        told = machine.type(backing_up)
        assert "Backup made and checked" in told
        assert "Restored" in told
    assert "Traceback" not in machine.said()
    machine.type(upgrading)
    assert (machine.root / "pilot" / "app-old" / "app.py").is_file()
    with machine.service(block("ini")):
        machine.hears("")
        assert lead.get("/").status == 200  # signed in as before
    assert "Traceback" not in machine.said()
    assert (machine.root / "pilot" / "data" / "team.secret").stat().st_mode & 0o077 == 0
    assert [file.name for file in (machine.root / "pilot" / "backup").rglob("team.secret")] == []
