"""Extra training that was asked for: how it goes, and what came of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core import charts, map_charts, selections, tuning
from core.comparison import ComparisonSpec
from core.domains import Apart
from core.encoders import EncoderSpec
from core.lessons import TrainSpec
from core.map_charts import Colouring, Map
from core.projection import ProjectionSpec
from core.recognition import Score
from core.series import Ints
from core.tuning import Tuned, TuneSpec
from core.views import ViewSpec
from feedback_db import runs
from feedback_db.runs import Run
from pages.parts import changed, models, pilot, side_by_side, who, work
from pages.parts.lesson import LABEL, LAYOUT, LESSONS, LINES, REBUILD, TIME, TRAINED
from pages.parts.models import duration
from pages.parts.text import _, ngettext, plain
from pages.parts.watch import await_result, peek, until_known
from pages.parts.work import database

MOST_RUNGS = 2  # of trained models: with the four below them six maps, as many as can be looked at side by side


def lesson_of(train: TrainSpec) -> tuple[str, float]:
    """Which second lesson, and its weight."""
    if train.layout:
        return LAYOUT, train.layout
    if train.lines:
        return LINES, train.lines
    if train.contrast:
        return (TIME if train.positives == "time" else LABEL), train.contrast
    return REBUILD, 0.0


def name_of(run: Run) -> str:
    """In a line."""
    spec = TuneSpec.from_json(run.spec)
    train = spec.train
    code, weight = lesson_of(train)
    words = [_(TRAINED[train.trained]), _(LESSONS[code]) + (f" ({weight:g})" if weight else "")]
    if spec.share < 1:
        words.append(_("{share:.0%} of the data").format(share=spec.share))
    return _("Training {n}: {what}").format(n=run.number, what=" · ".join(words))


def _done(pilot_id: str) -> list[tuple[int, TuneSpec]]:
    """The pilot's trainings that are done, by number."""
    with database().session(who.here()) as db:
        kept = runs.of_pilot(db, pilot_id)
    asked = [(run.number, TuneSpec.from_json(run.spec)) for run in kept]
    return [(number, spec) for number, spec in asked if work.store().has(spec.fingerprint())]


def models_of(pilot_id: str) -> dict[str, str]:
    """The folder of each model that came of this pilot's trainings, the newest first; for pages.parts.models.form."""
    newest = reversed(_done(pilot_id))
    return {f"{models.RUN}{number}": spec.encoder_in(work.store()).source for number, spec in newest}


def rungs_above(view: ViewSpec, pilot_id: str) -> dict[str, EncoderSpec]:
    """The last trainings on the data of a view, from the same model, that are done: by number, in order."""
    base = view.sources, view.recipe, view.encoder
    own = [(n, one) for n, one in _done(pilot_id) if (one.sources, one.recipe, one.encoder) == base]
    return {str(n): one.encoder_in(work.store()) for n, one in own[-MOST_RUNGS:]}


def after(number: str) -> str:
    """What a model is called that came of a training."""
    return models.name_of(f"{models.RUN}{number}")


def runs_table(kept: Sequence[Run]) -> None:
    """All of them, the failed and the worse ones too; equal results are told."""
    with database().session(who.here()) as db:
        states = runs.states(db, kept[0].pilot_id)
    ended = [(run, work.made(TuneSpec.from_json(run.spec))) for run in kept]
    done = [(run, found) for run, found in ended if found is not None]
    first: dict[tuple[object, ...], int] = {}
    for run, found in done:
        first.setdefault(found.outcome, run.number)
    said = [
        ngettext("{n} training asked for", "{n} trainings asked for", len(kept)).format(n=len(kept)),
        _("{n} done, with {distinct} different results").format(n=len(done), distinct=len(first)),
    ]
    if failed := sum(state in ("failed", "cancelled") for state in states.values()):
        said.append(_("{n} failed or stopped").format(n=failed))
    st.caption(" · ".join(said))
    if len(done) > 1:
        with st.expander(_("All results in one table"), key="all-runs"):
            st.dataframe(pd.DataFrame([_row(run, found, first) for run, found in done]), hide_index=True)


def _row(run: Run, found: Tuned, first: dict[tuple[object, ...], int]) -> dict[str, object]:
    spec = TuneSpec.from_json(run.spec)
    middle, same = changed.middle(found.change), first[found.outcome]
    row: dict[str, object] = {
        _("Training"): str(run.number) if same == run.number else f"{run.number} (= {same})",
        _("what changes"): _(TRAINED[spec.train.trained]),
        _("lesson"): _(LESSONS[lesson_of(spec.train)[0]]),
        _("weight"): lesson_of(spec.train)[1],
        _("hidden"): f"{spec.train.hidden:.0%}",
        _("data"): f"{spec.share:.0%}",
        _("error before"): None if middle is None else round(middle.before["mse"].value, 3),
        _("error after"): None if middle is None else round(middle.after["mse"].value, 3),
        _("map moved"): found.change.movement.displacement,
        _("neighbours kept"): found.change.movement.kept,
    }
    for name, seen in ((_("labels before"), found.change.before), (_("labels after"), found.change.after)):
        row[name] = seen.recognised.value if isinstance(seen.recognised, Score) else None
    for name, seen in ((_("lines before"), found.change.before), (_("lines after"), found.change.after)):
        if isinstance(seen.lines, Apart):
            row[name] = seen.lines.auc.value
    return row | {_("seconds"): round(found.seconds)}


def show(run: Run, names: list[str]) -> None:
    """How it goes, or what came of it.

    Args:
        names: of its series.
    """
    spec = TuneSpec.from_json(run.spec)
    found: Tuned = await_result(spec, f"run-{run.number}", lambda: _learning(spec))
    changed.verdict(found.change)
    changed.what_did(found)
    changed.errors(found.change)
    changed.seen(found.change)
    if spec.train.lines:
        changed.lines_told(found.change)
    with st.expander(_("How the training went"), key=f"curve-{run.number}"):
        _curve([[one["step"], one["train"], one["held"]] for one in found.curve], found.best)
        changed.other_errors(found.change)
        _card(spec, found)
    if spec.makes_groups:
        _of_chance(spec, found)
    st.markdown(f"#### {_('The map before and after')}")
    before = ViewSpec(spec.sources, spec.recipe, spec.encoder, ProjectionSpec("pca"))
    pair = ComparisonSpec((before, replace(before, encoder=spec.encoder_in(work.store()))), ("before", "after"))
    side_by_side.show(pair, [_("Before"), _("After training")], names, key=f"tuned-{run.number}")
    _morph(pair)


# --- under way


def _learning(spec: TuneSpec) -> None:
    """The errors so far, and how long it may still take."""
    sketch = work.store().sketched(spec.fingerprint())
    if sketch is None or not len(sketch[1]):
        return
    step, *_objective, seconds = sketch[1][-1]
    if step:
        left = seconds / step * (spec.train.steps - step)
        st.caption(_("At most {time} more; it stops earlier when nothing more is learnt.").format(time=duration(left)))
    _curve(sketch[1][:, :3].tolist(), None)


def _curve(points: Sequence[Sequence[float]], best: int | None) -> None:
    names = (_("on what it learns from"), _("on what it does not see"))
    chart = charts.learning(np.array(points, float), names, (_("step"), _("what it is to make small")), best)
    st.altair_chart(chart, theme=None, alt=_("How the error fell while it learnt"))


# --- what made it


def _card(spec: TuneSpec, found: Tuned) -> None:
    """What made it, for whoever asks later."""
    rate = pilot.current().machine_per_hour
    learnt, told, held = found.n_windows
    said = [
        _("{n} stretches to learn from, {m} to tell when to stop, {k} held out").format(n=learnt, m=told, k=held),
        _("{n} steps, the best was step {best}").format(n=found.steps, best=found.best),
        _("{n:.0f} s").format(n=found.seconds),
    ]
    if rate is not None:
        said.append(_("about {cost:,.0f} yen of computer time").format(cost=rate * found.seconds / 3600))
    said.append(_("weights {hash}").format(hash=found.weights[:12]))
    st.caption(" · ".join(said))
    st.caption(_("Folder with the model: {folder}").format(folder=plain(spec.encoder_in(work.store()).source)))


def _of_chance(spec: TuneSpec, found: Tuned) -> None:
    """The same training on data in which there is nothing to find, beside the real one."""
    st.markdown(f"#### {_('Did the training make it up?')}")
    twin: Tuned | None = peek(spec.twin)
    if twin is None:
        until_known(spec.twin, _("The same training runs on data without shapes, to see what it makes of nothing …"))
        return
    left, right = st.columns(2)
    for column, name, one, of in (
        (left, _("your data, after training"), found, spec),
        (right, _("the same without shapes, after training"), twin, spec.twin),
    ):
        with column:
            st.markdown(f"**{name}**")
            drawn = Map(one.xy[1], _colours(of, one.ids), np.arange(0), selections.frame_of(one.xy[1]), size=40)
            st.altair_chart(map_charts.small_map(drawn, 260), theme=None, alt=name)
            seen = one.change.after.recognised
            if isinstance(seen, Score):
                st.caption(_("recognised by label {share}").format(share=f"{seen.value:.0%}"))
    st.caption(
        _(
            "On the right, every series has kept its rhythms and lost its shapes and events. Groups that show there "
            "too were made by the training."
        )
    )


def _colours(spec: TuneSpec | ViewSpec, ids: Ints) -> Colouring:
    """By label where there is one, else by time."""
    windows = work.windows_of(spec.sources, spec.recipe)
    if windows.label is not None:
        return Colouring(spec.sources[0].reading.label or _("label"), windows.label[ids])
    return Colouring(_("time"), windows.start[ids].astype(float))


def _morph(pair: ComparisonSpec) -> None:
    """One map that turns into the other."""
    found = work.made(pair)
    if found is None or len(found.poses[0]) > tuning.MOST:
        return
    before, after = found.poses
    some = selections.thin(len(before), 2000)
    colours = _colours(pair.views[0], some)
    drawn = Map(before[some], colours, np.arange(0), selections.frame_of(np.vstack([before, after])))
    st.markdown(f"#### {_('From before to after')}")
    chart = map_charts.morph(drawn, after[some], _("from before to after"), 320)
    st.altair_chart(chart, theme=None, alt=_("The map before training, which a slider turns into the one after it"))
