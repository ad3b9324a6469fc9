"""Maps: can I see something?"""

from typing import Any

import streamlit as st

from core.errors import N_, UserError
from core.projection import ProjectionSpec
from core.recipes import Recipe, WindowSpec, count, propose
from core.series import Series
from core.views import ViewSpec
from feedback_db import datasets, views
from feedback_db.datasets import Dataset
from feedback_db.pilots import Pilot
from pages.parts import linked, models, numbers, pilot
from pages.parts.guard import guard
from pages.parts.intake import names_of, sources_of
from pages.parts.text import _, ngettext, plain
from pages.parts.watch import await_view
from pages.parts.work import database, series_of, windows_of

METHODS = {"pca": N_("PCA (keeps large distances)"), "tsne": N_("t-SNE (keeps neighbours)")}
NORMALISE = {"z-score": N_("bring all channels to one scale"), "none": N_("leave values as they are")}


def data_form(here: list[Dataset]) -> list[Dataset]:
    """Which files; at first the newest and all that came with the same channels."""
    same = [one for one in here if one.reading["channels"] == here[-1].reading["channels"]]
    names = names_of(here)
    with st.expander(_("Data: {names}").format(names=plain(", ".join(names[one.id] for one in same))), key="open-data"):
        chosen = st.multiselect(
            _("Files"),
            list(names),
            [one.id for one in same],
            format_func=names.__getitem__,
            key=f"files-{len(here)}",
            placeholder=_("choose"),
            persist_state="session",
        )
    return [one for one in here if one.id in chosen]


def recipe_form(series: list[Series], key: str) -> tuple[Recipe, int]:
    """How the series are prepared and cut, and how many windows that makes."""
    guess = propose([len(s.values) for s in series])
    values = st.session_state
    length, stride = values.get(f"length-{key}", guess.length), values.get(f"stride-{key}", guess.stride)
    normalise = values.get(f"normalise-{key}", "z-score")
    with st.expander(
        _("Preparation: {length} samples a stretch, step {stride}").format(length=length, stride=stride),
        key="open-recipe",
    ):
        normalise = st.selectbox(
            _("Scale"),
            list(NORMALISE),
            format_func=lambda code: _(NORMALISE[code]),
            key=f"normalise-{key}",
            persist_state="session",
        )
        length = st.number_input(
            _("Samples in a stretch"), 2, 4096, guess.length, 8, key=f"length-{key}", persist_state="session"
        )
        stride = st.number_input(
            _("Step from one stretch to the next"),
            1,
            4096,
            guess.stride,
            1,
            key=f"stride-{key}",
            persist_state="session",
        )
        st.caption(_("Missing values are bridged by a straight line."))
    recipe = Recipe(normalise, WindowSpec(length, stride))
    n_windows, n_left = (sum(n) for n in zip(*(count(len(s.values), recipe.window) for s in series), strict=True))
    left_out = ngettext("{n} sample left out", "{n} samples left out", n_left).format(n=f"{n_left:,}")
    st.caption(ngettext("{n} stretch", "{n} stretches", n_windows).format(n=f"{n_windows:,}") + " · " + left_out)
    if n_windows > linked.MOST_WINDOWS:
        raise UserError(
            N_("{n} stretches are more than this screen can draw."),
            N_("Choose a larger step, so that there are at most {most}."),
            n=n_windows,
            most=linked.MOST_WINDOWS,
        )
    return recipe, n_windows


def projection_form() -> ProjectionSpec:
    code = st.session_state.get("method", "pca")
    with st.expander(_("Way of drawing: {name}").format(name=_(METHODS[code])), key="open-method"):
        code = st.radio(
            _("Way of drawing"),
            list(METHODS),
            format_func=lambda c: _(METHODS[c]),
            key="method",
            bind="query-params",
            persist_state="session",
            label_visibility="collapsed",
        )
        st.caption(_("In a t-SNE map, the distance between two groups and the size of a group mean nothing."))
    return ProjectionSpec(code)


def series_names(chosen: list[Dataset]) -> list[str]:
    """What people call each series: its file, and its line or site where the file has several."""
    names = names_of(chosen)
    each = [(names[one.id], s.domain) for one in chosen for s in series_of(sources_of([one]))]
    if len(chosen) == 1:
        return [domain or file for file, domain in each]
    return [f"{file} · {domain}" if domain else file for file, domain in each]


def keep_or_ask(current: Pilot, spec: ViewSpec, meta: dict[str, Any]) -> None:
    """The one next step: keep this map, or, once it is kept, ask people about it."""
    with database().session() as db:
        kept = {one.fingerprint: one for one in views.of_pilot(db, current.id)}
    if (mine := kept.get(spec.fingerprint())) is None:
        if st.button(_("Keep this map"), type="primary", width="stretch", icon=":material/bookmark_add:"):
            keep(current.id, spec, meta)
            st.rerun()
        return
    if st.button(_("Ask people about it"), type="primary", width="stretch", icon=":material/arrow_forward:"):
        st.switch_page("study.py", query_params=pilot.address())
    st.caption(_("Kept as map {n}.").format(n=mine.number))


def keep(pilot_id: str, spec: ViewSpec, meta: dict[str, Any]) -> None:
    with database().session() as db:
        views.keep(
            db,
            pilot_id,
            fingerprint=spec.fingerprint(),
            spec=spec.to_json(),
            loss=meta["loss"],
            loss_detail={"mask_ratio": meta["mask_ratio"], "mask_seed": meta["mask_seed"]},
            n_windows=meta["n_windows"],
        )


with guard():
    current = pilot.current()
    st.title(_("Can I see something?"), anchor=False)
    st.markdown(
        _("Each point is one stretch of your waveforms; stretches that look alike to the model lie close together.")
    )
    with database().session() as db:
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
        chosen = data_form(here)
        if not chosen:
            raise UserError(N_("No file is chosen."), N_("Choose at least one under “Data”."))
        sources = sources_of(chosen)
        recipe, n_windows = recipe_form(series_of(sources), key="-".join(one.id[:8] for one in chosen))
        windows_of(sources, recipe)  # what cannot be cut is said at once, and not by the engine after a while
        encoder = models.form(sources[0].reading.channels, recipe.window, n_windows)
        spec = ViewSpec(sources, recipe, encoder, projection_form())
        spec.fingerprint()  # a model's folder that is not there is said here, beside its field
        with right, guard():
            view = await_view(spec, key="maps")
            linked.explore(linked.scene_of(spec, view, series_names(chosen)), key=spec.fingerprint()[:12])
        with next_step:
            keep_or_ask(current, spec, view.meta)
        numbers.panel(view.meta)
