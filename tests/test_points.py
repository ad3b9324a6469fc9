"""A map that is taken along opens in other programs: a table that nothing in it can make run, and a picture."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.map_charts import MOST_POINTS
from core.points import chart, save


def points(n: int, label: str = "正常") -> pd.DataFrame:
    xy = np.random.default_rng(0).normal(size=(n, 2))
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "series": 0, "start": np.arange(n), "label": label})


def colours(png: bytes) -> int:
    """How many pixels are no shade of grey."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return int((np.ptp(pixels, axis=2) > 60).sum())


def test_a_table_is_read_as_it_was_and_no_cell_of_it_is_a_formula(tmp_path: Path):
    save(points(20, label="=1+1"), "short · raw / t-SNE", tmp_path / "maps")
    table, picture = sorted((tmp_path / "maps").iterdir(), key=lambda file: file.suffix)
    assert (table.suffix, picture.suffix, table.stem) == (".csv", ".png", picture.stem)
    assert pd.read_csv(table)["label"].unique().tolist() == ["'=1+1"]
    assert np.allclose(pd.read_csv(table)[["x", "y"]], points(20)[["x", "y"]])


@pytest.mark.parametrize("n", [20, MOST_POINTS + 1])
def test_few_points_and_very_many_can_be_seen(tmp_path: Path, n: int):
    save(points(n), "map", tmp_path)
    assert colours((tmp_path / "map.png").read_bytes()) > 20 * min(n, 1000)


def test_points_can_be_coloured_by_any_column():
    titles = [str(chart(points(20), by).to_dict()["encoding"]["color"]["legend"]["title"]) for by in ("label", "start")]
    assert titles == ["label", "start"]
