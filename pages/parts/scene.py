"""What a linked view shows, and what its points can be coloured by."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.map_charts import Colouring
from core.measures import Measured, StabilitySpec, Steady
from core.recipes import Windows
from core.series import Floats, Series
from core.views import View, ViewSpec
from pages.parts.text import _
from pages.parts.work import made, ready_series, windows_of

LABEL, TIME, CHANNEL, SERIES, GROUP = "label", "time", "channel", "series", "group"
LOSS, NEAREST, KEPT, STEADY, AGREED = "loss", "nearest", "kept", "steady", "agreed"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A view and where its windows come from."""

    spec: ViewSpec
    view: View
    windows: Windows
    series: tuple[Series, ...]  # on the windows' time axis, in the units of the file
    names: list[str]  # of the series, for people
    label: str  # what the file calls its label column
    measured: Measured | None = None  # the numbers on the map, once they are known
    steady: Steady | None = None  # how far the view depends on chance, likewise
    agreed: Floats | None = None  # (n_windows,) on how far several maps agree about its neighbourhood

    def in_units(self) -> Windows:
        """The same windows in the units of the file."""
        return replace(self.windows, prepared=self.series, scale=None)

    @property
    def key(self) -> str:
        """What widgets of this view are known by."""
        return self.spec.fingerprint()[:12]


def scene_of(spec: ViewSpec, view: View, names: list[str], measured: Measured | None = None) -> Scene:
    label = spec.sources[0].reading.label or _("label")
    series = ready_series(spec.sources, spec.recipe.in_units())
    steady = made(StabilitySpec(spec)) if measured is not None else None
    return Scene(spec, view, windows_of(spec.sources, spec.recipe), series, names, label, measured, steady)


def channel_choice(scene: Scene, key: str) -> int:
    names = scene.series[0].channels
    if len(names) == 1:
        return 0
    return st.selectbox(_("Channel"), range(len(names)), format_func=names.__getitem__, key=f"channel-{key}")


def colour_choice(scene: Scene, channel: int, key: str) -> Colouring:
    options = _colourings(scene, channel)
    code = st.selectbox(_("Colour by"), list(options), format_func=lambda one: options[one].name, key=f"colour-{key}")
    return options[code].make()


def first_colouring(scene: Scene) -> Colouring:
    """By label where there is one, else by time."""
    return next(iter(_colourings(scene, 0).values())).make()


class _Option(NamedTuple):
    """Something that points can be coloured by."""

    name: str
    make: Callable[[], Colouring]


def _colourings(scene: Scene, channel: int) -> dict[str, _Option]:
    """What is known of this scene's windows; the first is shown first."""
    windows, measured, found = scene.windows, scene.measured, {}
    if windows.label is not None:
        found[LABEL] = _plainly(scene.label, windows.label)
    time = _("time")
    found[TIME] = _Option(time, lambda: Colouring(time, starts(scene)))
    name = scene.series[0].channels[channel]
    found[CHANNEL] = _Option(_("value of the channel"), lambda: Colouring(name, _means(scene, channel)))
    if len(scene.series) > 1:
        site, names = _("file, line or site"), np.array(scene.names)
        found[SERIES] = _Option(site, lambda: Colouring(site, names[windows.series], tuple(scene.names)))
    if measured is not None and (measured.groups >= 0).any():
        found[GROUP] = _Option(_("groups that the model sees"), lambda: _by_groups(measured.groups))
    if scene.view.per_window is not None:
        found[LOSS] = _plainly(_("reconstruction error"), scene.view.per_window)
    if measured is not None:
        found[NEAREST] = _plainly(_("distance to the nearest stretch"), measured.nearest)
        found[KEPT] = _plainly(_("neighbours kept on the map"), measured.kept)
    if scene.steady is not None:
        found[STEADY] = _plainly(_("steadiness of the place"), scene.steady.kept)
    if scene.agreed is not None:
        found[AGREED] = _plainly(_("how far the maps agree"), scene.agreed)
    return found


def _plainly(name: str, values: NDArray[Any]) -> _Option:
    return _Option(name, lambda: Colouring(name, values))


def _by_groups(groups: NDArray[np.int64]) -> Colouring:
    """Numbered groups of windows, -1 for none."""
    n = int(groups.max(initial=-1)) + 1
    rest = _("in no group")
    names = [*(_("Group {n}").format(n=i + 1) for i in range(n)), rest]
    order = tuple(names if (groups < 0).any() else names[:-1])
    return Colouring(_("groups that the model sees"), np.array(names)[groups], order, rest)


def starts(scene: Scene) -> NDArray[Any]:
    """When each window starts, on the time axis of the file."""
    return scene.in_units().times()


def _means(scene: Scene, channel: int) -> Floats:
    """Mean of one channel in each window, in the units of the file; NaN where it has no value at all."""
    windows, found = scene.windows, np.full(len(scene.windows), np.nan)
    for i, one in enumerate(scene.series):
        values, mine = one.values[:, channel], windows.series == i
        known = np.concatenate([[0], np.cumsum(np.isfinite(values))])
        summed = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
        first, end = windows.start[mine], windows.start[mine] + windows.length
        n = known[end] - known[first]
        found[mine] = np.where(n > 0, (summed[end] - summed[first]) / np.maximum(n, 1), np.nan)
    return found
