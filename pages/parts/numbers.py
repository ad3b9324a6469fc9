"""The numbers on a view, each with a sentence that says what it means."""

from typing import Any

import streamlit as st

from core import charts, differences, domains, quality, selections
from core.domains import Apart
from core.errors import N_
from core.measures import Measured, MeasureSpec, StabilitySpec
from core.notices import Notice
from core.recognition import Score
from pages.parts.scene import Scene
from pages.parts.text import _, fill
from pages.parts.watch import peek, until_known

QUICK = 20.0  # seconds: a check that takes longer has to be asked for
MOST_READ = 2000  # windows that mean waveforms are made of
ACROSS = 3  # numbers beside one another


def of_model(meta: dict[str, Any]) -> None:
    """The loss, and what the model computed."""
    if meta["loss"] is None:
        st.markdown(f"**{_('Reconstruction error: none')}**")
        st.caption(
            _("This model does not rebuild waveforms, or there was nothing to rebuild: there is no error to measure.")
        )
    else:
        st.metric(_("Reconstruction error"), f"{meta['loss']:.3f}")
        st.caption(
            _(
                "How badly the model guesses hidden parts ({share:.0%} hidden): 0 is perfect, "
                "1 is no better than always guessing the average."
            ).format(share=meta["mask_ratio"])
        )
    if meta["explained"] is not None:
        st.metric(_("Kept by the flat map"), f"{meta['explained']:.0%}")
        st.caption(_("How much of the differences between stretches fits on this flat picture."))
    if meta["parameters"]:
        st.caption(_("Computed in {mode}.").format(mode=meta["mode"]))
    if meta["filled"]:
        st.caption(_("{n:,} missing values were filled, as the preparation says.").format(n=meta["filled"]))


def of_view(scene: Scene) -> None:
    """How far this map can be trusted."""
    st.markdown(f"#### {_('How far can this map be trusted?')}")
    measured = scene.measured
    if measured is None:
        until_known(MeasureSpec(scene.spec), _("The numbers on this map are being computed …"))
        return
    for notice in measured.warnings:
        st.warning(fill(notice.message, notice.facts), icon=":material/warning:")
    st.caption(_(quality.CAUTION))
    _rows(
        [*_drawing(measured), *_groups(measured), *_recognised(measured), *_lines(scene, measured), *_stability(scene)]
    )
    if scene.steady is None and scene.spec.projection.method != "trained":
        _ask_for_stability(scene)
    if scene.spec.projection.method == "pca":
        _directions(scene)


Row = tuple[str, str, str]  # name, value, what it means
NAMES = {
    "kept": N_("Neighbours kept"),
    "trustworthiness": N_("Trustworthiness"),
    "continuity": N_("Continuity"),
    "stress": N_("Distortion of distances"),
    "silhouette_model": N_("Groups apart, for the model"),
    "silhouette_picture": N_("Groups apart, on the map"),
    "dbcv_model": N_("Empty space between groups, for the model"),
    "dbcv_picture": N_("Empty space between groups, on the map"),
}
DRAWING = ("kept", "trustworthiness", "continuity", "stress")
STRUCTURES = {
    "groups": N_("So many groups of stretches stand apart for the model itself, more than by chance."),
    "order": N_("The model sees a gradual order, but no separate groups: gaps on the map come from the drawing."),
    "none": N_("For the model, no stretches stand apart more than by chance: clumps on the map mean nothing."),
}


def _rows(rows: list[Row]) -> None:
    for first in range(0, len(rows), ACROSS):
        for column, (name, value, meaning) in zip(st.columns(ACROSS), rows[first : first + ACROSS], strict=False):
            with column:
                st.metric(name, value)
                st.caption(meaning)


def _drawing(measured: Measured) -> list[Row]:
    """What the picture keeps of what the model sees."""
    found = measured.quality
    facts = {"k": found.k, "chance": _share(found.chance)}
    return [_row(code, getattr(found, code), found.why, facts) for code in DRAWING]


def _groups(measured: Measured) -> list[Row]:
    n, found = int(measured.groups.max(initial=-1)) + 1, measured.apart
    rows = [(_("Groups that the model sees"), f"{n}", _(STRUCTURES[measured.structure]))]
    if n < 2:
        return rows
    codes = ("silhouette_model", "silhouette_picture", "dbcv_model", "dbcv_picture")
    return rows + [_row(code, getattr(found, code), found.why, {}) for code in codes]


def _row(code: str, value: float | None, why: quality.Why, facts: dict[str, Any]) -> Row:
    if value is None:
        message, told = why[code]
        return _(NAMES[code]), "–", fill(message, told)
    shown = _share(value) if code == "kept" else _number(value)
    return _(NAMES[code]), shown, fill(quality.MEANING[code], facts)


def _recognised(measured: Measured) -> list[Row]:
    """Whether closeness means anything to those who know the data."""
    rows = []
    names = {
        "label": (
            _("Recognised by label"),
            _("How often the nearest stretch has the same label. Chance: {chance}. Uncertain from {low} to {high}."),
        ),
        "time": (
            _("Nearness in time"),
            _(
                "How often what comes just before or after lies nearer than others. "
                "Chance: {chance}. Uncertain from {low} to {high}."
            ),
        ),
    }
    for code, (name, meaning) in names.items():
        score = measured.recognised[f"{code}, map"]
        if isinstance(score, Score):
            told = meaning.format(chance=_share(score.chance), low=_share(score.low), high=_share(score.high))
            rows.append((name, _share(score.value), told))
        else:
            rows.append((name, "–", fill(score.message, score.facts)))
    return rows


def _lines(scene: Scene, measured: Measured) -> list[Row]:
    """Whether it is the line or site that the model sees; nothing where there is only one."""
    found = measured.lines
    if isinstance(found, Notice):
        return (
            []
            if found.message == domains.ONE_DOMAIN
            else [(_("Lines or sites"), "–", fill(found.message, found.facts))]
        )
    rows = [
        (
            _("Lines mixed"),
            _share(found.mixing),
            _(
                "Of a stretch’s nearest others, so many are from another line or site as would be if these made no "
                "difference. 100 %: fully mixed. Chance alone makes it {chance}."
            ).format(chance=_share(found.mixing_chance)),
        )
    ]
    if scene.spec.encoder.adapt:  # what brings lines together makes the other number 50 % whatever they are
        return rows
    told = _("How surely the model’s view tells lines or sites apart. 50 %: not at all.")
    low, high = found.auc.low, found.auc.high
    if low is not None and high is not None:
        told += " " + _("Uncertain from {low} to {high}.").format(low=_share(low), high=_share(high))
    return [(_("Lines told apart"), _share(found.auc.value), told), *rows]


def _stability(scene: Scene) -> list[Row]:
    steady = scene.steady
    if scene.spec.projection.method == "trained":
        why = _("This map was trained: what chance made of it shows when the training is run again.")
        return [(_("Steadiness"), "–", why)]
    if steady is None:
        return []
    return [
        (
            _("Steadiness"),
            _share(steady.overall),
            _(
                "Drawn {n} times again, so many of a stretch’s neighbours on the map are there again. Chance: {share}."
            ).format(n=steady.n_drawings, share=_share(steady.by_chance)),
        )
    ]


def _directions(scene: Scene) -> None:
    """What it means to lie left or right, high or low: only PCA has an answer."""
    if not st.toggle(_("Show what the two directions of this map stand for"), key=f"axes-{scene.key}"):
        return
    left, middle, right = st.columns(3)
    with left:
        chart = charts.shares(scene.view.meta["shares"], _("direction"), _("share of the differences"))
        st.altair_chart(chart, theme=None, alt=_("How much of the differences each direction holds"))
        st.caption(_("The map shows the two dark ones. The less the others hold, the less it leaves out."))
    some = selections.thin(len(scene.windows), MOST_READ)
    values, names = scene.windows.values(some), scene.series[0].channels
    words = (_("left"), _("right")), (_("bottom"), _("top"))
    for column, axis, ends in zip((middle, right), range(2), words, strict=True):
        low, high = differences.axis_curves(values, scene.view.xy[some, axis])
        alt = _("Mean waveforms at both ends: {ends}").format(ends=", ".join(ends))
        with column:
            st.altair_chart(charts.ends(low, high, names, ends, _("sample in the stretch")), theme=None, alt=alt)
    st.caption(_("The mean waveforms of the tenth of the stretches at either end of the map."))


def _ask_for_stability(scene: Scene) -> None:
    """How far the view depends on chance: at once where that is quick, else when somebody asks."""
    asked = StabilitySpec(scene.spec)
    wanted = f"steady-{asked.fingerprint()[:12]}"
    once = scene.view.meta["seconds_drawing"]  # None: it was stopped when it was good enough
    if (once is not None and 7 * once <= QUICK) or st.session_state.get(wanted):
        if peek(asked) is None:
            until_known(asked, _("The map is being drawn again, to see how steady it is …"))
        return
    words = _("Check how steady it is (about {n:.0f} s)").format(n=7 * once) if once else _("Check how steady it is")
    if st.button(words, icon=":material/repeat:", key=f"ask-{wanted}"):
        st.session_state[wanted] = True
        st.rerun()


def brief(scene: Scene) -> None:
    """Two lines below one of several maps."""
    measured = scene.measured
    if measured is None:
        return
    said = [_("neighbours kept {share}").format(share=_share(measured.quality.kept))]
    for code, words in (("label", _("recognised by label {share}")), ("time", _("nearness in time {share}"))):
        score = measured.recognised[f"{code}, map"]
        if isinstance(score, Score):
            told = words.format(share=_share(score.value))
            said.append(f"{told} ({_share(score.low)}–{_share(score.high)})")
    if isinstance(measured.lines, Apart):
        said.append(_("lines mixed {share}").format(share=_share(measured.lines.mixing)))
    if scene.view.per_window is not None:
        said.append(_("reconstruction error {value:.3f}").format(value=scene.view.meta["loss"]))
    st.caption(" · ".join(said))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
