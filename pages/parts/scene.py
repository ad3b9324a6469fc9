"""What a linked view shows, and what its points can be coloured by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    names = _names(scene)
    code = st.selectbox(_("Colour by"), list(names), format_func=names.__getitem__, key=f"colour-{key}")
    return coloured(scene, code, channel)


def _names(scene: Scene) -> dict[str, str]:
    """What this scene can be coloured by; the first is shown first."""
    names = {LABEL: scene.label} if scene.windows.label is not None else {}
    names |= {TIME: _("time"), CHANNEL: _("value of the channel")}
    if len(scene.series) > 1:
        names[SERIES] = _("file, line or site")
    if scene.measured is not None and (scene.measured.groups >= 0).any():
        names[GROUP] = _("groups that the model sees")
    if scene.view.per_window is not None:
        names[LOSS] = _("reconstruction error")
    if scene.measured is not None:
        names |= {NEAREST: _("distance to the nearest stretch"), KEPT: _("neighbours kept on the map")}
    if scene.steady is not None:
        names[STEADY] = _("steadiness of the place")
    if scene.agreed is not None:
        names[AGREED] = _("how far the maps agree")
    return names


def coloured(scene: Scene, code: str, channel: int = 0) -> Colouring:
    made = _COLOURINGS[code](scene, channel)
    return made if made is not None else Colouring(_("time"), starts(scene))


def first_colouring(scene: Scene) -> Colouring:
    """By label where there is one, else by time."""
    return coloured(scene, next(iter(_names(scene))))


def _by_label(scene: Scene, _channel: int) -> Colouring | None:
    return None if scene.windows.label is None else Colouring(scene.label, scene.windows.label)


def _by_channel(scene: Scene, channel: int) -> Colouring:
    return Colouring(scene.series[0].channels[channel], _means(scene, channel))


def _by_series(scene: Scene, _channel: int) -> Colouring:
    return Colouring(_("file, line or site"), np.array(scene.names)[scene.windows.series], tuple(scene.names))


def _by_group(scene: Scene, _channel: int) -> Colouring | None:
    return None if scene.measured is None else by_groups(scene.measured.groups)


def by_groups(groups: NDArray[np.int64]) -> Colouring:
    """Numbered groups of windows, -1 for none."""
    n = int(groups.max(initial=-1)) + 1
    rest = _("in no group")
    names = [*(_("Group {n}").format(n=i + 1) for i in range(n)), rest]
    order = tuple(names if (groups < 0).any() else names[:-1])
    return Colouring(_("groups that the model sees"), np.array(names)[groups], order, rest)


def _by_loss(scene: Scene, _channel: int) -> Colouring | None:
    loss = scene.view.per_window
    return None if loss is None else Colouring(_("reconstruction error"), loss)


def _by_nearest(scene: Scene, _channel: int) -> Colouring | None:
    if scene.measured is None:
        return None
    return Colouring(_("distance to the nearest stretch"), scene.measured.nearest)


def _by_kept(scene: Scene, _channel: int) -> Colouring | None:
    return None if scene.measured is None else Colouring(_("neighbours kept on the map"), scene.measured.kept)


def _by_steadiness(scene: Scene, _channel: int) -> Colouring | None:
    return None if scene.steady is None else Colouring(_("steadiness of the place"), scene.steady.kept)


def _by_agreement(scene: Scene, _channel: int) -> Colouring | None:
    return None if scene.agreed is None else Colouring(_("how far the maps agree"), scene.agreed)


_COLOURINGS: dict[str, Callable[[Scene, int], Colouring | None]] = {
    LABEL: _by_label,
    TIME: lambda scene, _channel: Colouring(_("time"), starts(scene)),
    CHANNEL: _by_channel,
    SERIES: _by_series,
    GROUP: _by_group,
    LOSS: _by_loss,
    NEAREST: _by_nearest,
    KEPT: _by_kept,
    STEADY: _by_steadiness,
    AGREED: _by_agreement,
}


def starts(scene: Scene) -> NDArray[Any]:
    """When each window starts; its sample number where a series has no clock."""
    windows = scene.windows
    clocks = [one.time for one in scene.series if one.time is not None]
    if len(clocks) < len(scene.series):
        return windows.start.astype(float)
    times = np.empty(len(windows), dtype="datetime64[ns]")
    for i, clock in enumerate(clocks):
        times[windows.series == i] = clock[windows.start[windows.series == i]]
    return times


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
