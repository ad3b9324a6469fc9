"""A folder that is watched: each file is placed once, whatever happens in between, and what drifted raises the alert."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import demo, placing, watching
from core.artifacts import Store
from core.drift import State
from core.encoders import EncoderSpec
from core.errors import UserError
from core.placing import PlacedSpec
from core.projection import ProjectionSpec
from core.reader import Reader, Source
from core.recipes import Recipe, WindowSpec
from core.steps import Impute, Scale
from core.tables import guess
from core.views import ViewSpec
from core.watching import Event, Watch, journal, once
from tests.test_structure import ROOT

RECIPE = Recipe((Impute("linear", 8), Scale("z-score", "all")), 1.0, WindowSpec(40, 20))


def press(seed: int, vibration: float = 0.0, most: int | None = None) -> bytes:
    """The generated press line, its vibration so many mm/s higher."""
    head, *rows = demo.press_line("en", seed).decode().splitlines()[:most]
    cells = [row.split(",") for row in rows]
    return "\n".join([head, *(",".join([*c[:2], f"{float(c[2]) + vibration:.4f}", *c[3:]]) for c in cells)]).encode()


def map_of(store: Store, data: bytes | None = None, encoder: str = "raw") -> ViewSpec:
    data = data or press(7)
    source = Source(store.keep(data, {}), guess(data))
    return ViewSpec((source,), RECIPE, EncoderSpec(encoder), ProjectionSpec("pca"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A map that no test changes, in a store that each test may add to."""
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def watch(tmp_path: Path, inbox: Path) -> Watch:
    store = Store(tmp_path / "store")
    return Watch(inbox, {"Map 1": map_of(store)}, store, every=0.01)


def seen(watch: Watch) -> list[Event]:
    """What one go through the folder tells."""
    told: list[Event] = []
    once(watch, told.append)
    return told


def states(told: list[Event]) -> list[tuple[str, State | None]]:
    return [(one.seen.file, one.judged and one.judged.state) for one in told]


def test_a_file_like_the_pilots_fits_and_one_that_has_drifted_raises_the_alert(watch, inbox):
    (inbox / "june.csv").write_bytes(press(8))
    (inbox / "july.csv").write_bytes(press(9, vibration=9))
    os.utime(inbox / "june.csv", (1, 1))
    assert states(seen(watch)) == [("june.csv", "fits"), ("july.csv", "ask again")]
    [view] = watch.views.values()
    june, july = journal(view.fingerprint(), watch.store)
    assert (june.error, july.error) == (None, None)
    spec = PlacedSpec(view, (july.source,))
    assert july.placed == spec.fingerprint()
    made = placing.load(spec, watch.store)
    assert made.found == july.found
    assert july.found.outside > 0.9 > 0.05 > june.found.outside
