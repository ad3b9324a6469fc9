"""Compare: which one is clearer, and did the model do it?"""

from collections.abc import Callable, Sequence

import streamlit as st

from core import flat, ladder
from core.comparison import ComparisonSpec, LadderSpec
from core.errors import N_, UserError
from core.projection import ProjectionSpec
from core.views import ViewSpec, find
from feedback_db import datasets, views
from feedback_db.views import View as Kept
from pages.parts import chosen, pilot, planted, register, side_by_side, tuned, who
from pages.parts.guard import guard
from pages.parts.rounds import DRAWING
from pages.parts.text import _
from pages.parts.work import database, store

BASE = "view"  # in the address: the fingerprint of the map that comparisons start from
MOST = 6  # maps side by side


def base_of(kept: Sequence[Kept]) -> ViewSpec:
    """The map of the address, or one of those that are kept."""
    asked = st.query_params.get(BASE, "")
    fingerprints = {one.fingerprint: _("Map {n}").format(n=one.number) for one in kept}
    if asked and asked not in fingerprints and store().has(asked):
        fingerprints = {asked: _("the map you just looked at")} | fingerprints
    if not fingerprints:
        st.info(_("There is no map to compare yet. Draw one first."), icon=":material/scatter_plot:")
        st.page_link("maps.py", label=_("Go to the maps"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    options = list(fingerprints)
    start = st.selectbox(
        _("Starting from"),
        options,
        index=options.index(asked) if asked in options else len(options) - 1,
        format_func=fingerprints.__getitem__,
        key="base",
    )
    st.query_params[BASE] = start
    found = find(start, store())
    if found is None:
        raise UserError(
            N_("This map is no longer kept."), N_("Open it on the Maps screen once: it is then drawn again.")
        )
    return ViewSpec.from_json(found.meta["spec"])


def names_of(spec: ViewSpec) -> list[str]:
    """Of its series."""
    pilot_id = pilot.current().id
    with database().session(who.here()) as db:
        here = datasets.of_pilot(db, pilot_id)
    return chosen.series_names_of(spec.sources, here)


def ways(base: ViewSpec, _kept: Sequence[Kept]) -> None:
    """The same stretches and model, drawn every way."""
    codes = flat.methods_of(base.encoder)
    said = _("The same stretches and the same model, drawn in {n} ways. What shows in only one is doubtful.")
    st.markdown(said.format(n=len(codes)))
    own = {base.projection.method: base.projection}
    views_of = tuple(base.drawn_by(own.get(code, ProjectionSpec(code))) for code in codes)
    names = [_(DRAWING[code]) for code in codes]
    side_by_side.show(ComparisonSpec(views_of, tuple(names)), names, names_of(base), key="ways")
    register.on_views(dict(zip(names, views_of, strict=True)))


def models(base: ViewSpec, _kept: Sequence[Kept]) -> None:
    """The ladder: the same stretches and way of drawing, from no model at all to the trained one."""
    st.markdown(
        _("The same stretches, drawn the same way, by more and more of a model. If a step adds nothing, it shows here.")
    )
    if base.projection.method == "trained":
        st.caption(_("A trained map belongs to one model alone, so all of them are drawn with PCA here."))
    rungs = ladder.ladder(base, tuned.rungs_above(base, pilot.current().id))
    spec = LadderSpec(tuple(view for _code, view in rungs), tuple(code for code, _view in rungs))
    names = [_(ladder.NAMES[code]) if code in ladder.NAMES else tuned.after(code) for code, _view in rungs]
    side_by_side.show(spec, names, names_of(base), key="models")
    register.on_views(dict(zip(names, spec.views, strict=True)))


def mine(_base: ViewSpec, kept: Sequence[Kept]) -> None:
    """Up to six maps that were kept."""
    names = {one.id: _("Map {n}").format(n=one.number) for one in kept}
    wanted = st.multiselect(
        _("Maps, six at most"),
        list(names),
        list(names)[-MOST:],
        format_func=names.__getitem__,
        max_selections=MOST,
        placeholder=_("choose"),
        key="mine",
    )
    shown = [one for one in kept if one.id in wanted]
    if len(shown) < 2:
        st.info(_("Keep at least two maps on the Maps screen, and choose them here."), icon=":material/bookmark_add:")
        return
    specs = tuple(ViewSpec.from_json(one.spec) for one in shown)
    called = [names[one.id] for one in shown]
    side_by_side.show(ComparisonSpec(specs, tuple(called)), called, names_of(specs[0]), key="mine")
    register.on_views(dict(zip(called, specs, strict=True)))


def truths(base: ViewSpec, _kept: Sequence[Kept]) -> None:
    """What the model and the map show of truths that were planted into these stretches."""
    st.markdown(_("What if something were there for certain: would the model see it, and would the map show it?"))
    planted.show(base)


SECTIONS: dict[str, tuple[str, Callable[[ViewSpec, Sequence[Kept]], None]]] = {
    "ways": (N_("Ways of drawing"), ways),
    "models": (N_("Models"), models),
    "truths": (N_("Planted truths"), truths),
    "mine": (N_("My maps"), mine),
}

with guard():
    current = pilot.current()
    st.title(_("Which one is clearer, and did the model do it?"), anchor=False)
    with database().session(who.here()) as db:
        all_kept = views.of_pilot(db, current.id)
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        base = base_of(all_kept)
    what = right.segmented_control(
        _("Compare"),
        list(SECTIONS),
        format_func=lambda code: _(SECTIONS[code][0]),
        default="ways",
        required=True,
        key="what",
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
    )
    with guard():
        SECTIONS[what][1](base, all_kept)
