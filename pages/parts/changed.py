"""What a training changed, in numbers, and what did not change."""

import pandas as pd
import streamlit as st

from core.change import Change, Errors
from core.domains import ONE_DOMAIN, Apart
from core.movement import Movement
from core.notices import Notice
from core.rebuilding import Interval
from core.recognition import Score
from core.tuning import Tuned
from pages.parts.text import _, fill, together

ACROSS = 5


def middle(change: Change) -> Errors | None:
    """The errors that are told first: with about half of each stretch hidden."""
    return min(change.errors, key=lambda one: abs(one.hidden - 0.5)) if change.errors else None


def verdict(change: Change) -> None:
    """Both at a glance: the error, and the map."""
    main, moved = middle(change), change.movement.displacement
    said = []
    if main is not None:
        one = main.change
        said.append(
            _("Reconstruction error {change:+.1%}").format(change=one.value)
            if isinstance(one, Interval)
            else fill(one.message, one.facts)
        )
    said.append(_("{share:.0%} of the nearest neighbours changed").format(share=1 - change.movement.kept))
    st.markdown(f"#### {' · '.join(said)}")
    if moved == 0:
        st.warning(
            _("The map could not change: what was trained has no part in it. A lower error means nothing for it."),
            icon=":material/lock:",
        )
    elif main is not None and isinstance(main.change, Interval):
        st.markdown(_error_told(main.change))


def _error_told(one: Interval) -> str:
    if one.low is None or one.high is None:
        return _("There are too few separate stretches to say how sure the change of the error is.")
    told = _("Uncertain from {low:+.1%} to {high:+.1%}.").format(low=one.low, high=one.high)
    if one.high < 0:
        return together(_("The error fell on stretches that the training never saw."), told)
    if one.low > 0:
        return together(_("The error rose on stretches that the training never saw."), told)
    return together(_("Whether the error changed on stretches that the training never saw cannot be told."), told)


def what_did(found: Tuned) -> None:
    """What could have changed, and what did."""
    moved, share = found.change.movement, found.n_trained / found.n_parameters
    rows = [
        (
            _("Could change"),
            f"{share:.0%}" if share > 0.995 else f"{share:.1%}",
            _("{n:,} of {all:,} parameters").format(n=found.n_trained, all=found.n_parameters),
        ),
        (_("Weights moved"), f"{found.changed:.1%}", _("As a share of their length, all weights together.")),
        (
            _("Stretches moved"),
            "–" if moved.displacement is None else f"{moved.displacement:.0%}",
            _(
                "How far in the model’s view, on average; 100 % is as far as they lie from their middle. "
                "A move of all together counts, though the map stays the same."
            ),
        ),
        (_("Alike (CKA)"), _alike(moved.cka), _arrangement_told(moved)),
        (
            _("Neighbours kept"),
            f"{moved.kept:.0%}",
            _("Of each stretch’s nearest others, so many are still its nearest. Chance: {chance}.").format(
                chance=f"{moved.chance:.0%}"
            ),
        ),
    ]
    for column, (name, value, meaning) in zip(st.columns(ACROSS), rows, strict=True):
        with column:
            st.metric(name, value)
            st.caption(meaning)


def _alike(cka: float | None) -> str:
    return "–" if cka is None else f"{cka:.2f}"


def _arrangement_told(moved: Movement) -> str:
    if moved.cka is None:
        return _("Before or after, all stretches lie at one place: there is no arrangement to compare.")
    told = _("1: stretches lie to one another as before, however all of them were turned or resized. Chance: {chance}.")
    told = told.format(chance=_alike(moved.cka_chance))
    if moved.cka_debiased is None:
        return told
    return together(told, _("Without chance’s share: {value}.").format(value=_alike(moved.cka_debiased)))


def errors(change: Change) -> None:
    """Before and after at each share of hidden patches."""
    if not change.errors:
        return
    rows = [
        {
            _("hidden"): f"{one.hidden:.0%}",
            _("MSE before"): _ranged(one.before["mse"], 3),
            _("MSE after"): _ranged(one.after["mse"], 3),
            _("change of MSE"): _changed(one.change),
        }
        for one in change.errors
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(
        _(
            "On stretches that the training never looked at, with the same parts hidden before and after. In brackets: "
            "the range of uncertainty (95 %). MSE is in units of each channel’s variance: 1 is no better than its mean."
        )
    )


def other_errors(change: Change) -> None:
    """The same in other measures."""
    rows = []
    for one in change.errors:
        row = {_("hidden"): f"{one.hidden:.0%}"}
        for kind, name in (("rmse", "RMSE"), ("mae", "MAE"), ("smape", "sMAPE (%)")):
            digits = 1 if kind == "smape" else 3
            row[name] = f"{_ranged(one.before[kind], digits)} → {_ranged(one.after[kind], digits)}"
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _ranged(one: Interval, digits: int) -> str:
    if one.low is None or one.high is None:
        return f"{one.value:.{digits}f}"
    return f"{one.value:.{digits}f} ({one.low:.{digits}f}–{one.high:.{digits}f})"


def _changed(one: Interval | Notice) -> str:
    if isinstance(one, Notice):
        return "–"
    ends = "" if one.low is None or one.high is None else f" ({one.low:+.1%} … {one.high:+.1%})"
    return f"{one.value:+.1%}{ends}"


def seen(change: Change) -> None:
    """What the model sees, before and after."""
    before, after = change.before, change.after
    rows = [*_labels(change)]
    if before.silhouette is not None and after.silhouette is not None:
        values = [f"{one:.2f}" for one in (before.silhouette, after.silhouette)]
        rows.append((_("Labels apart"), values, _("Silhouette: 1 far apart, 0 side by side, below 0 mixed.")))
    if before.probes is not None and after.probes is not None:
        values = [f"{one:.0%}" for one in (before.probes, after.probes)]
        rows.append((_("Planted truths"), values, _("So much of slopes, rhythms and events can be read from it.")))
    rows += _lines(before.lines, after.lines)
    columns = (_("What the model sees"), _("before"), _("after"), _("what it means"))
    table = pd.DataFrame([[name, *values, told] for name, values, told in rows], columns=list(columns))
    st.table(table, hide_index=True)  # which wraps: a dataframe cuts off what a number means


Row = tuple[str, list[str], str]  # name, before and after, what it means


def _labels(change: Change) -> list[Row]:
    """Whether stretches of one label are still each other's nearest."""
    before, after = change.before.recognised, change.after.recognised
    if isinstance(before, Notice):
        return [(_("Recognised by label"), ["–", "–"], fill(before.message, before.facts))]
    if isinstance(after, Notice):
        return []
    told = _("How often the nearest stretch has the same label; chance {chance:.0%}.").format(chance=before.chance)
    if (sure := change.labels) is not None:
        between = _("The change lies between {low:+.0%} and {high:+.0%}.").format(low=sure.low, high=sure.high)
        told = together(told, between)
    return [(_("Recognised by label"), [_share(one) for one in (before, after)], told)]


def _lines(before: Apart | Notice | None, after: Apart | Notice | None) -> list[Row]:
    """Whether it is the line or site that the model sees; nothing where there is only one."""
    if isinstance(before, Notice):
        told = fill(before.message, before.facts)
        return [] if before.message == ONE_DOMAIN else [(_("Lines or sites"), ["–", "–"], told)]
    if not isinstance(before, Apart) or not isinstance(after, Apart):
        return []
    mixed = _(
        "Of a stretch’s nearest others, so many are from another line or site as would be if these made no "
        "difference. 100 %: fully mixed. Chance alone makes it {chance}."
    ).format(chance=f"{after.mixing_chance:.0%}")
    return [
        (
            _("Lines told apart"),
            [_share(one.auc) for one in (before, after)],
            _("How surely the model’s view tells lines or sites apart. 50 %: not at all."),
        ),
        (_("Lines mixed"), [f"{one.mixing:.0%}" for one in (before, after)], mixed),
    ]


def _share(one: Score | Interval) -> str:
    ends = "" if one.low is None or one.high is None else f" ({one.low:.0%}–{one.high:.0%})"
    return f"{one.value:.0%}{ends}"


def lines_told(change: Change) -> None:
    """Whether lines that were brought together took with them what tells labels apart."""
    lost, told = labels_told(change)
    if lost:
        st.warning(told, icon=":material/warning:")
    else:
        st.info(told, icon=":material/info:")


def labels_told(change: Change) -> tuple[bool, str]:
    """Whether to warn, and of what."""
    before, labels = change.before.recognised, change.labels
    if labels is None or isinstance(before, Notice) or before.value <= before.bar:
        told = _(
            "The labels cannot say whether anything that matters was lost along with the lines: there are none, or "
            "they were not recognised before the training either."
        )
        return True, told
    if labels.high < 0:
        told = _(
            "Labels are recognised less often than before, by {least:.0%} to {most:.0%}: bringing the lines together "
            "took some of what tells them apart."
        )
        return True, told.format(least=-labels.high, most=-labels.low)
    told = _(
        "No loss of labels shows: at most, they are recognised {most:.0%} less often than before. What really "
        "happens at one line alone may still be hidden."
    )
    return False, told.format(most=max(0.0, -labels.low))
