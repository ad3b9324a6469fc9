"""Charts as files to take along: PNG, SVG and PDF, with the letters that Japanese needs."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Literal

import altair as alt

from core.charts import Chart

Format = Literal["png", "svg", "pdf"]
IDS = re.compile(r"""(id="|url\(#)(clip|gradient_)(\d+)("|\))""")
FONT = "IPAexGothic"  # comes with matplotlib-fontja; that package itself is never imported


def drawn(chart: Chart, form: Format) -> bytes:
    """The chart as the bytes of a file. It needs a width and a height of its own."""
    import vl_convert

    _register()
    with alt.data_transformers.enable("default", max_rows=None):  # Altair's 5,000 are for notebooks
        spec = chart.to_dict()
    spec["config"] = spec.get("config", {}) | {"font": FONT}  # the sizes of its letters stay as on the screen
    if form == "png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=2))
    if form == "svg":
        return _renumbered(str(vl_convert.vegalite_to_svg(spec))).encode()
    return bytes(vl_convert.vegalite_to_pdf(spec))


def _renumbered(svg: str) -> str:
    """Vega counts on from one picture to the next: begin anew, so that the same chart gives the same bytes."""
    numbers: dict[str, str] = {}

    def again(found: re.Match[str]) -> str:
        before, name, number, after = found.groups()
        return f"{before}{name}{numbers.setdefault(number, str(len(numbers)))}{after}"

    return IDS.sub(again, svg)


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
