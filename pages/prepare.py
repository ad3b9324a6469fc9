"""Prepare: what should happen before the model looks?"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import charts
from core.charts import Line
from core.effects import Effect, EffectSpec
from core.encoders import EncoderSpec
from core.errors import N_, UserError
from core.headings import unique_names
from core.periods import proposals
from core.preparation import PreparationSpec
from core.reader import Source
from core.recipes import Recipe, places
from core.series import Series
from feedback_db import datasets, recipes
from pages.parts import chosen, models, pilot, recipe, steps, who
from pages.parts.guard import guard
from pages.parts.intake import sources_of
from pages.parts.text import _, ngettext, plain
from pages.parts.watch import await_prepared, peek
from pages.parts.work import database, periods_of, series_of, state

NO_EFFECT = 0.001  # of the spread of the vectors: below it a step makes no difference that a map could show
MOST_PLAIN = 3000  # samples that a picture shows without hiding single ones


def step_list(now: Recipe, series: Sequence[Series], spec: EffectSpec, key: str) -> Recipe:
    """The steps in their order; what somebody does to them."""
    wanted = now.steps
    for i, step in enumerate(now.steps):
        with st.container(border=True, key=f"step-{i}"):
            one = f"{i}-{key}"
            st.markdown(f"**{i + 1}** {plain(steps.said(step))}")
            with st.container(horizontal=True, gap="small"):
                if st.button("↑", key=f"up-{one}", disabled=i == 0, help=_("Earlier")):
                    wanted = swapped(now.steps, i - 1)
                if st.button("↓", key=f"down-{one}", disabled=i == len(now.steps) - 1, help=_("Later")):
                    wanted = swapped(now.steps, i)
                if st.button("✕", key=f"out-{one}", help=_("Take it out")):
                    wanted = now.steps[:i] + now.steps[i + 1 :]
            notice(spec, i)
            with st.expander(_("Settings"), key=f"set-{i}-{type(step).__name__}"), guard():
                changed = steps.fields(step, one)
                if changed != step:
                    wanted = (*now.steps[:i], changed, *now.steps[i + 1 :])
    kind = st.selectbox(
        _("Add a step"),
        list(steps.NAMES),
        None,
        format_func=lambda k: _(steps.NAMES[k]),
        placeholder=_("choose"),
        key=f"add-{key}",
    )
    if kind is not None:
        wanted = added(now.steps, steps.fresh(kind, series, periods_here(series)))
    return replace(now, steps=wanted)


def swapped(all_steps: tuple[Any, ...], i: int) -> tuple[Any, ...]:
    return (*all_steps[:i], all_steps[i + 1], all_steps[i], *all_steps[i + 2 :])


def added(all_steps: tuple[Any, ...], step: Any) -> tuple[Any, ...]:
    """A new step goes before what scales, which usually comes last, or first where it makes an even grid."""
    if isinstance(step, steps.Resample):
        return (step, *all_steps)
    at = next((i for i, one in enumerate(all_steps) if isinstance(one, steps.Scale)), len(all_steps))
    return (*all_steps[:at], step, *all_steps[at:]) if not isinstance(step, steps.Scale) else (*all_steps, step)


def notice(spec: EffectSpec, i: int) -> None:
    """What the step changes for the model, and how well it fills gaps, as it was measured."""
    effects = peek(spec)
    if effects is not None:
        tell(effects, i)
    else:
        look_out(spec, i)


@st.fragment(run_every=1.0)
def look_out(spec: EffectSpec, i: int) -> None:
    """Until the engine knows. A piece of the page by itself, so that nothing else moves under somebody's finger."""
    effects, job = peek(spec), state(spec)
    if effects is not None:
        tell(effects, i)
    elif job is not None and job.state in ("failed", "cancelled"):
        st.caption(_("What this step changes could not be measured."))
    else:
        st.caption(_("Measuring what this step changes for the model …"))


def tell(effects: Effect, i: int) -> None:
    if (change := effects.changes[i]) is not None:
        if change < NO_EFFECT:
            words = _("This step cannot change the map of this model: its view of the data stays the same.")
            st.caption(f"**{words}**")
        else:
            st.caption(_("Moves what this model sees by {share:.1%} of its spread.").format(share=change))
    if (miss := effects.misses[i]) is not None:
        words = _("Tried on hidden known values: off by {own:.0%} of the spread; a straight line by {line:.0%}.")
        st.caption(words.format(own=miss[0], line=miss[1]))


def cutting(now: Recipe, series: Sequence[Series], key: str) -> Recipe:
    with st.container(border=True):
        st.markdown(f"**{_('Cutting into stretches')}**")
        offers = proposals(periods_here(series), [len(one.values) for one in series])
        names = {one.length: offer_words(one.period, one.cycles, one.length) for one in offers}
        picked = st.pills(
            _("Lengths that suit the data"), list(names), format_func=names.__getitem__, key=f"offers-{key}"
        )
        if picked is not None and picked != now.window.length:
            return recipe.with_window(now, length=picked, stride=max(1, picked // 8))
        window = steps.window_fields(now.window, key)
        share = st.slider(
            _("Statistics are taken from the first part of each series (%)"),
            10,
            100,
            round(100 * now.training),
            5,
            key=f"training-{key}",
        )
    training = now.training if share == round(100 * now.training) else share / 100
    return replace(now, window=window, training=training)


def offer_words(period: int, cycles: float, length: int) -> str:
    if not period:
        return _("{n} samples").format(n=length)
    return _("{n} samples ({cycles:.1f} × the period of {period})").format(n=length, cycles=cycles, period=period)


def periods_here(series: Sequence[Series]) -> Any:
    return periods_of(tuple(sources)) if series else ()


def effect(raw: Sequence[Series], names: list[str], now: Recipe) -> None:
    """Before and after, of one channel of one series."""
    first, second, third = st.columns(3)
    which = first.selectbox(_("Series"), range(len(raw)), format_func=names.__getitem__, key="effect-series")
    channels = raw[0].channels
    channel = second.selectbox(
        _("Channel"), range(len(channels)), format_func=channels.__getitem__, key="effect-channel"
    )
    upto = third.selectbox(
        _("After step"),
        range(len(now.steps), 0, -1),
        format_func=lambda n: f"{n} {_(steps.NAMES[type(now.steps[n - 1])])}",
        key=f"effect-{len(now.steps)}",
    )
    part = replace(now, steps=now.steps[: upto or 0])
    ready = await_prepared(PreparationSpec.of(sources, part), key="effect").series[which]
    before = raw[which]
    span = closer(len(before.values))
    draw(_("Before"), before, channel, span, None)
    n = len(ready.values)
    same = n == len(before.values)
    draw(_("After"), ready, channel, span if same else (0, n), ready.filled)
    if part.scaled_by_window:
        st.caption(_("Each stretch is then brought to one scale by itself, which this picture cannot show."))


def closer(n: int) -> tuple[int, int]:
    """Which samples are drawn: all, or a part that shows single ones."""
    if n <= MOST_PLAIN:
        return 0, n
    part = st.segmented_control(
        _("Show"),
        ["all", "closer"],
        default="all",
        format_func={"all": _("everything"), "closer": _("a closer look")}.__getitem__,
        key="effect-part",
    )
    return (0, n) if part != "closer" else (n // 2 - 250, n // 2 + 250)


def draw(title: str, one: Series, channel: int, span: tuple[int, int], filled: Any) -> None:
    rows = slice(*span)
    at = one.time[rows] if one.time is not None else np.arange(len(one.values))[rows]
    marks = np.flatnonzero(filled[rows, channel]) if filled is not None else np.arange(0)
    st.markdown(f"**{title}**")
    axis = _("time") if one.time is not None else _("sample number")
    name = one.channels[channel]
    chart = charts.series_line(
        Line(np.asarray(at), np.asarray(one.values[rows, channel]), name, axis, marks), [], [], 150
    )
    st.altair_chart(chart, theme=None, alt=title)
    if len(marks):
        st.caption(
            ngettext("{n} filled value, in orange", "{n} filled values, in orange", len(marks)).format(n=len(marks))
        )


def shelf(pilot_id: str, now: Recipe) -> None:
    """Recipes with a name: save, use, compare, take along."""
    with database().session(who.here()) as db:
        saved = recipes.saved(db, pilot_id)
    with st.expander(_("Saved preparations ({n})").format(n=len(saved)), icon=":material/bookmark:"):
        name, button = st.columns([3, 1], vertical_alignment="bottom")
        given = name.text_input(_("Name"), max_chars=60, key="recipe-name").strip()
        if button.button(_("Save"), disabled=not given, width="stretch"):
            kept = recipe.keep(pilot_id, now)
            with database().session(who.here()) as db:
                recipes.rename(db, kept.id, given)
            st.rerun()
        for one in saved:
            words, use, drop = st.columns([4, 1, 1], vertical_alignment="center")
            words.markdown(f"**{plain(one.name)}**  \n{plain(steps.in_short(Recipe.from_json(one.spec)))}")
            if use.button(_("Use"), key=f"use-{one.id}", width="stretch"):
                recipe.change(pilot_id, Recipe.from_json(one.spec))
                st.rerun()
            if drop.button(_("Remove"), key=f"drop-{one.id}", width="stretch"):
                with database().session(who.here()) as db:
                    recipes.rename(db, one.id, "")
                st.rerun()
        if saved:
            compare(now, saved)
        take_along(pilot_id, now)


def compare(now: Recipe, saved: Sequence[recipes.Recipe]) -> None:
    """What differs, setting by setting."""
    names = {one.id: one.name for one in saved}
    other = st.selectbox(
        _("Compare with"), list(names), None, format_func=names.__getitem__, placeholder=_("choose"), key="compare"
    )
    if other is None:
        return
    spec = next(one.spec for one in saved if one.id == other)
    mine, theirs = lines(now), lines(Recipe.from_json(spec))
    rows = [(plain(a), plain(b)) for a, b in pairs(mine, theirs) if a != b]
    if not rows:
        st.caption(_("Both are the same."))
        return
    st.table(pd.DataFrame(rows, columns=unique_names([_("this one"), plain(names[other])])))


def lines(one: Recipe) -> list[str]:
    window = one.window
    cut = [
        _("{length} samples a stretch, step {stride}").format(length=window.length, stride=window.stride),
        _("Stretches begin") + ": " + _(steps.ALIGN[window.align]),
        _("What is left at the end") + ": " + _(steps.REST[window.rest]),
        _("at most {n} stretches").format(n=window.most) if window.most else _("all stretches"),
        _("statistics of the first {share:.0%}").format(share=one.training),
    ]
    return [*cut, *(steps.said(step) for step in one.steps)]


def pairs(mine: list[str], theirs: list[str]) -> list[tuple[str, str]]:
    n = max(len(mine), len(theirs))
    return list(zip(mine + [""] * (n - len(mine)), theirs + [""] * (n - len(theirs)), strict=True))


def take_along(pilot_id: str, now: Recipe) -> None:
    """As a file, out and in."""
    out, into = st.columns(2, vertical_alignment="bottom")
    text = json.dumps({"recipe": now.to_json()}, ensure_ascii=False, indent=1)
    out.download_button(_("Save as a file"), text, "recipe.json", "application/json", icon=":material/download:")
    file = into.file_uploader(_("Read from a file (recipe.json)"), key="recipe-file")
    if file is not None and st.session_state.get("recipe read") != file.file_id:
        st.session_state["recipe read"] = file.file_id
        recipe.change(pilot_id, from_file(file.getvalue()))
        st.rerun()


def from_file(data: bytes) -> Recipe:
    try:
        return Recipe.from_json(json.loads(data)["recipe"])
    except (ValueError, KeyError, TypeError) as e:
        raise UserError(
            N_("This file does not hold a preparation."), N_("Choose a file that was saved on this screen.")
        ) from e


def chosen_encoder(channels: tuple[str, ...]) -> EncoderSpec:
    kept = st.session_state.get(models.CHOSEN)
    spec = EncoderSpec.from_json(kept) if kept else EncoderSpec()
    return spec if not spec.channel or spec.channel in channels else EncoderSpec()


with guard():
    pilot_now = pilot.current()
    st.title(_("What should happen before the model looks?"), anchor=False)
    st.markdown(_("Steps are done from top to bottom. The pictures show one channel before and after them."))
    with database().session(who.here()) as db:
        here = datasets.of_pilot(db, pilot_now.id)
    if not here:
        st.info(_("There is nothing to prepare yet. Upload a CSV first."), icon=":material/upload_file:")
        st.page_link("data.py", label=_("Go to the data"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    files = chosen.now(here)
    sources: tuple[Source, ...] = sources_of(files)
    raw = series_of(sources)
    now = recipe.current(pilot_now.id, raw)
    key = recipe.key(pilot_now.id, now)
    asked = EffectSpec(sources, now, chosen_encoder(raw[0].channels))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        go, back = st.columns(2)
        if go.button(_("Show the map"), type="primary", icon=":material/arrow_forward:", width="stretch"):
            st.switch_page("maps.py", query_params=pilot.address())
        if back.button(_("Undo"), icon=":material/undo:", disabled=not recipe.can_undo(pilot_now.id), width="stretch"):
            recipe.undo(pilot_now.id)
            st.rerun()
        with guard():
            wanted = step_list(now, raw, asked, key)
            wanted = cutting(wanted, raw, key) if wanted == now else wanted
            if wanted != now:
                recipe.change(pilot_now.id, wanted)
                st.rerun()
    with right:
        with guard():
            found = places(await_prepared(PreparationSpec.of(sources, now), key="all").series, now.window)
            n = len(found.start)
            st.markdown("**" + ngettext("{n} stretch", "{n} stretches", n).format(n=f"{n:,}") + "**")
            effect(raw, chosen.series_names(files), now)
        with guard():
            shelf(pilot_now.id, now)
