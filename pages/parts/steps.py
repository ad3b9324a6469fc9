"""Preparation steps in words, and the fields that set them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from core.encoders import HUB
from core.errors import N_
from core.periods import Period
from core.recipes import Recipe, WindowSpec
from core.series import Series
from core.steps import Bend, Deseason, Detrend, Impute, Resample, Scale, Smooth, Step, Winsorise
from pages.parts.text import _

NAMES: dict[type[Any], str] = {
    Resample: N_("Even grid in time"),
    Impute: N_("Fill gaps"),
    Winsorise: N_("Draw in outliers"),
    Smooth: N_("Smooth"),
    Bend: N_("Make large values less large"),
    Detrend: N_("Take out the trend"),
    Deseason: N_("Take out the season"),
    Scale: N_("Bring to one scale"),
}
FILLING = {
    "linear": N_("a straight line"),
    "forward": N_("the last value"),
    "seasonal": N_("the same time in other periods"),
    "model": N_("what the model guesses"),
}
MODELS = {"": N_("compact model (comes with this app)")} | {
    name: {"small": N_("MOMENT small"), "base": N_("MOMENT base"), "large": N_("MOMENT large")}[size]
    for size, name in HUB.items()
}
GRID = {"mean": N_("mean"), "linear": N_("straight line"), "nearest": N_("nearest sample")}
SMOOTHING = {"median": N_("median"), "exponential": N_("exponential"), "savgol": N_("Savitzky–Golay")}
TREND = {"linear": N_("a straight line"), "difference": N_("from sample to sample")}
SEASON = {"stl": N_("STL, one period"), "mstl": N_("MSTL, several periods")}
SCALING = {
    "z-score": N_("mean 0, spread 1"),
    "min-max": N_("from 0 to 1"),
    "robust": N_("median 0, middle half 1"),
}
OVER = {
    "window": N_("each stretch"),
    "series": N_("each series"),
    "domain": N_("each line or site"),
    "all": N_("all data together"),
}
BENDING = {"log": N_("logarithm"), "box-cox": N_("Box–Cox")}
ALIGN = {"start": N_("at the start, step by step"), "label": N_("anew where the label changes")}
REST = {"leave": N_("leave it out"), "shift": N_("move one stretch back over it")}


def fresh(kind: type[Any], series: Sequence[Series], found: Sequence[Period]) -> Step:
    """A step as it suits the data."""
    period = found[0].samples if found else 24
    steps: dict[type[Any], Callable[[], Step]] = {
        Resample: lambda: Resample(_usual_step(series), "mean"),
        Impute: lambda: Impute("linear", 64),
        Winsorise: lambda: Winsorise(0.01),
        Smooth: lambda: Smooth("median", 5),
        Bend: lambda: Bend("box-cox"),
        Detrend: lambda: Detrend("linear"),
        Deseason: lambda: Deseason("stl", (period,)),
        Scale: lambda: Scale("z-score", "series"),
    }
    return steps[kind]()


def _usual_step(series: Sequence[Series]) -> float:
    """Seconds from one sample to the next, as most are."""
    for one in series:
        if one.time is not None and len(one.time) > 1:
            seconds = float(np.median(np.diff(one.time)) / np.timedelta64(1, "s"))
            if seconds > 0:
                return seconds
        if one.step:
            return one.step
    return 1.0


def said(step: Step) -> str:
    """What a step does, in a line."""
    match step:
        case Resample():
            how = _("every {seconds:g} s, {how}").format(seconds=step.seconds, how=_(GRID[step.method]))
        case Impute():
            how = _("up to {n:,} samples, by {how}").format(n=step.longest, how=_(FILLING[step.method]))
        case Winsorise():
            how = _("{share:g} % at each end").format(share=100 * step.share)
        case Smooth():
            how = _("{how}, {n} samples").format(how=_(SMOOTHING[step.method]), n=step.width)
        case Bend():
            how = _(BENDING[step.method])
        case Detrend():
            how = _(TREND[step.method])
        case Deseason():
            how = _("{periods} samples").format(periods=", ".join(map(str, step.periods)))
        case Scale():
            how = _("{how}, {over}").format(how=_(SCALING[step.method]), over=_(OVER[step.over]))
    return f"{_(NAMES[type(step)])}: {how}"


def in_short(recipe: Recipe) -> str:
    """A recipe in a line."""
    window = recipe.window
    cut = _("{length} samples a stretch, step {stride}").format(length=window.length, stride=window.stride)
    return " · ".join([*(_(NAMES[type(one)]) for one in recipe.steps), cut])


def fields(step: Step, key: str) -> Step:
    """The settings of a step, to be changed."""
    left, right = st.columns(2)
    match step:
        case Resample():
            seconds = left.number_input(
                _("Seconds from point to point"), value=step.seconds, format="%g", key=f"s-{key}"
            )
            return Resample(seconds, _choice(right, _("Value of a point"), GRID, step.method, key))
        case Impute():
            return _impute_fields(step, left, right, key)
        case Winsorise():
            share = left.number_input(_("Percent at each end"), value=100 * step.share, format="%g", key=f"p-{key}")
            over = {name: words for name, words in OVER.items() if name != "window"}
            return Winsorise(share / 100, _choice(right, _("Limits of"), over, step.over, key))
        case Smooth():
            method = _choice(left, _("Method"), SMOOTHING, step.method, key)
            width = right.number_input(_("Samples"), value=step.width, step=2, key=f"w-{key}")
            return Smooth(method, width)
        case Bend():
            return Bend(_choice(left, _("Method"), BENDING, step.method, key))
        case Detrend():
            return Detrend(_choice(left, _("Trend"), TREND, step.method, key))
        case Deseason():
            method = _choice(left, _("Method"), SEASON, step.method, key)
            written = right.text_input(_("Periods in samples"), " ".join(map(str, step.periods)), key=f"t-{key}")
            periods = tuple(int(word) for word in written.replace(",", " ").split() if word.isdecimal())
            return Deseason(method, periods[:1] if method == "stl" else periods)
        case Scale():
            return Scale(
                _choice(left, _("Method"), SCALING, step.method, key),
                _choice(right, _("Measured over"), OVER, step.over, f"o-{key}"),
            )


def _impute_fields(step: Impute, left: Any, right: Any, key: str) -> Impute:
    method = _choice(left, _("Filled with"), FILLING, step.method, key)
    longest = right.number_input(_("Longest gap that is filled, in samples"), value=step.longest, key=f"l-{key}")
    period = step.period
    if method == "seasonal":
        period = left.number_input(_("Period in samples"), value=max(step.period, 24), key=f"p-{key}")
    source = step.source
    if method == "model":
        source = _choice(left, _("Model"), MODELS, source if source in MODELS else "", f"m-{key}")
    return Impute(method, longest, period if method == "seasonal" else 0, source if method == "model" else "")


def window_fields(window: WindowSpec, key: str) -> WindowSpec:
    """How stretches are cut, to be changed."""
    left, right = st.columns(2)
    length = left.number_input(_("Samples in a stretch"), 2, 4096, window.length, 8, key=f"length-{key}")
    stride = right.number_input(
        _("Step from one stretch to the next"), 1, 4096, min(window.stride, length), 1, key=f"stride-{key}"
    )
    align = _choice(left, _("Stretches begin"), ALIGN, window.align, f"align-{key}")
    rest = _choice(right, _("What is left at the end"), REST, window.rest, f"rest-{key}")
    most = left.number_input(
        _("For a first look: at most so many stretches (0: all)"), 0, 10_000, window.most, 500, key=f"most-{key}"
    )
    return replace(window, length=length, stride=stride, align=align, rest=rest, most=most)


def _choice(where: Any, label: str, names: dict[str, str], value: str, key: str) -> Any:
    codes = list(names)
    return where.selectbox(label, codes, codes.index(value), format_func=lambda c: _(names[c]), key=f"c-{key}")
