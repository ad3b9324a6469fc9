"""The workbench gives in Python what a pilot file gives by command; docs/EXAMPLES.md shows the rest of it."""

from pathlib import Path

import numpy as np
import pytest

from core import demo
from core.errors import UserError
from core.notebook import Impute, Recipe, WindowSpec, Workbench
from core.views import ViewSpec

PILOT = """
[[dataset]]
file = "pump.csv"

[[recipe]]
name = "short"
steps = [{kind = "impute", method = "linear", longest = 64}]
window = {length = 16, stride = 8}

[[encoder]]
name = "waveform"
kind = "raw"

[[encoder]]
name = "broken"
channel = "nothing"

[[grid]]
"""
SHORT = Recipe((Impute("linear", 64),), window=WindowSpec(16, 8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pump.csv").write_bytes(demo.pump("ja"))
    (tmp_path / "pilot.toml").write_text(PILOT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def bench(folder: Path) -> Workbench:
    return Workbench(folder / "results")


@pytest.fixture
def view(bench: Workbench, folder: Path) -> ViewSpec:
    return bench.view(bench.open(folder / "pump.csv"), SHORT, "raw")


def test_a_pilot_file_gives_the_views_that_python_gives(bench, folder, view):
    assert bench.pilot(folder / "pilot.toml").views["short · waveform"] == view


def test_all_maps_of_a_pilot_file_are_drawn_and_what_cannot_be_says_why(bench, folder, view):
    table = bench.project_all(folder / "pilot.toml")
    assert table.loc["short · waveform", "fingerprint"] == view.fingerprint()
    assert table.loc["short · waveform", "neighbours_kept"] > table.loc["short · waveform", "neighbours_chance"]
    assert table.loc["short · broken", "failed"].startswith("The data has no channel “nothing”.")


def test_rows_are_windows_in_one_order_whatever_is_asked_for(bench, view):
    values, vectors, points = bench.windows(view), bench.embed(view), bench.project(view)
    assert len(values) == len(vectors) == len(points) == 111
    np.testing.assert_allclose(vectors, values.reshape(111, -1), rtol=1e-5)  # the waveform itself
    table = bench.table(view.sources[0])
    first = table[["吸込圧[kPa]", "吐出圧[kPa]"]].to_numpy()[points["start"][5] :][:16]
    np.testing.assert_allclose(values[5, :2], first.T)
    assert points["time"][5] == table["time"][points["start"][5]]


def test_what_one_session_computed_the_next_one_has(folder, view, capsys):
    points = Workbench(folder / "results").project(view)
    assert "Drawing the map" in capsys.readouterr().err
    assert Workbench(folder / "results").project(view).equals(points)
    assert capsys.readouterr().err == ""


def test_what_was_guessed_wrongly_can_be_said(bench, folder):
    told = bench.open(folder / "pump.csv", channels=["流量[L/min]"], label=None)
    assert list(bench.table(told)) == ["series", "time", "流量[L/min]"]
    with pytest.raises(UserError, match="no such column"):
        bench.open(folder / "pump.csv", channels=["no such column"])


def test_who_names_no_recipe_gets_windows_that_suit_the_data(bench, folder):
    view = bench.view(bench.open(folder / "pump.csv"), encoder="raw")
    assert view.recipe.window.length == 40  # a twentieth of 900 samples, in patches of 8
    assert len(bench.windows(view)) > 100
