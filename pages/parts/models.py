"""Choosing a model: what each is and costs, said before it starts."""

from collections.abc import Mapping
from dataclasses import asdict

import streamlit as st

from core import encoders
from core.encoders import HUB, PATCH, Adapt, EncoderSpec, Facts
from core.errors import N_, UserError
from core.recipes import WindowSpec
from core.views import SPEED
from pages.parts.text import _
from pages.parts.work import store

FOLDER, RUN = "folder", "run-"  # of a model that was trained here: with the number of its training
CHOSEN = "encoder"  # what was chosen last, for screens that have no such form
NAMES = {
    "compact": N_("compact model (comes with this app)"),
    "statistics": N_("statistics of the waveform (no model)"),
    "raw": N_("the waveform itself (no model)"),
    "random-init": N_("untrained model"),
    "small": N_("MOMENT small"),
    "base": N_("MOMENT base"),
    "large": N_("MOMENT large"),
    FOLDER: N_("a folder on this PC"),
}
MEAN, SIDE_BY_SIDE = "all: mean", "all: side by side"
ADAPT: dict[Adapt, str] = {
    "": N_("as they are"),
    "centred": N_("each brought to one middle and size"),
    "coral": N_("each brought to one spread in all directions (CORAL)"),
}
SIDES = {
    "level-scale-slope": N_("Level, size and slope of each stretch too"),
    "differenced": N_("The changes from sample to sample too"),
}


def form(
    channels: tuple[str, ...], window: WindowSpec, n_windows: int, n_series: int, own: Mapping[str, str]
) -> EncoderSpec:
    """Which model embeds the windows, and how.

    Args:
        n_series: where there are several, their lines or sites can be brought together.
        own: folders of models that this pilot has trained, by what `name_of` takes.
    """
    options = [*own, *NAMES]
    code = st.session_state.get("model", "compact")
    code = code if code in options else "compact"
    with st.expander(_("Model: {name}").format(name=name_of(code)), key="open-model"):
        code = st.radio(
            _("Model"),
            options,
            index=options.index("compact"),
            format_func=name_of,
            captions=[_cost(c, channels, window, n_windows, own) for c in options],
            key="model",
            bind="query-params",  # a reload finds the same map again
            persist_state="session",
            label_visibility="collapsed",
        )
        folder = ""
        if code == FOLDER:
            folder = st.text_input(
                _("Folder with config.json and model.safetensors"), key="folder", persist_state="session"
            ).strip()
        if code in HUB:
            st.caption(_("Fetched once from the model hub, so the first time needs the internet."))
        spec = _details(EncoderSpec(*_kind(code, own.get(code, folder))), channels, n_series)
    st.session_state[CHOSEN] = asdict(spec)
    if code == "random-init":
        st.caption(_("This model has learnt nothing. Its map shows what chance alone makes of your data."))
    if spec.reads_patches and "level-scale-slope" not in spec.side:
        st.caption(
            _("This model looks at shapes alone: how high or how large a waveform is makes no difference to it.")
        )
    return spec


def name_of(code: str) -> str:
    """In the reader's words."""
    if code.startswith(RUN):
        return _("after training {n}").format(n=code.removeprefix(RUN))
    return _(NAMES[code])


def _kind(code: str, folder: str = "") -> tuple[encoders.Kind, str]:
    if code in HUB:
        return "moment", HUB[code]
    return ("moment", folder) if code == FOLDER or code.startswith(RUN) else (code, "")  # type: ignore[return-value]


def _details(spec: EncoderSpec, channels: tuple[str, ...], n_series: int) -> EncoderSpec:
    """What most people leave alone."""
    channel, join = "", "mean"
    if len(channels) > 1:
        names = {MEAN: _("all, as their mean"), SIDE_BY_SIDE: _("all, side by side")}
        options = [*(names if spec.reads_patches else [SIDE_BY_SIDE]), *channels]
        chosen = st.selectbox(
            _("Channels for the model"),
            options,
            format_func=lambda c: names.get(c, c),
            key=f"join-{spec.reads_patches}-{len(channels)}",
            persist_state="session",
        )
        channel = chosen if chosen in channels else ""
        join = "concat" if spec.reads_patches and chosen == SIDE_BY_SIDE else "mean"
    side = [s for s in SIDES if st.checkbox(_(SIDES[s]), key=f"side-{s}", persist_state="session")]
    exact = spec.reads_patches and st.checkbox(
        _("Compute exactly (float32), even if it takes longer"), key="exact", persist_state="session"
    )
    adapt = _together() if n_series > 1 else ""
    return EncoderSpec(spec.kind, spec.source, join, channel, tuple(side), "float32" if exact else "auto", adapt)


def _together() -> Adapt:
    """How lines or sites are brought together."""
    adapt: Adapt = st.selectbox(
        _("Lines or sites"), list(ADAPT), format_func=lambda c: _(ADAPT[c]), key="adapt", persist_state="session"
    )
    if adapt:
        st.caption(
            _(
                "What differs between them goes, be it a sensor’s habit or what happened at one of them alone. "
                "So look at “Recognised by label” too."
            )
        )
    return adapt


def _cost(code: str, channels: tuple[str, ...], window: WindowSpec, n_windows: int, own: Mapping[str, str]) -> str:
    """What it is and costs, in a line."""
    folder = own.get(code) or st.session_state.get("folder", "").strip()
    if code == FOLDER and not folder:
        return _("a MOMENT of your own")
    spec = EncoderSpec(*_kind(code, folder))
    try:
        known = encoders.facts(spec, window.length // PATCH)
    except UserError:
        return _("no model there")
    operations = n_windows * encoders.operations_of(spec, channels, window.length)
    took = encoders.seconds(2 * operations, store().noted(SPEED))  # it embeds the windows, and is scored on them
    return " · ".join([*_facts(known), duration(took)])


def _facts(known: Facts) -> list[str]:
    said = []
    if known.parameters:
        said.append(_("{n:,} parameters").format(n=known.parameters))
    if known.bytes:
        said.append(f"{known.bytes / 1e6:,.0f} MB")
    if known.parameters:
        said.append(_("8 to 512 samples"))
    if known.licence:
        said.append(_("licence {name}").format(name=_(known.licence)))
    return said


def duration(seconds: float) -> str:
    """About how long, in words."""
    if seconds < 1:
        return _("under a second")
    if seconds < 90:
        return _("about {n:.0f} s").format(n=seconds)
    return _("about {n:.0f} min").format(n=seconds / 60)
