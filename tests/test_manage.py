"""manage.py, run as a person runs it, in small projects of its own; packages come from a folder, never the network."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import manage

ROOT = Path(__file__).parents[1]
MOMENTFM, VERSION = manage.MOMENTFM.split("==")


def package(folder: Path, name: str, version: str, requires: str = "") -> None:
    """The smallest wheel that pip installs."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)


class Project:
    """A folder with manage.py, a requirements.txt and one bench, which tells that the command itself ran."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copy(ROOT / "manage.py", root)
        self.require("")
        (root / "tests").mkdir()
        bench = f"import sys, {MOMENTFM}\nprint('measured', sys.argv[1:], {MOMENTFM}.VERSION)\nsys.exit(7)\n"
        (root / "tests" / "bench_speed.py").write_text(bench, encoding="utf-8")
        self.packages = root / "packages"
        self.packages.mkdir()
        package(self.packages, MOMENTFM, VERSION, "Requires-Dist: not-to-be-had\n")

    def require(self, text: str) -> None:
        (self.root / "requirements.txt").write_text(text, encoding="utf-8")

    @property
    def stamp(self) -> Path:
        return self.root / ".venv" / "manage.json"

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.packages), "PIP_CONFIG_FILE": os.devnull}
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self.root,
            env={**os.environ, **offline},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One that has been through its first start; making .venv takes seconds, so tests share it."""
    project = Project(tmp_path_factory.mktemp("installed"))
    first = project.manage("bench", "speed")
    assert (first.returncode, "Making .venv" in first.stdout) == (7, True), first.stdout + first.stderr
    return project


def test_first_start_makes_the_venv_installs_momentfm_without_its_pins_and_does_the_job(installed: Project):
    assert (installed.root / ".venv" / "pyvenv.cfg").is_file()
    assert '"installed": ""' not in installed.stamp.read_text()  # momentfm's own requirement did not stop it


def test_second_start_installs_nothing_and_hands_on_words_and_exit_code(installed: Project):
    again = installed.manage("bench", "speed", "--rows", "9")
    assert again.stdout == f"measured ['--rows', '9'] {VERSION}\n"
    assert again.returncode == 7


def test_changed_requirements_are_installed_into_the_same_venv_and_a_failure_is_not_taken_for_done(installed: Project):
    installed.require("extra==2.0\n")
    for _ in range(2):  # it must fail again, not be skipped as done
        failed = installed.manage("bench", "speed")
        assert failed.returncode == 1
        assert "The packages could not be installed" in failed.stderr
        assert "measured" not in failed.stdout
    package(installed.packages, "extra", "2.0")
    mended = installed.manage("bench", "speed")
    assert "Making .venv" not in mended.stdout
    assert mended.stdout.endswith(f"measured [] {VERSION}\n")


def test_stamp_of_another_python_or_a_lost_python_is_not_up_to_date(project: Project, monkeypatch: pytest.MonkeyPatch):
    for name in ("VENV", "STAMP", "PYTHON", "REQUIREMENTS"):
        monkeypatch.setattr(manage, name, project.root / getattr(manage, name).relative_to(ROOT))
    manage.PYTHON.parent.mkdir(parents=True)
    manage.PYTHON.touch()
    assert not manage.up_to_date()  # never installed
    manage.write_stamp(installed="")
    assert not manage.up_to_date()  # interrupted
    manage.write_stamp(installed=manage.fingerprint())
    assert manage.up_to_date()
    manage.STAMP.write_text(manage.STAMP.read_text().replace(manage.this_python(), "3.10"))
    assert not manage.up_to_date()
    manage.STAMP.write_text('{"python": "3.1')
    assert not manage.up_to_date()  # a torn file
    manage.write_stamp(installed=manage.fingerprint())
    manage.PYTHON.unlink()
    assert not manage.up_to_date()


def test_a_second_manage_waits_for_the_first(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(manage, "ROOT", project.root)
    waiting = [sys.executable, "-c", "import manage\nwith manage.alone(): print('in')"]
    with manage.alone():
        second = subprocess.Popen(waiting, cwd=project.root, stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert second.stdout.readline().startswith("Another manage.py is installing")
    assert second.communicate(timeout=10)[0].endswith("in\n")


def test_older_python_is_told_so_in_a_sentence(project: Project):
    pretend = "import runpy, sys; sys.version_info = (3, 9, 0); runpy.run_path('manage.py', run_name='__main__')"
    old = subprocess.run([sys.executable, "-c", pretend], cwd=project.root, capture_output=True, text=True)
    assert old.returncode == 1
    assert old.stderr.startswith("This project needs Python 3.11 or newer, and this is Python 3.9.")


def test_older_python_can_read_the_file_that_tells_it():
    ast.parse((ROOT / "manage.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_folder_that_cannot_be_written_is_named(project: Project):
    (project.root / ".venv.lock").mkdir()
    stuck = project.manage("bench", "speed")
    assert stuck.stderr.startswith("The folder .venv could not be written")
    assert stuck.returncode == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "manage.py COMMAND"),
        (("--help",), 0, "manage.py COMMAND"),
        (("fly",), 1, "There is no command 'fly'."),
        (("check", "hard"), 1, "This command takes no more words: hard"),
        (("bench",), 0, "What can be measured: speed"),
        (("bench", "width"), 1, "There is no bench 'width'. There are: speed."),
    ],
)
def test_what_needs_no_packages_answers_at_once(project: Project, words: tuple[str, ...], code: int, said: str):
    answer = project.manage(*words)
    assert said in answer.stdout + answer.stderr
    assert answer.returncode == code
    assert not (project.root / ".venv").exists()


def test_help_names_every_command():
    assert all(f"\n  {name} " in manage.USAGE for name in manage.COMMANDS)


def test_check_runs_everything_and_fails_if_one_does(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(manage, "PYTHON", Path(sys.executable))
    assert manage.run_all(("no_such_module_1",), ("this",), ("no_such_module_2",)) == 1
    out = capfd.readouterr().out
    assert "Beautiful is better than ugly." in out  # the one after the failure ran
    assert out.endswith("--- failed: no_such_module_1; no_such_module_2\n")


def test_check_is_well_when_everything_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(manage, "PYTHON", Path(sys.executable))
    assert manage.run_all(("this",)) == 0


def test_team_mode_and_links_for_leads_are_handed_on_with_their_words(installed: Project):
    entrance = installed.root / "pages" / "entrance"
    entrance.mkdir(parents=True)
    (entrance / "team.py").write_text("import sys\nprint('team', sys.argv[1:])\n", encoding="utf-8")
    team = installed.manage("run", "--port", "9", "--team", "--address", "https://pilot.plant.example")
    assert team.stdout.splitlines()[-1] == "team ['run', '--port', '9', '--address', 'https://pilot.plant.example']"
    assert installed.manage("lead", "Tanaka").stdout == "team ['lead', 'Tanaka']\n"


def test_pyproject_holds_settings_only():
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))) == {"tool"}


def test_a_folder_for_a_backup_is_meant_from_where_the_command_was_given(installed: Project, tmp_path: Path) -> None:
    module = installed.root / "feedback_db" / "backup.py"
    module.parent.mkdir()
    module.write_text("import sys\nprint(sys.argv[1:])\n", encoding="utf-8")
    words = [sys.executable, str(installed.root / "manage.py"), "backup", "usb"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == (f"{[str(tmp_path / 'usb')]}\n", 0), done.stderr
