"""Tune: did training change the picture?"""

import streamlit as st

from core.domains import of_series
from core.encoders import EncoderSpec
from core.errors import N_, UserError
from core.lessons import several
from core.preparation import PreparationSpec
from core.recipes import cut
from core.tuning import TuneSpec
from feedback_db import datasets, runs
from feedback_db.runs import Run
from pages.parts import chosen, lesson, models, pilot, recipe, tuned, who
from pages.parts.guard import guard
from pages.parts.intake import sources_of
from pages.parts.text import _
from pages.parts.watch import await_prepared
from pages.parts.work import database, series_of, want

RUN = "run"  # in the address: number of the run that is looked at


def start(pilot_id: str, specs: list[TuneSpec]) -> None:
    """Each of them. What could make up groups is also taught on data that has none, once somebody looks at it."""
    with database().session(who.here()) as db:
        kept = [runs.keep(db, pilot_id, fingerprint=one.fingerprint(), spec=one.to_json()) for one in specs]
    for one in specs:
        want(one)
    st.query_params[RUN] = str(kept[0].number)


def trainable(encoder: EncoderSpec) -> EncoderSpec:
    """Raises UserError: it is no model."""
    if not encoder.reads_patches:
        raise UserError(
            N_("There is nothing to train in statistics or in the waveform itself."),
            N_("Choose the compact model, or a MOMENT, under “Model”."),
        )
    return encoder


def looked_at(kept: list[Run]) -> Run:
    asked = st.query_params.get(RUN, "")
    return next((one for one in kept if str(one.number) == asked), kept[-1])


with guard():
    current = pilot.current()
    st.title(_("Did training change the picture?"), anchor=False)
    st.markdown(
        _(
            "The model goes on learning from your own stretches. A lower error alone does not make a map clearer: "
            "here both stand side by side."
        )
    )
    with database().session(who.here()) as db:
        here, kept = datasets.of_pilot(db, current.id), runs.of_pilot(db, current.id)
    if not here:
        st.info(_("There is nothing to train on yet. Upload data first."), icon=":material/upload_file:")
        st.page_link("data.py", label=_("Go to the data"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    left, right = st.columns([1, 3], gap="medium")
    with left, guard():
        files = chosen.form(here)
        if not files:
            raise UserError(N_("No file is chosen."), N_("Choose at least one under “Data”."))
        sources = sources_of(files)
        raw = series_of(sources)
        now = recipe.current(current.id, raw)
        st.caption(
            _("Preparation: {length} samples a stretch, step {stride}").format(
                length=now.window.length, stride=now.window.stride
            )
        )
        ready = await_prepared(PreparationSpec.of(sources, now), key="prepare").series
        windows = cut(ready, now)
        encoder = trainable(models.form(raw[0].channels, now.window, len(windows), 1, tuned.models_of(current.id)))
        domain = of_series(ready)[windows.series]
        within = [lesson.LABEL] * (windows.label is not None) + [lesson.LINES] * several(domain)
        asked = lesson.form(encoder, raw[0].channels, now.window, within)
        if st.button(_("Start the training"), type="primary", width="stretch", icon=":material/play_arrow:"):
            start(current.id, [TuneSpec(sources, now, encoder, train, share) for train, share in asked])
            st.rerun()
    with right, guard():
        if not kept:
            st.info(_("No training yet. What comes of it will stand here."), icon=":material/model_training:")
            st.stop()
        tuned.runs_table(kept)
        run = looked_at(kept)
        number = st.selectbox(
            _("Training"),
            [one.number for one in kept],
            index=kept.index(run),
            format_func=lambda n: tuned.name_of(kept[n - 1]),
            key=f"looked-at-{len(kept)}-{run.number}",
        )
        if number != run.number:
            st.query_params[RUN] = str(number)
            st.rerun()
        with database().session(who.here()) as db:
            names = chosen.series_names_of(TuneSpec.from_json(run.spec).sources, here)
        tuned.show(run, names)
