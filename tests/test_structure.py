"""What the layout promises, read from the files themselves. Why each: DESIGN, "Layout" and "Storage"."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("app.py", "pages", "core", "feedback_db")
TOP_LEVEL = {
    *("app.py", "pages", "core", "feedback_db", "tests", "requirements.txt", ".streamlit"),  # the customer's
    *("README.md", "README.ja.md", "CHANGELOG.md", "pyproject.toml", ".ci", ".gitignore", "manage.py"),
    *("SECURITY.md", "docs"),
}
FORBIDDEN = {  # who may not import what
    "app.py": {"tests", "manage"},
    "pages": {"app", "tests", "manage"},
    "core": {"app", "pages", "feedback_db", "tests", "manage", "streamlit", "sqlalchemy", "alembic"},
    "feedback_db": {"app", "pages", "core", "tests", "manage", "streamlit"},
}
WITH_TORCH = {f"core/{name}.py" for name in ("moment", "pretraining", "training", "learner", "checkpoints")}
MODEL = {"momentfm", "torch"}  # never in the web process
UNPICKLERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
PICKLING_CALLS = {"read_pickle", "to_pickle"}
MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|opt|home/\w+|Users/\w+)/|[A-Z]:\\Users\\"  # somebody's disk
    r"|(?:index|find|registry)[-_](?:url|links)[ =]+\S"  # somebody's package mirror
    r"|//[\w.-]*(?:pypi|pythonhosted|npmjs|debian|anaconda|pytorch)[\w-]*\.\w+",
    re.IGNORECASE,
)


def tracked() -> list[str]:
    """Paths that git keeps, or would at the next `git add`; / between folders."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        found = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository: nothing says which files belong to the project")
    return [path for path in found.split("\0") if path and (ROOT / path).is_file()]


def python_files(*parts: str) -> list[str]:
    files = [ROOT / part if part.endswith(".py") else (ROOT / part).rglob("*.py") for part in parts]
    flat = [file for found in files for file in ([found] if isinstance(found, Path) else found)]
    return sorted(file.relative_to(ROOT).as_posix() for file in flat)


def imports(node: ast.AST, package: str) -> Iterator[tuple[ast.stmt, str]]:
    """Every import below `node`, as full dotted names: `from core import moment` is core and core.moment."""
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            yield from ((found, alias.name) for alias in found.names)
        elif isinstance(found, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - found.level] if found.level else []
            module = ".".join([*above, *([found.module] if found.module else [])])
            yield found, module
            yield from ((found, f"{module}.{alias.name}") for alias in found.names)


def imported(file: str) -> set[str]:
    return {name for _, name in imports_of(file)}


def imports_of(file: str) -> list[tuple[ast.stmt, str]]:
    return list(imports(parsed(file), ".".join(Path(file).parts[:-1])))


@cache
def parsed(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def below(file: str, is_wanted: Callable[[ast.AST], bool]) -> set[ast.AST]:
    return {child for node in ast.walk(parsed(file)) if is_wanted(node) for child in ast.walk(node)}


def for_types_only(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:` never runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("layer", PRODUCT)
def test_imports_point_along_the_arrows(layer: str):
    against = {file: roots(imported(file)) & FORBIDDEN[layer] for file in python_files(layer)}
    assert {file: names for file, names in against.items() if names} == {}


def test_only_what_embeds_and_what_trains_knows_momentfm_and_torch():
    knowing = set()
    for file in python_files(*PRODUCT):
        typing = below(file, for_types_only)
        knowing |= {file for node, name in imports_of(file) if roots({name}) & MODEL and node not in typing}
    assert knowing <= WITH_TORCH


def test_they_are_imported_only_inside_functions():
    """A module that imported it at its top would bring torch into the web process, seconds and 400 MB of it."""
    eager = []
    modules = {file.removesuffix(".py").replace("/", ".") for file in WITH_TORCH}
    for file in set(python_files(*PRODUCT)) - WITH_TORCH:
        later = below(file, for_types_only) | below(file, is_function)
        found = {node.lineno for node, name in imports_of(file) if name in modules and node not in later}
        eager += [f"{file}:{line}" for line in found]
    assert eager == []


@pytest.mark.parametrize(
    ("statement", "package"),
    [
        ("import core.moment as m", "pages"),
        ("from core import moment", "pages"),
        ("from core.moment import PATCH", "pages"),
        ("from . import moment", "core"),
        ("from .moment import PATCH", "core"),
        ("from ..moment import PATCH", "core.inner"),
    ],
)
def test_every_way_to_import_is_seen(statement: str, package: str):
    assert "core.moment" in {name for _, name in imports(ast.parse(statement), package)}


def test_top_level_holds_only_what_the_layout_names():
    assert {Path(path).parts[0] for path in tracked()} <= TOP_LEVEL


@pytest.mark.parametrize(("readme", "heading"), [("README.md", "## Files"), ("README.ja.md", "## ファイル")])
def test_the_readme_says_what_each_file_is_for(readme: str, heading: str):
    tree = (ROOT / readme).read_text(encoding="utf-8").split(heading)[1].split("```")[1]
    named = {line.split()[0] for line in tree.strip().splitlines()}
    files = {f for f in python_files(*PRODUCT) if not f.endswith("__init__.py") and "/migrations/" not in f}
    assert files - named == set()
    assert {name for name in named if "*" not in name and not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("file", python_files(*PRODUCT, "tests"))
def test_nothing_is_pickled(file: str):
    """A pickle runs code when it is opened, and an artifact may come from anywhere."""
    nodes = list(ast.walk(parsed(file)))
    assert not roots(imported(file)) & UNPICKLERS
    assert not {node.attr for node in nodes if isinstance(node, ast.Attribute)} & PICKLING_CALLS
    allowing = [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "allow_pickle"]
    assert {ast.unparse(value) for value in allowing} <= {"False"}


def test_files_name_no_machine_and_no_package_mirror():
    """The project must come up anywhere; what one machine is set up with stays on that machine."""
    found = []
    for path in set(tracked()) - {"tests/test_structure.py"}:  # it has examples, below
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        found += [f"{path}: {match.group()}" for match in MACHINE.finditer(text)]
    assert found == []


@pytest.mark.parametrize("text", ["see /home/ken/pilot", "pip --find-links x", r"C:\Users\ken", "https://pypi.example"])
def test_machine_words_are_found(text: str):
    assert MACHINE.search(text)


@pytest.mark.parametrize(
    "text", ["server/work/x", "the home/page", "https://doi.org/10.1", "data/opt/", "/usr/bin/env"]
)
def test_ordinary_words_are_left_alone(text: str):
    assert not MACHINE.search(text)
