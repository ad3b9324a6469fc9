"""Maps: can I see something?"""

from typing import Any

import streamlit as st

from core import flat, projection
from core.encoders import EncoderSpec
from core.errors import N_, UserError
from core.measures import MeasureSpec
from core.preparation import PreparationSpec
from core.projection import Method, ProjectionSpec
from core.recipes import Places, Recipe, places
from core.series import Series
from core.views import ViewSpec
from feedback_db import datasets, views
from feedback_db.pilots import Pilot
from pages.parts import (
    chosen,
    keeping,
    linked,
    models,
    moving,
    numbers,
    pilot,
    planned,
    recipe,
    register,
    steps,
    tuned,
    who,
)
from pages.parts.guard import guard
from pages.parts.intake import sources_of
from pages.parts.scene import scene_of
from pages.parts.text import _, fill, ngettext, plain, together
from pages.parts.watch import await_prepared, await_view, peek
from pages.parts.work import database, series_of, windows_of

METHODS = {
    "pca": N_("PCA (keeps large distances)"),
    "tsne": N_("t-SNE (keeps neighbours)"),
    "umap": N_("UMAP (keeps neighbours, and roughly the whole)"),
    "pacmap": N_("PaCMAP (keeps neighbours and the whole)"),
    "trained": N_("Trained map (keeps neighbours, as the model learnt to)"),
}


def recipe_form(pilot_id: str, series: list[Series]) -> Recipe:
    """How the series are prepared and cut: what most people change is here, the rest on a screen of its own."""
    now = recipe.current(pilot_id, series)
    key = recipe.key(pilot_id, now)
    with st.expander(
        _("Preparation: {length} samples a stretch, step {stride}").format(
            length=now.window.length, stride=now.window.stride
        ),
        key="open-recipe",
    ):
        length = st.number_input(_("Samples in a stretch"), 2, 4096, now.window.length, 8, key=f"length-{key}")
        stride = st.number_input(
            _("Step from one stretch to the next"), 1, 4096, now.window.stride, 1, key=f"stride-{key}"
        )
        for i, step in enumerate(now.steps, 1):
            st.caption(f"{i} {plain(steps.said(step))}")
        if st.button(_("Change the preparation"), icon=":material/tune:", width="stretch"):
            st.switch_page("prepare.py", query_params=pilot.address())
        wanted = recipe.with_window(now, length=length, stride=stride)
        if wanted != now:
            recipe.change(pilot_id, wanted)
            st.rerun()
    return now


def counted(found: Places) -> None:
    """How many stretches there are, and what is not in them."""
    n = len(found.start)
    said = [ngettext("{n} stretch", "{n} stretches", n).format(n=f"{n:,}")]
    if found.n_left:
        said.append(ngettext("{n} sample left out", "{n} samples left out", found.n_left).format(n=f"{found.n_left:,}"))
    if found.n_gappy:
        gappy = ngettext("{n} with a gap left out", "{n} with gaps left out", found.n_gappy)
        said.append(gappy.format(n=f"{found.n_gappy:,}"))
    if found.n_spared:
        said.append(_("a first look: {n:,} more").format(n=found.n_spared))
    st.caption(" · ".join(said))
    if n > linked.MOST_WINDOWS:
        raise UserError(
            N_("{n} stretches are more than this screen can draw."),
            N_("Choose a larger step, or a first look at {most} of them in the preparation."),
            n=n,
            most=linked.MOST_WINDOWS,
        )


def projection_form(encoder: EncoderSpec, n: int) -> ProjectionSpec:
    options = flat.methods_of(encoder)
    code = st.session_state.get("method", "pca")
    code = code if code in options else "pca"
    with st.expander(_("Way of drawing: {name}").format(name=_(METHODS[code])), key="open-method"):
        code = st.radio(
            _("Way of drawing"),
            options,
            format_func=lambda c: _(METHODS[c]),
            key="method",
            bind="query-params",
            persist_state="session",
            label_visibility="collapsed",
        )
        st.caption(_(projection.NOTES[code]))
        refused = flat.refusal(encoder)
        if refused is not None and flat.is_there(encoder):
            st.caption(together(_(refused.problem), fill(refused.remedy, refused.facts)))
        spec = _projection_details(code, n)
    for notice in projection.advice(spec, n):
        st.warning(fill(notice.message, notice.facts), icon=":material/warning:")
    if spec.stopped_after:
        st.button(_("Draw it to the end"), icon=":material/play_arrow:", width="stretch", on_click=moving.draw_on)
    return spec


def _projection_details(code: Method, n: int) -> ProjectionSpec:
    """What most people leave alone."""
    if code in projection.EXACT:
        return ProjectionSpec(code)
    usual = ProjectionSpec(code).settled(n).neighbours
    neighbours = st.number_input(
        _("Neighbours that count (usual here: {n})").format(n=usual),
        min_value=0,
        max_value=max(n // 2, 5),
        key=f"neighbours-{code}",
        persist_state="session",
        help=_("0 leaves the choice to the program. Few show small groups, many show the whole."),
    )
    tight = projection.CLOSENESS
    if code == "umap":
        tight = st.slider(_("How close points may lie"), 0.0, 1.0, tight, 0.05, key="tight", persist_state="session")
    seed = st.number_input(
        _("Start of the random numbers"),
        min_value=0,
        max_value=10**6,
        key="seed",
        persist_state="session",
        help=_("Another number draws another picture of the same data. What looks different then is chance."),
    )
    return ProjectionSpec(code, int(seed), int(neighbours), tight, moving.stopped_after(code))


def compare_link(spec: ViewSpec) -> None:
    address = pilot.address() | {"view": spec.fingerprint()}
    st.page_link("compare.py", label=_("Compare with others"), icon=":material/compare:", query_params=address)


def train_link() -> None:
    st.page_link(
        "tune.py", label=_("Train the model further"), icon=":material/model_training:", query_params=pilot.address()
    )


def keep_or_ask(current: Pilot, spec: ViewSpec, meta: dict[str, Any]) -> None:
    """The one next step: keep this map, or, once it is kept, ask people about it."""
    with database().session(who.here()) as db:
        kept = {one.fingerprint: one for one in views.of_pilot(db, current.id)}
    if (mine := kept.get(spec.fingerprint())) is None:
        said = keeping.keep_button(_("Keep this map"), current.id, [spec], list(kept.values()), "stretch")
        if said is not None:
            keeping.keep(current.id, spec, meta, said)
            st.rerun()
        return
    if st.button(_("Ask people about it"), type="primary", width="stretch", icon=":material/arrow_forward:"):
        st.switch_page("study.py", query_params=pilot.address())
    st.caption(_("Kept as map {n}.").format(n=mine.number))


with guard():
    current = pilot.current()
    st.title(_("Can I see something?"), anchor=False)
    st.markdown(
        _("Each point is one stretch of your waveforms; stretches that look alike to the model lie close together.")
    )
    with database().session(who.here()) as db:
        here = datasets.of_pilot(db, current.id)
    if not here:
        st.info(
            _("There is nothing to draw yet. Upload a CSV, or try the press-line example."),
            icon=":material/upload_file:",
        )
        st.page_link("data.py", label=_("Go to the data"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    left, right = st.columns([1, 3], gap="medium")
    with left, guard():
        next_step = st.container()
        files = chosen.form(here)
        if not files:
            raise UserError(N_("No file is chosen."), N_("Choose at least one under “Data”."))
        sources = sources_of(files)
        raw = series_of(sources)
        now = recipe_form(current.id, raw)
        ready = await_prepared(PreparationSpec.of(sources, now), key="prepare").series
        found = places(ready, now.window)
        counted(found)
        windows_of(sources, now)  # what cannot be cut is said at once, and not by the engine after a while
        encoder = models.form(raw[0].channels, now.window, len(found.start), len(ready), tuned.models_of(current.id))
        spec = ViewSpec(sources, now, encoder, projection_form(encoder, len(found.start)))
        spec.fingerprint()  # a model's folder that is not there is said here, beside its field
        with right, guard():
            names = chosen.series_names(files)
            view = await_view(spec, "maps", lambda: moving.show(spec, names))
            scene = scene_of(spec, view, names, peek(MeasureSpec(spec)))
            linked.explore(scene, key=scene.key)
            register.on_view(spec, view.meta, scene.measured)
            numbers.of_view(scene)
        numbers.of_model(view.meta)
        compare_link(spec)
        train_link()
        planned.button(current.id, spec, wide=True)
        with next_step:
            keep_or_ask(current, spec, view.meta)
