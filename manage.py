"""Everything one does with this project is one command: `python3 manage.py COMMAND`.

Standard library only, so that it runs before anything is installed. It keeps a Python of its own in .venv, installs
there what requirements.txt names, does that again only when something changed, and then does the command.
"""

import sys

if sys.version_info < (3, 11):  # before anything that an older Python does not have
    sys.exit(
        "This project needs Python 3.11 or newer, and this is Python {}.{}. "
        "Install a newer Python and start manage.py with it, for example: python3.11 manage.py run".format(
            *sys.version_info[:2]
        )
    )

import ast
import hashlib
import importlib.util
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HERE = Path.cwd()  # what a path in the command means
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "manage.json"
REQUIREMENTS = ROOT / "requirements.txt"
# It pins numpy 1.25, transformers 4.33 and huggingface-hub 0.24, which would rule out newer Pythons and bring known
# holes. Its code gives the same numbers on what requirements.txt names (a test guards them), so its pins are not read.
MOMENTFM = "momentfm==0.1.4"
CODE = ("app.py", "core", "feedback_db", "pages")
# Two files side by side, those of many tests first: the browser's then have the computer nearly to themselves.
# In the order of the files: journeys in a browser come early, and what is short fills the gaps at the end.
TWO_AT_ONCE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
TRANSLATIONS = ("pytest", "-q", "tests/test_translations.py")
# Beside ruff's S: what could run or show people's words as markup, and known holes of what is installed.
SAFETY = (("bandit", "-q", "-c", "pyproject.toml", "-r", "manage.py", *CODE), ("pytest", "-q", "tests/test_unsafe.py"))
AUDIT = ("tests.audit",)

USAGE = """python3 manage.py COMMAND

  run         start the app on this computer and say where to open it (more words go to streamlit);
              `run --team [--port N] [--address URL] [--cert FILE --key FILE]` lets people sign in from others
  lead        print a link that lets a new lead in, once; `lead NAME` one for somebody who has lost the passphrase
  install     make .venv and install what the app needs, and nothing else: before it starts where it may not write
  test        run the tests (more words go to pytest)
  check       style, types, translations and safety; says everything that is wrong, not only the first
  bench       list what can be measured; `bench NAME` measures it
  backup      copy the database, uploads and results, also while the app runs, and check the copy; `backup FOLDER`
              puts it there instead of data/backups
  restore     `restore BACKUP` puts a backup in the place of the data; what was there is kept beside it
  pretrain    make the compact model anew (over an hour); a run that was stopped goes on
  translate   bring the Japanese catalogue up to the words in the code, and say which still need Japanese"""


# --- .venv: made once, brought up to date when something changed ---


def fingerprint() -> str:
    """Of everything that decides what is installed."""
    return hashlib.sha256(REQUIREMENTS.read_bytes() + MOMENTFM.encode()).hexdigest()


def this_python() -> str:
    return "{}.{}".format(*sys.version_info[:2])


def stamp() -> dict[str, str]:
    """What .venv holds: `python` it was made with, `installed` fingerprint; a half-done step has left neither."""
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def up_to_date() -> bool:
    return PYTHON.exists() and stamp() == {"python": this_python(), "installed": fingerprint()}


def prepare() -> None:
    """Leave .venv with everything installed, or stop with a sentence. Safe to interrupt and to run twice at once."""
    if up_to_date():
        return
    try:
        with alone():
            if not up_to_date():  # the one we waited for may have done it
                make_venv()
                install()
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"The folder .venv could not be written: {error}\nMake room, or stop what uses it, and try again.")


@contextmanager
def alone() -> Iterator[None]:
    """One manage.py at a time. SQLite's file lock is in every Python, on every system, and ends with its process."""
    lock = sqlite3.connect(ROOT / ".venv.lock", timeout=1, isolation_level=None)
    try:
        while not locked(lock):
            print("Another manage.py is installing. Waiting for it ...", flush=True)
        yield
    finally:
        lock.close()


def locked(lock: sqlite3.Connection) -> bool:
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def make_venv() -> None:
    """A fresh .venv, unless one that this Python finished making is there."""
    inside = Path(sys.prefix).resolve() == VENV  # manage.py was started with .venv's own Python: it cannot replace that
    if inside or (PYTHON.exists() and stamp().get("python") == this_python()):
        return
    if not importlib.util.find_spec("ensurepip"):
        sys.exit(
            f"This Python ({sys.executable}) came without its venv module. "
            "On Debian and Ubuntu: sudo apt install python3-venv. Then try again."
        )
    print(f"Making .venv with Python {this_python()} ...", flush=True)
    STAMP.unlink(missing_ok=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    if made.returncode:
        sys.exit("The folder .venv could not be made; the lines above say why. Delete it and try again.")
    write_stamp(installed="")


def install() -> None:
    print("Installing what the app needs. The first time takes some minutes and needs the internet ...", flush=True)
    write_stamp(installed="")
    wanted = fingerprint()  # what requirements.txt says now, not what an editor makes of it meanwhile
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    for packages in (["-r", str(REQUIREMENTS)], ["--no-deps", MOMENTFM]):
        if subprocess.run([*pip, *packages]).returncode:
            sys.exit(
                "\nThe packages could not be installed; the lines above say why. Most often this computer does not "
                "reach the internet (or needs a proxy), its disk is full, or this Python "
                f"({this_python()}) is too new for one of them. Then try the same command again: it goes on from here."
            )
    write_stamp(installed=wanted)


def write_stamp(installed: str) -> None:
    STAMP.write_text(json.dumps({"python": this_python(), "installed": installed}), encoding="utf-8")


# --- the commands ---


def become(*module_and_words: str) -> int:
    """Go on as .venv's Python: Ctrl-C and a service manager's stop reach what runs, and its exit code is ours."""
    command = [str(PYTHON), "-m", *module_and_words]
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606  a list of words, no shell
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows has no exec: wait for the child to end in its own time
    return subprocess.run(command).returncode


def run_all(*commands: tuple[str, ...]) -> int:
    """Run every command even when one fails, and end with what failed."""
    failed = []
    for command in commands:
        print(f"--- {' '.join(command)}", flush=True)
        if subprocess.run([str(PYTHON), "-m", *command]).returncode:
            failed.append(" ".join(command))
    print("--- failed: " + "; ".join(failed) if failed else "--- all well", flush=True)
    return 1 if failed else 0


def run(words: list[str]) -> int:
    prepare()
    if "--team" in words:
        return become("pages.entrance.team", "run", *(word for word in words if word != "--team"))
    return become("streamlit", "run", "app.py", *words)  # prints the address once it listens


def lead(words: list[str]) -> int:
    prepare()
    return become("pages.entrance.team", "lead", *words)


def only_install(words: list[str]) -> int:
    refuse(words)
    prepare()
    return 0


def test(words: list[str]) -> int:
    prepare()
    return become("pytest", *(words or TWO_AT_ONCE))


def check(words: list[str]) -> int:
    refuse(words)
    prepare()
    return run_all(("ruff", "check"), ("ruff", "format", "--check"), ("mypy",), TRANSLATIONS, *SAFETY, AUDIT)


def bench(words: list[str]) -> int:
    """A bench is a program tests/bench_NAME.py."""
    names = sorted(file.stem.removeprefix("bench_") for file in (ROOT / "tests").glob("bench_*.py"))
    if not words:
        print("What can be measured: " + ", ".join(names) if names else "There is nothing to measure yet.")
        return 0
    if words[0] not in names:
        sys.exit(f"There is no bench {words[0]!r}. There are: {', '.join(names) or 'none yet'}.")
    prepare()
    return become(f"tests.bench_{words[0]}", *words[1:])


def backup(words: list[str]) -> int:
    prepare()
    return become("feedback_db.backup", *(str(HERE / word) for word in words))


def restore(words: list[str]) -> int:
    prepare()
    return become("feedback_db.restore", *(str(HERE / word) for word in words))


def pretrain(words: list[str]) -> int:
    prepare()
    return become("core.pretraining", *words)


def translate(words: list[str]) -> int:
    """Keeps every translation whose English is still in the code, drops the rest, adds what is new without Japanese."""
    refuse(words)
    prepare()
    babel = ("babel.messages.frontend", "--quiet")
    where = ("--add-location=file", "--sort-by-file", "--no-wrap")  # no line numbers: a moved line is no change
    with tempfile.TemporaryDirectory() as folder:
        template = str(Path(folder) / "messages.pot")
        catalogues = ("-D", "messages", "-d", "pages/locale", "-l", "ja", "--init-missing", "--no-wrap")
        tidy = ("--ignore-obsolete", "--no-fuzzy-matching", "--ignore-pot-creation-date")
        extracting = (*babel, "extract", "-F", "pyproject.toml", "-o", template, *where, *CODE)
        return run_all(extracting, (*babel, "update", "-i", template, *catalogues, *tidy), TRANSLATIONS)


def messages(file, keywords, comment_tags, options):  # noqa: ARG001  as Babel calls it
    """Babel's extraction method here: its own finds messages inside f-strings only from Python 3.12 on.

    Yields (line, function, its arguments, comments); an argument that is no plain text is None.
    """
    calls = [node for node in ast.walk(ast.parse(file.read())) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = getattr(call.func, "id", getattr(call.func, "attr", None))
        if name in keywords:
            texts = [getattr(argument, "value", None) for argument in call.args]
            yield call.lineno, name, [text if isinstance(text, str) else None for text in texts], []


def refuse(words: list[str]) -> None:
    if words:
        sys.exit(f"This command takes no more words: {' '.join(words)}\n\n{USAGE}")


COMMANDS = {
    "run": run,
    "lead": lead,
    "install": only_install,
    "test": test,
    "check": check,
    "bench": bench,
    "backup": backup,
    "restore": restore,
    "pretrain": pretrain,
    "translate": translate,
}


def main(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if words else 2
    if words[0] not in COMMANDS:
        sys.exit(f"There is no command {words[0]!r}.\n\n{USAGE}")
    os.chdir(ROOT)
    # Threads that wait busily for one another lose most of their time as soon as anything else wants a core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return COMMANDS[words[0]](words[1:])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)  # the one who pressed Ctrl-C knows why
