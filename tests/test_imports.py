"""The packages that requirements.txt names are there and are all that the code uses; the web process stays light."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import manage
from tests.test_structure import PRODUCT, ROOT, WITH_TORCH, imported, python_files, roots

PROJECT = {"app", "pages", "core", "feedback_db", "tests", "manage"}
# Distribution → what `import` calls it. None: brings nothing to import.
IMPORT_NAMES: dict[str, str | None] = {
    "aiohttp": "aiohttp",
    "alembic": "alembic",
    "altair": "altair",
    "anyio": "anyio",
    "argon2-cffi": "argon2",
    "authlib": "authlib",
    "babel": "babel",
    "bandit": "bandit",
    "boto3": "boto3",
    "botocore": "botocore",
    "charset-normalizer": "charset_normalizer",
    "choix": "choix",
    "clevercsv": "clevercsv",
    "dask": "dask",
    "distributed": "distributed",
    "fsspec": "fsspec",
    "hdbscan": "hdbscan",
    "huggingface-hub": "huggingface_hub",
    "hypothesis": "hypothesis",
    "itsdangerous": "itsdangerous",
    "joserfc": "joserfc",
    "matplotlib-fontja": None,  # its font is what we need of it
    "krippendorff": "krippendorff",
    "lxml": "lxml",
    "markdown-it-py": "markdown_it",
    "momentfm": "momentfm",
    "moto": "moto",
    "mypy": "mypy",
    "numba": "numba",
    "numpy": "numpy",
    "opentsne": "openTSNE",
    "pacmap": "pacmap",
    "pandas": "pandas",
    "pandas-stubs": None,
    "pillow": "PIL",
    "pingouin": "pingouin",
    "pip-audit": "pip_audit",
    "playwright": "playwright",
    "protobuf": "google.protobuf",
    "psutil": "psutil",
    "psycopg": "psycopg",
    "pyarrow": "pyarrow",
    "pypdfium2": "pypdfium2",
    "pytest": "pytest",
    "pytest-xdist": "xdist",
    "python-calamine": "python_calamine",
    "python-pptx": "pptx",
    "pyyaml": "yaml",
    "reportlab": "reportlab",
    "ruff": "ruff",
    "s3fs": "s3fs",
    "safetensors": "safetensors",
    "scikit-learn": "sklearn",
    "scipy": "scipy",
    "segno": "segno",
    "sqlalchemy": "sqlalchemy",
    "starlette": "starlette",
    "statsmodels": "statsmodels",
    "streamlit": "streamlit",
    "threadpoolctl": "threadpoolctl",
    "torch": "torch",
    "transformers": "transformers",
    "tomli-w": "tomli_w",
    "trustme": "trustme",
    "umap-learn": "umap",
    "uvicorn": "uvicorn",
    "vl-convert-python": "vl_convert",
    "websockets": "websockets",
    "zadu": "zadu",
}
LINE = re.compile(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)(?:  # \S.*)?")


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [LINE.fullmatch(line) for line in [*lines, manage.MOMENTFM] if line and not line.startswith("#")]
    assert all(found), "a line of requirements.txt is not `name==version  # why`"
    return dict(match.groups() for match in found if match)


def in_a_fresh_python(program: str, *words: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_direct_dependency_is_installed_as_pinned_and_imports():
    installed = {name: metadata.version(name).split("+")[0] for name in pins()}  # torch says 2.13.0+cpu
    assert installed == pins()
    assert set(pins()) <= set(IMPORT_NAMES), "say what `import` calls the new dependency"
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    in_a_fresh_python(program, *(name for dist in pins() if (name := IMPORT_NAMES[dist])))


def test_everything_that_the_code_imports_is_pinned():
    used = {name for file in python_files(*PRODUCT, "tests") for name in roots(imported(file))}
    pinned = roots({name for dist in pins() if (name := IMPORT_NAMES[dist])})
    assert used - PROJECT - sys.stdlib_module_names - pinned == set()


def test_manage_needs_nothing_installed():
    assert roots(imported("manage.py")) <= sys.stdlib_module_names


def test_web_process_never_imports_torch():
    """Every module that a screen can import, in one process like the web server's."""
    modules = [
        Path(file).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for file in python_files("app.py", "core", "pages/parts", "feedback_db")
        if file not in WITH_TORCH and "migrations" not in file  # Alembic runs those, with a context of its own
    ]
    assert "app" in modules
    assert "core.charts" in modules
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    for heavy in ('torch', 'momentfm', 'transformers'):\n"
        "        assert heavy not in sys.modules, f'{name} brings in {heavy}'\n"
    )
    in_a_fresh_python(program, *modules)
