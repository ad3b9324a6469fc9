"""What a model is trained on, and how: the form of the Tune screen."""

from collections.abc import Collection
from dataclasses import replace
from itertools import product

import streamlit as st

from core import encoders
from core.encoders import Architecture, EncoderSpec
from core.errors import N_
from core.lessons import Trainable, TrainSpec, n_trained
from core.recipes import WindowSpec
from core.views import SPEED
from pages.parts.models import duration
from pages.parts.text import _
from pages.parts.work import store

TRAINED: dict[Trainable, str] = {
    "all": N_("Everything"),
    "last": N_("The last block"),
    "lora": N_("Small additions to every block (LoRA)"),
    "head": N_("Only the last layer, which writes out waveforms"),
}
REBUILD, TIME, LABEL, LAYOUT, LINES = "rebuild", "time", "label", "layout", "lines"
LESSONS = {
    REBUILD: N_("to guess hidden parts"),
    TIME: N_("and that stretches close in time belong together"),
    LABEL: N_("and that stretches of one label belong together"),
    LAYOUT: N_("and a flat map of its own"),
    LINES: N_("and that lines or sites look alike"),
}
DANGER = N_(
    "Whatever tells lines or sites apart is to fade from what the model sees (MMD). The danger: what really happens at "
    "one line alone may be hidden with it. Afterwards, look whether lines are told apart less, and whether labels are "
    "still recognised as often."
)
HIDDEN, SHARES = (0.25, 0.5, 0.75), (0.25, 0.5, 1.0)  # to choose from
SWEEP = (0.1, 0.3, 1.0, 3.0)  # weights of the second lesson
FORWARD_AND_BACK = 3  # a training step costs as much as so many readings


Asked = tuple[TrainSpec, float]  # and of the data to learn from, how much


def form(encoder: EncoderSpec, channels: tuple[str, ...], window: WindowSpec, within: Collection[str]) -> list[Asked]:
    """One training, or many that differ in what may change, what is hidden, how much data there is, or a weight.

    Args:
        encoder: what is trained further; a MOMENT.
        within: what the data has of LABEL and LINES.
    """
    built = encoders.architecture(encoder)
    trained: Trainable = st.radio(
        _("What may change"),
        list(TRAINED),
        format_func=lambda code: _(TRAINED[code]),
        captions=[_share(TrainSpec(code), built) for code in TRAINED],
        key="trained",
        persist_state="session",
    )
    options = [code for code in LESSONS if code not in (LABEL, LINES) or code in within]
    if trained == "head":
        options = [REBUILD]
        st.caption(_("The last layer alone cannot move the map: there is only one thing it can learn."))
    lesson = st.radio(
        _("What it learns"),
        options,
        format_func=lambda code: _(LESSONS[code]),
        key=f"lesson-{len(options)}",
        persist_state="session",
    )
    if lesson == LINES:
        st.warning(_(DANGER), icon=":material/warning:")
    spec = _details(TrainSpec(trained))
    if lesson == REBUILD:
        found = [spec]
    else:
        weight = st.slider(_("Weight of the second lesson"), 0.1, 3.0, 1.0, 0.1, key="weight", persist_state="session")
        several = st.checkbox(
            _("Try several weights, one after the other: {weights}").format(weights=", ".join(f"{w:g}" for w in SWEEP)),
            key="sweep",
            persist_state="session",
        )
        found = [_with(spec, lesson, one) for one in (SWEEP if several else (weight,))]
    asked = _many(found)
    n = len(asked) * (1 if lesson in (REBUILD, LINES) else 2)  # and the same on data without shapes
    each = _seconds(encoder, channels, window, found[0])
    st.caption(_("{n} trainings, at most {time} each").format(n=n, time=duration(each)))
    return asked


def _many(found: list[TrainSpec]) -> list[Asked]:
    """The same with every combination of what is chosen here; nothing chosen: as it is."""
    with st.expander(_("Try many settings"), key="open-many"):
        trained = st.multiselect(
            _("What may change"),
            [code for code in TRAINED if code != "head" or not (found[0].contrast or found[0].lines)],
            format_func=lambda code: _(TRAINED[code]),
            placeholder=_("as above"),
            key="many-trained",
        )
        hidden = st.multiselect(
            _("Share that is hidden"), HIDDEN, format_func="{:.0%}".format, placeholder=_("as above"), key="many-hidden"
        )
        shares = st.multiselect(
            _("Share of the data to learn from"),
            SHARES,
            format_func="{:.0%}".format,
            placeholder="100%",
            key="many-shares",
        )
    made = [
        (replace(one, trained=code, hidden=part), share)
        for one, code, part, share in product(
            found, trained or [found[0].trained], hidden or [found[0].hidden], shares or [1.0]
        )
    ]
    return list(dict.fromkeys(made))


def _with(spec: TrainSpec, lesson: str, weight: float) -> TrainSpec:
    if lesson in (LAYOUT, LINES):
        return replace(spec, layout=weight) if lesson == LAYOUT else replace(spec, lines=weight)
    return replace(spec, contrast=weight, positives="label" if lesson == LABEL else "time")


def _details(spec: TrainSpec) -> TrainSpec:
    """What most people leave alone."""
    with st.expander(_("Details"), key="open-training"):
        hidden = st.slider(
            _("Share that is hidden"), 0.1, 0.8, spec.hidden, 0.05, key="hidden", persist_state="session"
        )
        error = st.radio(
            _("How misses are counted"),
            ["squared", "absolute"],
            format_func={"squared": _("squared (MSE)"), "absolute": _("as they are (MAE)")}.__getitem__,
            horizontal=True,
            key="error",
            persist_state="session",
        )
        steps = st.number_input(_("Steps at most"), 10, 5000, spec.steps, 10, key="steps", persist_state="session")
        rate = st.number_input(
            _("Learning rate"), 1e-6, 1e-1, spec.rate, format="%.1e", key="rate", persist_state="session"
        )
        seed = st.number_input(
            _("Start of the random numbers"), 0, 10**6, 0, key="training-seed", persist_state="session"
        )
        blocks = 1
        if spec.trained == "last":
            blocks = st.number_input(_("So many of the last blocks"), 1, 24, 1, key="blocks", persist_state="session")
    every = max(1, min(spec.every, int(steps) // 8))
    return replace(
        spec, hidden=hidden, error=error, steps=int(steps), every=every, rate=rate, seed=int(seed), blocks=int(blocks)
    )


def _share(spec: TrainSpec, built: Architecture) -> str:
    n = n_trained(spec, built)
    words = _("{n:,} of {all:,} parameters").format(n=n, all=built.parameters)
    return words + (" · " + _("the map stays as it is") if spec.trained == "head" else "")


def _seconds(encoder: EncoderSpec, channels: tuple[str, ...], window: WindowSpec, spec: TrainSpec) -> float:
    once = spec.batch * encoders.operations_of(encoder, channels, window.length)
    lessons = 1 + bool(spec.contrast or spec.lines) + bool(spec.layout)
    return encoders.seconds(FORWARD_AND_BACK * lessons * once * spec.steps, store().noted(SPEED))
