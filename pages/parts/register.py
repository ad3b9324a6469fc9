"""What could be read wrongly: proposed from what is known, put into people's own words, and shown where it matters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import projection, roi
from core.document import Block, Grid, Paragraphs
from core.errors import N_, UserError
from core.measures import Measured, MeasureSpec
from core.misreadings import COSTS, OWN, Around, Cost, Entry, Fixed, Row, in_words, merged, of_pilot, of_view
from core.notices import Notice
from core.rules import Facts, Thresholds
from core.tuning import TuneSpec
from core.views import ViewSpec, find
from feedback_db import misreadings
from feedback_db.misreadings import Misreading
from feedback_db.pilots import Pilot
from pages.parts import known, money, who, work
from pages.parts.beside import unbroken
from pages.parts.deciding import Settled, settled_of
from pages.parts.guard import guard
from pages.parts.known import Known
from pages.parts.text import _, bare, fill, listed, moment_of, plain
from pages.parts.work import database

MOST = 400  # characters of either sentence
SHORT = 60  # of them in a list to choose from
NOTHING = N_("Nothing is known so far that could be read wrongly.")
EMPTY = Notice(OWN, {"own": ""})
NEW = Row(("",), (), EMPTY, "middling", EMPTY)
Named = Sequence[tuple[str, Entry]]  # each with the name of its map; "": of the whole pilot


@dataclass(frozen=True, slots=True)
class Register:
    """All entries of a pilot as they stand."""

    rows: Sequence[Row]
    gone: Sequence[Row]  # that somebody took out
    changes: Sequence[Misreading]  # that people made, oldest first


# --- beside maps


def on_view(spec: ViewSpec, meta: Mapping[str, Any], measured: Measured | None) -> None:
    """Below a map whose warnings are shown openly anyway, folded away."""
    shown = [*projection.advice(spec.projection, meta["n_windows"]), *(measured.warnings if measured else ())]
    openly = {one.message for one in shown}
    entries = of_view(spec, meta, measured, _training(spec))
    _fold(merged(("", one) for one in entries if one.what.message not in openly))


def on_views(specs: Mapping[str, ViewSpec]) -> None:
    """Below several maps that are drawn.

    Args:
        specs: by the maps' names.
    """
    _fold(merged((name, one) for name, spec in specs.items() for one in _of_view(spec, spec.fingerprint())))


def _fold(rows: Sequence[Row]) -> None:
    if not rows:
        return
    with st.expander(_("What could be read wrongly here ({n})").format(n=len(rows)), icon=":material/warning:"):
        st.markdown("\n".join(f"- {_line(one)}" for one in rows))


def _line(one: Row) -> str:
    words = _("{what} — {guard} (how costly: {cost})").format(
        what=_filled(one.what), guard=_filled(one.guard), cost=_(COSTS[one.cost])
    )
    return f"**{plain(listed(one.where))}**: {words}" if one.where else words


def _filled(one: Notice) -> str:
    return fill(one.message, one.facts)


def _bare(one: Notice) -> str:
    return bare(one.message, one.facts)


def _of_view(spec: ViewSpec, fingerprint: str) -> tuple[Entry, ...]:
    """By what is made of it already."""
    drawn = find(fingerprint, work.store())
    return of_view(spec, {} if drawn is None else drawn.meta, known.made(MeasureSpec(spec)), _training(spec))


def _training(spec: ViewSpec) -> TuneSpec | None:
    """What its model came from, where that was trained here and is still kept."""
    source, kept = spec.encoder.source, work.store()
    key = Path(source).name
    if not key or str(kept.folder(key)) != source or not kept.has(key):
        return None
    return TuneSpec.from_json(kept.meta(key)["spec"])


# --- of a pilot


def section(current: Pilot, found: Known, facts: Facts) -> None:
    """The most costly ones open, the others and how to change the list folded away."""
    st.markdown(f"#### {_('What could be read wrongly')}")
    register = _register(current, found, facts)
    first = [one for one in register.rows if one.cost == register.rows[0].cost]
    others = register.rows[len(first) :]
    if first:
        _table(first)
    st.caption(_legend() if first else _(NOTHING))
    if others:
        with st.expander(_("Less costly ({n})").format(n=len(others)), key="less-costly"):
            _table(others)
    with st.expander(_("Put it in your own words, add to it, take something out"), key="register"):
        _change(current, register)
        _history(register)


def told(current: Pilot, found: Known, facts: Facts) -> list[Block]:
    """The same for a report."""
    rows = _register(current, found, facts).rows
    if not rows:
        return [Paragraphs([_(NOTHING)])]
    cells = [[_bare(one.what), _where(one.where), _(COSTS[one.cost]), _bare(one.guard)] for one in rows]
    return [Grid([_heads(), *cells], _legend())]


def _heads() -> list[str]:
    return [_("what could be read wrongly"), _("where"), _("how costly"), _("what guards against it")]


def _where(names: Iterable[str]) -> str:
    return listed(names) or _("the whole pilot")


def _legend() -> str:
    return _("How costly: large – a wrong decision; medium – a map that is judged wrongly; small – a wrong detail.")


def _table(rows: Sequence[Row]) -> None:
    cells = [
        [_filled(one.what), _where(map(unbroken, one.where)), unbroken(_(COSTS[one.cost])), _filled(one.guard)]
        for one in rows
    ]
    st.table(pd.DataFrame(cells, columns=_heads()), hide_index=True)


# --- what stands in it


def _register(current: Pilot, found: Known, facts: Facts) -> Register:
    """What is proposed, as people have put it, and what they have added."""
    with database().session(who.here()) as db:
        changes = misreadings.history(db, current.id)
    last = {one.key: one for one in changes}
    mine = [("", Entry(key, NEW.what, NEW.cost, NEW.guard)) for key in last if key.startswith(misreadings.OWN)]
    there: list[tuple[str, Entry]] = []
    gone: list[tuple[str, Entry]] = []
    for where, entry in [*_proposed(current, found, facts), *mine]:
        own = last.get(entry.key)
        side = gone if own is not None and own.is_gone else there
        side.append((where, entry if own is None else in_words(entry, own.what, own.cost, own.guard)))
    return Register(merged(there), merged(gone), changes)


def _proposed(current: Pilot, found: Known, facts: Facts) -> Named:
    rules, around = _around(current, found)
    of_all = [("", one) for one in of_pilot(found.answers, facts, rules, around)]
    of_maps = [
        (found.name(id_), replace(one, key=f"view:{kept.number}:{one.key}"))
        for id_, kept in found.views.items()
        for one in _of_view(found.specs[id_], kept.fingerprint)
    ]
    return [*of_all, *of_maps]


def _around(current: Pilot, found: Known) -> tuple[Thresholds, Around]:
    settled = settled_of(current.id)
    inputs = money.inputs(current, found.answers)
    is_assumed = roi.lacking(inputs) is None and not inputs[roi.SAVING].measured
    files = {source.sha256 for spec in found.specs.values() for source in spec.sources}
    return settled.thresholds, Around(len(files), _days(list(found.specs.values())), _fixed(settled), is_assumed)


def _fixed(settled: Settled) -> Fixed | None:
    """When the rules were, against the first asking."""
    if settled.opened_at is None:
        return None
    if not settled.fixed:
        return "never"
    return "before" if settled.fixed[-1].at < settled.opened_at else "after"


def _days(specs: Sequence[ViewSpec]) -> float | None:
    """From the first sample of all maps to the last; None where a series has no clock or is no longer kept."""
    ends = []
    for spec in {one.sources: one for one in specs}.values():
        try:
            series = work.ready_series(spec.sources, spec.recipe)
        except UserError:
            return None
        for one in series:
            if one.time is None:
                return None
            ends += [one.time.min(), one.time.max()]
    return float((max(ends) - min(ends)) / np.timedelta64(1, "D")) if ends else None


# --- in people's own words


def _change(current: Pilot, register: Register) -> None:
    """One entry at a time; what was taken out can be put back."""
    options = {one.keys[0]: one for one in (NEW, *register.rows, *register.gone)}
    key = st.selectbox(
        _("Which entry?"), list(options), format_func=lambda one: _option(options[one], register), key="misreading"
    )
    row = options[key]
    form = f"{key}-{len(register.changes)}"  # whatever was put in, the next one starts anew
    with guard(), st.form(f"misreading-{form}", border=False):
        what = st.text_area(
            _("What could be read wrongly?"), _bare(row.what), max_chars=MOST, height=80, key=f"what-{form}"
        )
        cost = st.segmented_control(
            _("How costly is that?"),
            list(COSTS),
            format_func=lambda one: _(COSTS[one]),
            default=row.cost,
            required=True,
            key=f"cost-{form}",
        )
        against = st.text_area(
            _("What guards against it?"), _bare(row.guard), max_chars=MOST, height=80, key=f"guard-{form}"
        )
        with st.container(horizontal=True):
            is_kept = st.form_submit_button(_("Put it down so"), icon=":material/check:")
            can_go = row is not NEW and row not in register.gone
            is_gone = can_go and st.form_submit_button(_("Take it out"), icon=":material/delete:")
        if is_kept:
            _put(current.id, row, what.strip(), cost, against.strip())
        elif is_gone:
            _keep(current.id, row, Misreading("", _own(row.what), row.cost, _own(row.guard), is_gone=True))


def _option(row: Row, register: Register) -> str:
    if row is NEW:
        return _("a new one")
    words = _bare(row.what)
    words = words if len(words) <= SHORT else f"{words[:SHORT]}…"
    return _("taken out: {what}").format(what=words) if row in register.gone else words


def _put(pilot_id: str, row: Row, what: str, cost: Cost, against: str) -> None:
    if not (what and against):
        raise UserError(
            N_("It is not said what could be read wrongly, or what guards against it."), N_("Fill in both.")
        )
    said = [_own(now) if text == _bare(now) else text for text, now in ((what, row.what), (against, row.guard))]
    _keep(pilot_id, row, Misreading("", said[0], cost, said[1]))


def _own(one: Notice) -> str:
    """Somebody's own words; "": they are the app's, which follow its facts and the reader's language."""
    return str(one.facts["own"]) if one.message == OWN else ""


def _keep(pilot_id: str, row: Row, one: Misreading) -> None:
    """For every map that the row is about."""
    with database().session(who.here()) as db:
        for key in row.keys:
            misreadings.put(db, pilot_id, replace(one, key=key or misreadings.own_key()))
    st.rerun()


def _history(register: Register) -> None:
    if not register.changes:
        return
    st.markdown(f"**{_('What was put down, and when')}**")
    words = {key: _filled(row.what) for row in (*register.rows, *register.gone) for key in row.keys}
    once = {replace(one, key=""): one.key for one in reversed(register.changes)}  # one press, however many maps
    rows = [
        {
            _("when"): moment_of(one.set_at),
            _("what could be read wrongly"): plain(one.what) or words.get(key, "–"),
            _("how costly"): _("taken out") if one.is_gone else _(COSTS[one.cost]),
            _("what guards against it"): plain(one.guard) or "–",
        }
        for one, key in once.items()
    ]
    st.table(pd.DataFrame(rows), hide_index=True)
