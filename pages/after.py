"""After the pilot: does the map still fit?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import drift, map_charts, selections
from core.alignment import holm
from core.drift import Drift, Limits
from core.errors import N_, UserError
from core.factors import STEPS
from core.placing import Placed, PlacedSpec
from core.recipes import check_same_channels
from core.series import Floats
from core.shifts import Shift
from core.tellings import p_of
from feedback_db import datasets, placements
from feedback_db.datasets import Dataset
from pages.parts import known, over_time, pilot, placed, who
from pages.parts.beside import unbroken
from pages.parts.guard import guard
from pages.parts.intake import names_of, sources_of
from pages.parts.known import Known
from pages.parts.placed import Bounds, Checked
from pages.parts.text import _, fill, moment_of, ngettext, plain
from pages.parts.watch import await_result, await_view
from pages.parts.work import database, series_of, want

PLACED = "placed"  # in the address: id of the placement that is looked at
MOST_OLD, MOST_NEW = 2500, 2500  # points that are drawn
TRAITS = {"level": N_("level"), "spread": N_("spread"), "shape": N_("roughness (shape)")}
FIELDS = {  # of the limits: name, units a share is shown in, step
    "outside": (N_("Stretches like nothing in the pilot: more than (%)"), 100, 1.0),
    "model": (N_("Difference for the model (squared MMD): more than"), 1, 0.01),
    "inputs": (N_("Difference of a channel (KS): more than"), 1, 0.05),
    "p": (N_("Beyond chance: p up to"), 1, 0.01),
}

# --- what is asked


def highest(found: Known) -> str:
    """The map that was rated highest; the one that was kept last while none was."""
    means = {id_: rated.value or 0.0 for id_ in found.views if (rated := found.rated(id_)) is not None}
    return max(means, key=means.__getitem__, default=list(found.views)[-1])


def form(found: Known, here: Sequence[Dataset], seen: Sequence[Checked]) -> None:
    """Which map, which new files, and the button."""
    maps = list(found.views)
    view = st.selectbox(_("Map"), maps, maps.index(highest(found)), format_func=found.name, key="on-map")
    spec = found.specs[view]
    old = {one.sha256 for one in spec.sources}
    new = [one for one in here if one.sha256 not in old]
    if not new:
        st.info(_("This map was drawn from all files that there are. Upload the new data first."))
        data_link()
        return
    names = names_of(here)
    before = [one.spec for one in seen if one.view_id == view and one.spec is not None and not one.file]
    chosen = st.multiselect(
        _("New data"),
        [one.id for one in new],
        proposed(new, before),
        format_func=names.__getitem__,
        key=f"new-{view}-{len(new)}-{len(seen)}",
        placeholder=_("choose"),
    )
    data_link()
    if not chosen:
        raise UserError(N_("No file is chosen."), N_("Choose at least one under “New data”."))
    asked = PlacedSpec(spec, sources_of(one for one in new if one.id in chosen))
    check_same_channels([*series_of(spec.sources), *series_of(asked.sources)])
    kind = "secondary" if asked in before else "primary"
    if st.button(_("Place the new data on the map"), type=kind, width="stretch", icon=":material/add_location_alt:"):
        with database().session(who.here()) as db:
            kept = placements.keep(db, view, asked.fingerprint(), asked.to_json())
        want(asked)
        st.query_params[PLACED] = kept.id
        st.rerun()


def proposed(new: Sequence[Dataset], before: Sequence[PlacedSpec]) -> list[str]:
    """The files that nobody has placed on this map yet; else those that were placed last."""

    def those_of(specs: Sequence[PlacedSpec]) -> set[str]:
        return {source.sha256 for one in specs for source in one.sources}

    fresh = [one.id for one in new if one.sha256 not in those_of(before)]
    return fresh or [one.id for one in new if one.sha256 in those_of(before[-1:])]


def data_link() -> None:
    label = _("Upload more data")
    st.page_link("data.py", label=label, icon=":material/upload_file:", query_params=pilot.address())


def looked_at(seen: Sequence[Checked]) -> Checked | None:
    asked = st.query_params.get(PLACED, "")
    there = [one for one in seen if one.spec is not None]
    return next((one for one in there if one.id == asked), there[-1] if there else None)


def ask_again(key: str) -> None:
    """The one next step, where something has changed."""
    if st.button(_("Ask people again"), type="primary", icon=":material/campaign:", key=key):
        st.switch_page("study.py", query_params=pilot.address())


def evidence_link() -> None:
    """The next step, where nothing has."""
    label = _("Back to the evidence")
    st.page_link("evidence.py", label=label, icon=":material/arrow_back:", query_params=pilot.address())


# --- what came of it


def result(found: Known, files: str, shown: Checked, has_fallen: bool) -> None:
    """The answer, the next step, the picture and the numbers.

    Args:
        files: what the new data are called.
        has_fallen: people have to be asked again anyway, which is told elsewhere.
    """
    made: Placed = await_result(shown.spec, key="placed")
    view = await_view(found.specs[shown.view_id], key="placed-on")
    limits = placed.bounds(found.views[shown.view_id].pilot_id).drift
    judged = drift.judge(made.found, limits)
    st.markdown(f"#### {_(drift.VERDICTS[judged.state])}")
    st.markdown("\n".join(f"- {fill(one.message, one.facts)}" for one in judged.because))
    if judged.state == "ask again":
        ask_again("ask-placed")
    elif not has_fallen:
        evidence_link()
    picture(view.xy, made)
    st.caption(about(found.name(shown.view_id), files, shown, made))
    for one in made.notices:
        st.warning(fill(one.message, one.facts), icon=":material/warning:")
    numbers(made.found, limits)


def picture(old: Floats, made: Placed) -> None:
    """Few enough points to draw, evenly spread over time."""
    rows = selections.thin(len(made.xy), MOST_NEW)
    xy, outside = made.xy[rows], np.asarray(made.outside)[rows]
    groups = {
        _("the pilot's stretches"): old[selections.thin(len(old), MOST_OLD)],
        _("new stretches"): xy[~outside],
        _("new, like nothing in the pilot"): xy[outside],
    }
    alt = _("Map with {n} stretches of the pilot in grey, and {m} new ones over them").format(
        n=len(old), m=len(made.xy)
    )
    st.altair_chart(map_charts.laid_over(groups, 380), theme=None, alt=alt)


def about(name: str, files: str, shown: Checked, made: Placed) -> str:
    """What the picture is of."""
    n = made.found.n_new
    said = [
        _("{map}, placed on {at}").format(map=name, at=moment_of(shown.at)),
        _("new data: {files}").format(files=plain(files)),
        ngettext("{n} new stretch", "{n} new stretches", n).format(n=f"{n:,}"),
    ]
    if made.n_gappy:
        gappy = ngettext("{n} with a gap left out", "{n} with gaps left out", made.n_gappy)
        said.append(gappy.format(n=f"{made.n_gappy:,}"))
    return " · ".join(said)


def numbers(one: Drift, limits: Limits) -> None:
    """Each with its limit."""
    st.table(pd.DataFrame(whole(one, limits)), hide_index=True)
    st.caption(
        _(
            "p: how often chance alone would show as much, by dealing out blocks of time anew, raised for the number "
            "of comparisons (Holm). There is an alert where a number is above its limit and its p is at most {p:g}."
        ).format(p=limits.p)
    )
    if one.inputs:
        of_channels(one, limits)


def of_channels(one: Drift, limits: Limits) -> None:
    with st.expander(_("Details: each channel"), key="channels"):
        st.table(pd.DataFrame([of_channel(shift, limits) for shift in one.inputs]), hide_index=True)
        st.caption(
            _(
                "Of each channel, as it was recorded: level, spread and roughness of each stretch. In the pilot → now: "
                "the middle stretch. Difference: the largest difference of shares (Kolmogorov & Smirnov), 0 to 1; "
                "its p allows for all channels."
            )
        )


def whole(one: Drift, limits: Limits) -> list[dict[str, str]]:
    """Rows of a table. Of two numbers that could raise an alert chance gets one share, as `core.drift.judge` has it."""
    p = (one.outside_p, one.embedding.p)
    of_share, of_model = p if None in p else holm(p)
    return [
        line(
            _("stretches like nothing in the pilot"),
            (share(one.expected), share(one.outside)),
            (share(one.outside), of_share, share(limits.outside)),
        ),
        line(
            _("all stretches, for the model (squared MMD)"),
            ("–", "–"),
            (number(one.embedding.value), of_model, number(limits.model)),
        ),
    ]


def of_channel(one: Shift, limits: Limits) -> dict[str, str]:
    medians = ["–" if value is None else f"{value:.4g}" for value in (one.before, one.after)]
    name = f"{plain(one.name)}: {_(TRAITS[one.what])}"
    return line(name, (medians[0], medians[1]), (number(one.value), one.p, number(limits.inputs)))


def line(name: str, ends: tuple[str, str], told: tuple[str, float | None, str]) -> dict[str, str]:
    """Args: ends: in the pilot, and now. told: the difference, its p and its limit."""
    value, p, limit = told
    return {
        _("what is compared"): name,
        _("in the pilot → now"): "–" if ends[0] == ends[1] == "–" else " → ".join(ends),
        _("difference"): value,
        _("p (Holm)"): p_of(p),
        _("limit"): limit,
    }


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


# --- limits, and what was placed before


def limits(pilot_id: str) -> None:
    """They hold for everybody."""
    now = placed.bounds(pilot_id)
    with st.expander(_("Details: from where on there is an alert"), key="limits"), guard():
        with st.form("limits-form", border=False):
            columns = st.columns(2)
            chosen = {name: field(name, now.drift, columns[i % 2]) for i, name in enumerate(FIELDS)}
            words = _("Understandability fell: by more than (steps)")
            fall = columns[0].number_input(words, 0.0, STEPS, now.fall, 0.1, "%g", key="limit-fall")
            if st.form_submit_button(_("Use these limits"), icon=":material/check:"):
                placed.use(pilot_id, Bounds(Limits(**chosen), fall))
                st.rerun()
        st.caption(_("They hold for everybody. Each change is an entry of the pilot's ledger, on the Evidence screen."))


def field(name: str, now: Limits, column: DeltaGenerator) -> float:
    words, unit, step = FIELDS[name]
    low, high = (float(end * unit) for end in drift.BOUNDS[name])
    shown = round(getattr(now, name) * unit, 6)
    return float(column.number_input(_(words), low, high, shown, step, "%g", key=f"limit-{name}")) / unit


def earlier(found: Known, here: Sequence[Dataset], seen: Sequence[Checked]) -> None:
    """Everything that was placed, the newest first."""
    if not seen:
        return
    with st.expander(_("All that was placed so far"), key="earlier"):
        newest = reversed(seen[-placed.SHOWN :])
        rows = pd.DataFrame([placed.row(one, found.name(one.view_id), here, fill) for one in newest])
        short = {name: rows[name].map(unbroken) for name in (_("placed"), _("map"))}
        st.table(rows.assign(**short), hide_index=True)
        if words := placed.left_out(len(seen)):
            st.caption(words)


with guard():
    current = pilot.current()
    st.title(_("Does the map still fit?"), anchor=False)
    st.markdown(
        _("New data are placed on a map that you keep. The map itself does not move, so it shows what has changed.")
    )
    found = known.of_pilot(current.id)
    if not found.views:
        st.info(_("No map is kept yet, so there is nothing to place new data on."), icon=":material/add_location_alt:")
        st.page_link("maps.py", label=_("Go to the maps"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    with database().session(who.here()) as db:
        here = datasets.of_pilot(db, current.id)
    seen, again = placed.checked(current.id, found), placed.again(current, found)
    shown = looked_at(seen)
    must_ask = shown is not None and shown.judged is not None and shown.judged.state == "ask again"
    has_fallen = any(one.lasting.state == "less clear" for one in again.values())
    left, right = st.columns([1, 3], gap="medium")
    with left, guard():
        form(found, here, seen)
    with right:
        answer = st.container()
        if shown is not None:
            of_map = [one for one in seen if one.view_id == shown.view_id]
            over_time.curves(of_map, here, placed.bounds(current.id).drift)
        placed.opinions(found, again)
        if has_fallen and not must_ask:
            ask_again("ask-fallen")
        placed.opinions_in_numbers(found, again)
        limits(current.id)
        earlier(found, here, seen)
    with answer, guard():
        if shown is None:
            st.info(_("Nothing was placed yet. What comes of it will stand here."), icon=":material/add_location_alt:")
            evidence_link()
        else:
            result(found, placed.files_of(shown, here), shown, has_fallen)
