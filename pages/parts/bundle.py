"""All data of a pilot in one file: each table as CSV and as Parquet, what its columns mean, and what made it."""

import hashlib
import io
import json
import platform
import zipfile
from datetime import datetime
from functools import cache
from importlib import metadata
from typing import Any

import pandas as pd

from core import opinions, recognition
from feedback_db.pilots import Pilot
from pages.parts import export, money, version
from pages.parts.known import Known
from pages.parts.records import numbered, tables, time_of

COUNTED = (  # packages that make the numbers, the pictures or the files
    "numpy pandas scipy scikit-learn statsmodels choix openTSNE torch transformers safetensors numba pyarrow altair "
    "vl-convert-python pillow reportlab python-pptx streamlit sqlalchemy dask"
).split()
NOT_BEFORE = (1980, 1, 1, 0, 0, 0)  # of every file: a zip knows no earlier day


def made(pilot: Pilot, found: Known, at: datetime) -> bytes:
    """The same data give the same bytes, but for the moment in manifest.json."""
    files: dict[str, bytes] = {}
    for name, table in tables(pilot, found).items():
        files[f"{name}.csv"] = export.csv(table)
        files[f"{name}.parquet"] = _parquet(table)
    told = _manifest(pilot, found, at) | {"files": {name: _sha256(files[name]) for name in sorted(files)}}
    files["manifest.json"] = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, NOT_BEFORE)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # whatever computer writes it
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_parquet(file, engine="pyarrow", index=False)
    return file.getvalue()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- what made it


def _manifest(pilot: Pilot, found: Known, at: datetime) -> dict[str, Any]:
    decided = pilot.decision_on and pilot.decision_on.isoformat()
    own = {"id": pilot.id, "question": pilot.question, "team": pilot.team, "round": pilot.round}
    return {
        "pilot": own | {"decision_on": decided, "currency": pilot.currency},
        "content": found.fingerprint,
        "data": [{"file": one.file_name, "sha256": one.sha256} for _number, one in numbered(pilot)],
        "versions": versions(),
        "seeds": {"people": opinions.SEED, "time": recognition.SEED, "money": money.SEED},
        "made_at": time_of(at),
    }


@cache
def versions() -> dict[str, str]:
    """Of the program, by what its files hold, and of what it computes with."""
    packages = {name: metadata.version(name) for name in COUNTED}
    return {"program": version.program(), "python": platform.python_version()} | packages
