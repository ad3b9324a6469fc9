"""Charts as files to take along: PNG, SVG and PDF, with the letters that Japanese needs."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Literal

import altair as alt

from core.charts import Chart

Format = Literal["png", "svg", "pdf"]
FONT = "IPAexGothic"  # comes with matplotlib-fontja; that package itself is never imported


def drawn(chart: Chart, form: Format) -> bytes:
    """The chart as the bytes of a file. It needs a width and a height of its own."""
    import vl_convert

    _register()
    with alt.data_transformers.enable("default", max_rows=None):  # Altair's 5,000 are for notebooks
        spec = chart.configure(font=FONT).to_dict()
    if form == "png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=2))
    if form == "svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    return bytes(vl_convert.vegalite_to_pdf(spec))


@cache
def _register() -> None:
    import vl_convert

    vl_convert.register_font_directory(str(font_file().parent))


def font_file() -> Path:
    """Where FONT lies. FileNotFoundError where it is missing."""
    found = importlib.util.find_spec("matplotlib_fontja")
    file = Path(found.origin).parent / "fonts" / "ipaexg.ttf" if found and found.origin else None
    if file is None or not file.is_file():
        raise FileNotFoundError("the font of matplotlib-fontja is missing: Japanese would be empty boxes")
    return file
