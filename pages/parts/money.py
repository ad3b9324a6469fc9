"""What does it cost, what does it save: measured and assumed numbers, what they come to, and what decides it."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite

import numpy as np
import pandas as pd
import streamlit as st
from babel.numbers import format_currency, format_decimal, get_currency_symbol

from core import roi, roi_charts
from core.answers import Answer
from core.errors import N_, UserError
from core.roi import ALL_BUT_SAVING, HOUR, QUANTITIES, Input, Outcome, Payback, Reckoned
from core.roi_charts import Bars
from feedback_db import assumptions
from feedback_db.assumptions import Assumption, Worked
from feedback_db.pilots import Pilot
from pages.parts import who
from pages.parts.guard import guard
from pages.parts.text import _, bare, fill, language, listed, moment_of, ngettext, plain, together
from pages.parts.work import database

SEED = 0  # of the draws: the same numbers give the same answer
SURE = 0.95  # share of the draws from which on it is said that it pays, or that it does not
MOST_BARS = 8  # what moves the result less is not drawn
FROM_SCREENS = N_("time on this app's screens; pauses up to 5, 15 and 30 minutes count as work")
FROM_ANSWERS = N_("the time that people took to answer, breaks left out")
FROM_JOBS = N_("the time that the calculations took, without waiting for their turn")
NOT_DISCOUNTED = N_("Not discounted: a sum at the end of the period counts as much as one today.")
FROM_START = N_("as it was said when the pilot was started")
Inputs = Mapping[str, Input]
Shown = Callable[[str], str]  # `plain` for Markdown, `str` for paper


def section(pilot: Pilot, answers: Sequence[Answer]) -> None:
    """Args: answers: all of the pilot."""
    st.markdown(f"#### {_('What does it cost, what does it save?')}")
    st.markdown(_("Every number is a range. What the app has measured and what somebody assumes are told apart."))
    with database().session(who.here()) as db:
        changes = assumptions.history(db, pilot.id)
        worked = assumptions.worked(db, pilot.id)
    inputs = known(pilot, answers, worked, changes)
    lacking = roi.lacking(inputs)
    if lacking is None:
        _results(inputs, pilot.currency)
    else:
        missing = listed(map(_, lacking.facts["missing"]))
        st.info(
            together(fill(lacking.message, {"missing": missing}), _("Put it in below, under “The numbers behind it”.")),
            icon=":material/payments:",
        )
    _break_even(inputs)
    with st.expander(_("The numbers behind it"), expanded=lacking is not None):
        _numbers(inputs, worked, pilot.currency)
        _change(pilot, inputs)
        _history(changes, pilot.currency)


def told(pilot: Pilot, answers: Sequence[Answer]) -> list[str]:
    """The same in a few lines, for paper."""
    given = inputs(pilot, answers)
    lacking = roi.lacking(given)
    if lacking is not None:
        return [bare(lacking.message, {"missing": listed(map(_, lacking.facts["missing"]))})]
    found = roi.reckon(given, SEED)
    once, net = (
        _money(found.once.median, pilot.currency),
        [_money(one, pilot.currency) for one in (found.net.low, found.net.high)],
    )
    return [
        _verdict(found),
        _("Cost until it runs: {cost}. Left over at the end of the period: {low} to {high} (9 times in 10).").format(
            cost=once, low=net[0], high=net[1]
        ),
    ]


# --- what is known


def inputs(pilot: Pilot, answers: Sequence[Answer]) -> dict[str, Input]:
    """All that is known now."""
    with database().session(who.here()) as db:
        return known(pilot, answers, assumptions.worked(db, pilot.id), assumptions.history(db, pilot.id))


def known(pilot: Pilot, answers: Sequence[Answer], worked: Worked, changes: Sequence[Assumption]) -> dict[str, Input]:
    """What is measured, what was said when the pilot was started, and before both what somebody put in."""
    hours = [one / HOUR for one in worked.lead_seconds]
    found = [
        Input("lead_hours", *hours, True, FROM_SCREENS),
        Input("rater_hours", *[roi.rating_seconds(answers) / HOUR] * 3, True, FROM_ANSWERS),
        Input("compute_seconds", *[worked.compute_seconds] * 3, True, FROM_JOBS),
    ]
    found = [one for one in found if one.high > 0]  # else nothing has been measured yet
    rates = dict.fromkeys(("lead_rate", "rater_rate", "it_rate"), pilot.wage_per_hour)
    rates |= {"machine_rate": pilot.machine_per_hour}
    found += [Input(name, *[rate] * 3, False, FROM_START) for name, rate in rates.items() if rate is not None]
    saved = roi.seconds_saved(answers)
    found += [saved] if saved else []
    return {one.name: one for one in (*found, *map(_assumed, changes))}


def _assumed(one: Assumption) -> Input:
    return Input(one.name, one.low, one.likely, one.high, False, one.source)


# --- what it comes to


def _results(inputs: Inputs, currency: str) -> None:
    found = roi.reckon(inputs, SEED)
    st.markdown(f"**{_verdict(found)}**")
    rows = results(found, currency, plain)
    st.table(pd.DataFrame(rows[1:], columns=rows[0]), hide_index=True)
    st.caption(_(NOT_DISCOUNTED))
    chart = tornado(inputs, currency)
    if chart is not None:
        st.markdown(f"**{_('What decides it')}**")
        st.altair_chart(chart, theme=None, alt=_("What is left over, by each number"))
        st.caption(_("One number at a time is put to its lowest and to its highest, all others are as is most likely."))


def results(found: Reckoned, currency: str, shown: Shown) -> list[list[str]]:
    """What it comes to, the heads first."""
    return [
        ["", _("in the middle"), _("9 times in 10 between")],
        [_("Cost until it runs"), *_in_money(found.once, currency, shown)],
        [_("Cost a month"), *_in_money(found.monthly_cost, currency, shown)],
        [_("Saved a month"), *_in_money(found.monthly_benefit, currency, shown)],
        [_("Left over at the end of the period"), *_in_money(found.net, currency, shown)],
        [_("Cost is back after"), *_in_months(found.payback)],
    ]


def _verdict(found: Reckoned) -> str:
    n = round(found.pays * roi.DRAWS)
    if found.pays >= SURE:
        words = _("It pays for itself: in {n} of {draws} draws of these numbers something is left over.")
    elif found.pays <= 1 - SURE:
        words = _("It does not pay for itself: only in {n} of {draws} draws of these numbers something is left over.")
    else:
        words = _(
            "Whether it pays for itself is open: in {n} of {draws} draws of these numbers something is left over."
        )
    return words.format(n=_number(n), draws=_number(roi.DRAWS))


def _in_money(one: Outcome, currency: str, shown: Shown) -> tuple[str, str]:
    middle, low, high = (shown(_money(value, currency)) for value in (one.median, one.low, one.high))
    return middle, _between(low, high)


def _in_months(one: Payback) -> tuple[str, str]:
    middle, low, high = (
        _("not within the period") if value is None else _("{n} months").format(n=f"{value:.1f}")
        for value in (one.median, one.low, one.high)
    )
    return middle, _between(low, high)


def _between(low: str, high: str) -> str:
    return low if low == high else f"{low} … {high}"


def _break_even(inputs: Inputs) -> None:
    for words in break_even(inputs):
        st.markdown(words)


def break_even(inputs: Inputs) -> list[str]:
    """What the map must save to pay for itself; nothing while a number is missing."""
    if roi.lacking(inputs, ALL_BUT_SAVING) is not None:
        return []
    seconds = roi.break_even(inputs)
    if seconds is None:
        return [_("Time saved is worth nothing with these numbers, so no saving of time can pay for the map.")]
    if seconds <= 0:
        return [_("It pays for itself even if the map saves no time at all.")]
    words = _(
        "With all else as is most likely, the map must save at least **{seconds} seconds** a decision "
        "to pay for itself."
    )
    return [words.format(seconds=_number(_rounded(seconds)))]


def tornado(inputs: Inputs, currency: str) -> roi_charts.Chart | None:
    """What decides it; None where nothing is open."""
    swings = [one for one in roi.tornado(inputs) if one.width > 0][:MOST_BARS]
    if not swings:
        return None
    ends = np.array([(one.at_low, one.at_high) for one in swings])
    told = [(_number(_rounded(inputs[one.name].low)), _number(_rounded(inputs[one.name].high))) for one in swings]
    names = [f"{_(QUANTITIES[one.name].label)} ({unit(one.name, currency)})" for one in swings]
    words = _("at its lowest"), _("at its highest")
    title = _("left over at the end of the period ({currency})").format(
        currency=get_currency_symbol(currency, language())
    )
    return roi_charts.tornado(Bars(names, ends, told), roi.likely_net(inputs), words, title)


# --- the numbers behind it


def _numbers(inputs: Inputs, worked: Worked, currency: str) -> None:
    rows = behind(inputs, currency, plain)
    if rows:
        st.table(pd.DataFrame(rows), hide_index=True)
    if worked.n_untimed:
        n = worked.n_untimed
        st.caption(
            ngettext(
                "How long {n} other calculation took is not known.",
                "How long {n} other calculations took is not known.",
                n,
            ).format(n=n)
        )


def behind(inputs: Inputs, currency: str, shown: Shown) -> list[dict[str, str]]:
    """Every number that is known, where it comes from, and whether it was measured."""
    return [
        {
            _("what is counted"): _(QUANTITIES[one.name].label),
            _("most likely (lowest … highest)"): shown(_ranged(one)),
            _("unit"): shown(unit(one.name, currency)),
            _("how it is known"): _("measured") if one.measured else _("assumed"),
            _("where from"): shown(_(one.source)),
        }
        for one in (inputs[name] for name in QUANTITIES if name in inputs)
    ]


def _change(pilot: Pilot, inputs: Inputs) -> None:
    """One number at a time; what is missing comes first."""
    names = list(QUANTITIES)
    missing = [name for name in names if name not in inputs]
    name = st.selectbox(
        _("Which number do you want to put in or correct?"),
        names,
        index=names.index(missing[0]) if missing else 0,
        format_func=lambda one: _(QUANTITIES[one].label),
    )
    with guard(), st.form(f"assume-{name}", border=False):
        low, likely, high = _fields(name, inputs.get(name), pilot.currency)
        source = st.text_input(_("Where do these numbers come from?"), key=f"source-{name}")
        st.caption(_("If there is none of it, put in 0 three times; if you are sure of a number, that number."))
        if st.form_submit_button(_("Use these numbers"), icon=":material/check:"):
            if low is None or likely is None or high is None:
                raise UserError(N_("A number is missing."), N_("Fill in all three."))
            checked = Input(name, low, likely, high, False, source.strip())
            with database().session(who.here()) as db:
                assumptions.put(
                    db, pilot.id, Assumption(name, checked.low, checked.likely, checked.high, checked.source)
                )
            st.rerun()


def _fields(name: str, one: Input | None, currency: str) -> list[float | None]:
    possible = QUANTITIES[name]
    ends = {"min_value": possible.least, "max_value": possible.most}
    limits = {end: value for end, value in ends.items() if isfinite(value)}
    words = {"low": _("at least ({unit})"), "likely": _("most likely ({unit})"), "high": _("at most ({unit})")}
    return [
        column.number_input(
            text.format(unit=plain(unit(name, currency))),
            value=None if one is None else round(getattr(one, end), 3),
            format="%g",
            key=f"{end}-{name}",
            **limits,
        )
        for column, (end, text) in zip(st.columns(3), words.items(), strict=True)
    ]


def _history(changes: Sequence[Assumption], currency: str) -> None:
    if not changes:
        return
    st.markdown(f"**{_('What was put in, and when')}**")
    rows = [
        {
            _("when"): moment_of(one.set_at),
            _("what is counted"): _(QUANTITIES[one.name].label),
            _("most likely (lowest … highest)"): plain(f"{_ranged(_assumed(one))} {unit(one.name, currency)}"),
            _("where from"): plain(one.source),
        }
        for one in reversed(changes)
    ]
    st.table(pd.DataFrame(rows), hide_index=True)


# --- numbers in words


def unit(name: str, currency: str) -> str:
    """What a quantity counts."""
    return _(QUANTITIES[name].unit).format(currency=get_currency_symbol(currency, language()))


def _ranged(one: Input) -> str:
    told = (one.likely, one.low, one.high)
    likely, low, high = map(_number, map(_rounded, told) if one.measured else told)
    return likely if one.low == one.high else f"{likely} ({low} … {high})"


def _number(value: float) -> str:
    return format_decimal(value, "#,##0.###", locale=language())


def _money(value: float, currency: str) -> str:
    """To three digits: nobody knows more of what is to come."""
    return format_currency(_rounded(value), currency, locale=language())


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
