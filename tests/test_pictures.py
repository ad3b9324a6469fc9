"""Charts as files, with Japanese letters that are there."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from core import pictures
from core.map_charts import Colouring, Map, waveform_map
from core.selections import frame_of

XY = np.random.default_rng(0).normal(size=(30, 2))


def chart(words: str, xy: np.ndarray = XY):
    colouring = Colouring(words, np.array([words, "ok"])[np.arange(len(xy)) % 2])
    return waveform_map(Map(xy, colouring, np.arange(0), frame_of(xy)), 300, {}).properties(width=400)


@pytest.mark.parametrize(("form", "first"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")])
def test_every_format_is_what_it_says(form, first):
    assert pictures.drawn(chart("状態"), form).startswith(first)


def test_letters_stay_letters_and_are_no_shapes_of_their_own_in_svg():
    svg = pictures.drawn(chart("状態"), "svg").decode()
    assert ">状態<" in svg
    assert pictures.FONT in svg


@pytest.mark.parametrize("form", ["png", "svg"])  # a PDF holds when it was made
def test_the_same_chart_gives_the_same_bytes(form):
    quantity = Colouring("値", np.arange(len(XY), dtype=float))
    shaded = waveform_map(Map(XY, quantity, np.arange(0), frame_of(XY)), 300, {}).properties(width=400)
    for one in (chart("状態"), shaded):
        assert pictures.drawn(one, form) == pictures.drawn(one, form)
        svg = pictures.drawn(one, "svg").decode()
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) == set(re.findall(r' id="([^"]+)"', svg)) != set()


def test_japanese_letters_are_drawn_and_not_left_out_as_boxes():
    """Two signs of one width: where a font lacks both, both become the same box."""
    one, other = (np.asarray(Image.open(io.BytesIO(pictures.drawn(chart(sign), "png")))) for sign in ("詰", "摩"))
    assert one.shape == other.shape
    assert (one != other).any()


def test_a_pdf_carries_the_font_that_it_needs():
    assert pictures.FONT.encode() in pictures.drawn(chart("状態"), "pdf")


def test_without_the_font_it_fails_loudly(monkeypatch):
    monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda _name: None)
    pictures._register.cache_clear()
    with pytest.raises(FileNotFoundError, match="font"):
        pictures.drawn(chart("状態"), "png")
    pictures._register.cache_clear()


def test_as_many_points_as_a_screen_shows_can_be_taken_along():
    many = np.random.default_rng(0).normal(size=(10_000, 2))
    assert pictures.drawn(chart("状態", many), "png").startswith(b"\x89PNG")
