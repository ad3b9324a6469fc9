"""Very many points as a picture: what WebGL draws on the screen, for a file that somebody takes along.

The same as pages/parts/scatter_points.js while the whole map is in view: antialiased shapes, laid over one another in
the order of the points; what is not picked is faded and lies below. Groups keep their shapes, though among a million
points one is 2 pixels across and shapes hardly tell. It is compiled, so whoever only looks at maps need not import it.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.charts import SHAPES, UNKNOWN, VIRIDIS
from core.map_charts import Colouring, Map
from core.parallel import compiled

Look = tuple[float, float]  # of the points: pixels across, opacity
Sides = tuple[int, int]  # of a picture: width, height in pixels

DENSE = 2  # pixels of the picture to one of the chart; a PNG of the chart is drawn so, too
LEVELS = 255  # of a quantity; one more for those that are not known
PALE = 204  # grey that faded points come near to
FADING = 0.72  # how near
FAINTER, LARGER, LEAST_PICKED = 0.45, 1.2, 0.8  # opacity of those not picked, size of those picked and their opacity


def png(drawn: Map, look: Look, sides: Sides) -> bytes:
    """The points, with nothing where they leave white. Equal maps give equal bytes.

    Args:
        look: in pixels of the chart.
        sides: of the chart; the picture has DENSE times as many pixels.
    """
    file = io.BytesIO()
    Image.fromarray(painted(drawn, look, sides)).save(file, "PNG", transparency=(255, 255, 255))
    return file.getvalue()


def painted(drawn: Map, look: Look, sides: Sides) -> NDArray[np.uint8]:
    """(DENSE * height, DENSE * width, 3) red, green and blue of each pixel, from the top."""
    size, opacity = DENSE * look[0], look[1]
    width, height = (DENSE * side for side in sides)
    x, y, half = drawn.frame
    places = (drawn.xy - [x, y]) * [1, -1] * (min(width, height) / 2 / half) + [width / 2, height / 2]
    level, colours, shapes = _looks(drawn.colouring)
    paper = np.full((height, width, 3), 255, dtype=np.float32)
    if not len(drawn.picked):
        _lay(paper, places, level, (colours, shapes), (size, opacity))
    else:
        is_picked = np.isin(np.arange(len(places)), drawn.picked)
        faded = colours + np.float32(FADING) * (PALE - colours)
        rest = places[~is_picked], level[~is_picked]
        _lay(paper, *rest, (faded, shapes), (size, opacity * FAINTER))
        picked = places[is_picked], level[is_picked]
        _lay(paper, *picked, (colours, shapes), (size * LARGER, max(opacity, LEAST_PICKED)))
    return (paper + 0.5).astype(np.uint8)


def _looks(colouring: Colouring) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]:
    """Which look each point has, (n,); and of each look its (red, green, blue) and its shape, as a place in SHAPES."""
    if colouring.groups is not None:
        colours, shapes = colouring.looks()
        return colouring.codes(), _rgb(colours), np.array([SHAPES.index(one) for one in shapes])
    stops = _rgb(VIRIDIS)
    at = np.linspace(0, len(stops) - 1, LEVELS)
    scale = np.column_stack([np.interp(at, np.arange(len(stops)), one) for one in stops.T])
    palette = np.vstack([scale.round(), _rgb([UNKNOWN])]).astype(np.float32)
    return _levels(colouring), palette, np.zeros(len(palette), dtype=np.intp)


def _levels(colouring: Colouring) -> NDArray[np.intp]:
    """Where each value lies between the lowest and the highest: 0 … LEVELS - 1, or LEVELS where it is not known."""
    level = np.full(len(colouring.values), LEVELS, dtype=np.intp)
    known = colouring.values[colouring.is_known]
    if len(known):
        span = known.max() - known.min()
        share = (known - known.min()) / span if known.max() > known.min() else np.zeros(len(known))
        level[colouring.is_known] = np.round((LEVELS - 1) * share)
    return level


def _rgb(colours: Any) -> NDArray[np.float32]:
    """(n, 3) from "#rrggbb"."""
    return np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in colours], dtype=np.float32)


@compiled
def _lay(paper: Any, places: Any, level: Any, looks: Any, look: Any) -> None:
    """Each point over what lies there already.

    Args:
        paper: (height, width, 3), changed.
        places: (n, 2) from the left and from the top, in pixels.
        level: (n,) rows of both of looks: (m, 3) colours, (m,) shapes.
        look: pixels across, opacity.
    """
    height, width, _ = paper.shape
    colours, shapes = looks
    radius, opacity = look[0] / 2, look[1]
    for i in range(len(places)):
        x, y = places[i]
        red, green, blue = colours[level[i]]
        for row in range(max(0, int(np.ceil(y - radius - 0.5))), min(height, int(np.floor(y + radius + 0.5)))):
            for column in range(max(0, int(np.ceil(x - radius - 0.5))), min(width, int(np.floor(x + radius + 0.5)))):
                outside = radius * _edge((column + 0.5 - x) / radius, (y - row - 0.5) / radius, shapes[level[i]])
                cover = np.float32(opacity * min(max(0.5 - outside, 0.0), 1.0))
                pixel = paper[row, column]
                pixel[0] += cover * (red - pixel[0])
                pixel[1] += cover * (green - pixel[1])
                pixel[2] += cover * (blue - pixel[2])


@compiled
def _edge(x: float, y: float, shape: int) -> float:
    """How far (x, y) lies outside a shape around 0, in half sizes, below 0 inside; shapes counted as in SHAPES."""
    if shape == 5:
        y = -y
    elif shape == 6:
        x, y = y, x
    across, up = abs(x), abs(y)
    if shape in (1, 5, 6):
        return max(-y, 0.866 * across + 0.5 * y) - 0.5
    if shape == 2:
        return max(across, up) - 0.72
    if shape == 3:
        return 0.7071 * (across + up - 1)
    if shape == 4:
        return min(max(across - 0.28, up - 0.9), max(up - 0.28, across - 0.9))
    return float(np.hypot(x, y) - 0.8)
