"""What became of the maps after the pilot: new data placed on them, and what people say when they are asked again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Self

import pandas as pd
import streamlit as st

from core import drift, lasting, watching
from core.answers import Answer
from core.document import Block, Bullets, Grid, Paragraphs
from core.drift import Drift, Judged, Limits
from core.errors import N_, UserError
from core.lasting import FALL, Lasting
from core.opinions import Contrast
from core.placing import Placed, PlacedSpec
from core.tellings import adjusted, p_of, ranged
from core.views import ViewSpec
from core.watching import Seen
from feedback_db import datasets, ledger, placements, studies
from feedback_db.datasets import Dataset
from feedback_db.pilots import Pilot
from feedback_db.placements import Placement
from feedback_db.studies import Study
from pages.parts import known, who
from pages.parts.known import Known
from pages.parts.text import _, bare, fill, listed, moment_of, ngettext, together
from pages.parts.work import database, store

SHOWN = 100  # newest placements that are listed: a watched folder may bring one an hour
Say = Callable[[str, Mapping[str, object]], str]


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on there is an alert."""

    drift: Limits = field(default_factory=Limits)
    fall: float = FALL  # of understandability, in steps

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(Limits(**d["drift"]), d["fall"])

    def in_words(self) -> str:
        words = _(
            "stretches like nothing in the pilot {outside:.0%}; difference for the model {model:g}; of a channel "
            "{inputs:g}; p {p:g}; fall of understandability {fall:g}"
        )
        return words.format(fall=self.fall, **asdict(self.drift))


def bounds(pilot_id: str) -> Bounds:
    """That hold now: settled last, else proposed. What somebody changed in the ledger by hand does not count."""
    with database().session(who.here()) as db:
        entries, wrong = ledger.of_pilot(db, pilot_id), ledger.verify(db, pilot_id)
    settled = [one for one in entries if one.kind == "limits" and one.number not in wrong]
    return Bounds.from_json(settled[-1].content) if settled else Bounds()


def use(pilot_id: str, bounds: Bounds) -> None:
    """For everybody, from now on."""
    with database().session(who.here()) as db:
        ledger.append(db, pilot_id, "limits", bounds.to_json())


# --- new data on a map


@dataclass(frozen=True, slots=True)
class Checked:
    """New data that was to be placed, and what came of it."""

    id: str  # in the address
    view_id: str
    at: datetime
    spec: PlacedSpec | None  # None: the file could not be read
    found: Drift | None  # None: it is not done, no longer kept, or there is an error
    judged: Judged | None  # likewise
    file: str = ""  # its name in the folder that is watched; "": somebody placed it here
    error: UserError | None = None  # why a file of that folder could not be placed


def checked(pilot_id: str, found: Known) -> list[Checked]:
    """All that was placed on maps of this pilot, by hand or from a folder that is watched, the newest last."""
    limits = bounds(pilot_id).drift
    with database().session(who.here()) as db:
        kept = placements.of_pilot(db, pilot_id)
    every = [_by_hand(one, limits) for one in kept]
    for id_, view in found.views.items():
        every += _watched(id_, found.specs[id_], view.fingerprint, limits, store().n_told(view.fingerprint))
    return sorted(every, key=lambda one: one.at)


def _by_hand(one: Placement, limits: Limits) -> Checked:
    spec = PlacedSpec.from_json(one.spec)
    made: Placed | None = known.made(spec)
    judged = None if made is None else drift.judge(made.found, limits)
    return Checked(one.id, one.view_id, one.created_at, spec, made and made.found, judged)


@lru_cache(maxsize=64)  # maps: 9,000 files, one an hour for a year, take a second to read
def _watched(id_: str, view: ViewSpec, fingerprint: str, limits: Limits, _n_told: int) -> tuple[Checked, ...]:
    """What came into a folder that is watched for one map."""
    return tuple(_came(id_, view, one, limits) for one in watching.journal(fingerprint, store()))


def _came(id_: str, view: ViewSpec, one: Seen, limits: Limits) -> Checked:
    spec = None if one.source is None else PlacedSpec(view, (one.source,))
    judged = None if one.found is None else drift.judge(one.found, limits)
    return Checked(one.placed, id_, one.at, spec, one.found, judged, one.file, one.error)


def verdict(one: Checked, say: Say) -> str:
    if one.error is not None:
        return together(_("It could not be placed."), say(one.error.problem, one.error.facts))
    return _("not known") if one.judged is None else _(drift.VERDICTS[one.judged.state])


def files_of(one: Checked, here: Sequence[Dataset]) -> str:
    """The names of the new files, as they are."""
    names = {each.sha256: each.file_name for each in here}
    sources = () if one.spec is None else one.spec.sources
    return one.file or listed(names.get(each.sha256, each.sha256[:8]) for each in sources)


def way(one: Checked) -> str:
    return _("watched folder") if one.file else _("by hand")


def row(one: Checked, name: str, here: Sequence[Dataset], say: Say) -> dict[str, str]:
    return {
        _("when"): moment_of(one.at),
        _("new data"): say("{files}", {"files": files_of(one, here)}),
        _("placed"): way(one),
        _("map"): name,
        _("does the map still fit?"): verdict(one, say),
    }


def left_out(n: int) -> str:
    """What stands below a list of SHOWN; "": it is whole."""
    more = n - SHOWN
    words = ngettext("{n} older one is not listed.", "{n} older ones are not listed.", more).format(n=f"{more:,}")
    return together(words, _("All are in the tables to take along.")) if more > 0 else ""


# --- what people say, over time


@dataclass(frozen=True, slots=True)
class Again:
    """What people say of one map when they are asked again."""

    asked: Sequence[datetime]  # when each study that has scores of it was opened, oldest first
    change: Contrast | None  # since the first of them, its p raised for all maps; None: there is only one
    lasting: Lasting


def again(current: Pilot, found: Known) -> dict[str, Again]:
    """Of each map that was rated, by its id."""
    by_study = _by_study(current, found)
    changes = lasting.changes([answers for _study, answers in by_study])
    p, fall = adjusted(changes), bounds(current.id).fall
    told = {}
    for view in (id_ for id_ in found.views if found.rated(id_) is not None):
        asked = [study.opened_at for study, answers in by_study if _has_scores(answers, view)]
        change = Contrast(changes[view].size, p[view]) if view in changes else None
        told[view] = Again(asked, change, lasting.judge(change, fall))
    return told


def _by_study(current: Pilot, found: Known) -> list[tuple[Study, list[Answer]]]:
    """The pilot's answers, oldest first; who gave the same name is one person."""
    with database().session(who.here()) as db:
        asked = studies.of_pilot(db, current.id)[::-1]
        items = [{one.id for one in studies.items(db, study.id)} for study in asked]
    return [(study, [one for one in found.answers if one.item in ids]) for study, ids in zip(asked, items, strict=True)]


def _has_scores(answers: Sequence[Answer], view: str) -> bool:
    return any(one.kind == "view" and one.view == view and one.score is not None for one in answers)


def opinions(found: Known, told: Mapping[str, Again]) -> None:
    """Of each map that was rated, whether they last."""
    st.markdown(f"#### {_('Do people still find it as clear?')}")
    if not told:
        st.caption(_("Nobody has rated a map yet."))
        return
    st.markdown("\n".join(f"- {line}" for line in _said(found, told, fill)))


def _said(found: Known, told: Mapping[str, Again], say: Say) -> Iterator[str]:
    """A line for all maps of which the same is to be said."""
    names: dict[str, list[str]] = {}
    for view, one in told.items():
        names.setdefault(say(one.lasting.because.message, one.lasting.because.facts), []).append(found.name(view))
    for words, maps in names.items():
        yield f"{listed(maps)}: {words}"


def opinions_in_numbers(found: Known, told: Mapping[str, Again]) -> None:
    rows = [
        {
            _("map"): found.name(view),
            _("first asked"): moment_of(one.asked[0]),
            _("last asked"): moment_of(one.asked[-1]),
            _("people"): one.change.size.n_raters,
            _("change (steps)"): ranged(one.change.size, "+.1f"),
            _("p (Holm)"): p_of(one.change.p),
        }
        for view, one in told.items()
        if one.change is not None
    ]
    if rows:
        with st.expander(_("Details: first and last ratings"), key="opinions"):
            st.table(pd.DataFrame(rows), hide_index=True)
            st.caption(
                _(
                    "People who gave the same name both times are compared with themselves; where fewer than two did, "
                    "all people are."
                )
            )


# --- for other screens, and for paper


def alerts(current: Pilot, found: Known) -> list[str]:
    """What somebody has to see to, ready for Markdown: of each map the newest data, and what people now say."""
    return list(_alerts(current, found, checked(current.id, found), fill))


def _alerts(current: Pilot, found: Known, placed: Sequence[Checked], say: Say) -> Iterator[str]:
    for view, one in {one.view_id: one for one in placed if one.error is None}.items():
        if one.judged is not None and one.judged.state in ("watch", "ask again"):
            because = one.judged.because[0]
            what = together(verdict(one, say), say(because.message, because.facts))
            words = _("{map}, new data placed on {at}: {what}")
            yield words.format(map=found.name(view), at=moment_of(one.at), what=what)
    yield from _refused(found, placed, say)
    for view, told in again(current, found).items():
        if told.lasting.state == "less clear":
            what = say(told.lasting.because.message, told.lasting.because.facts)
            words = _("{map}, people asked again on {at}: {what}")
            yield words.format(map=found.name(view), at=moment_of(told.asked[-1]), what=what)


def _refused(found: Known, placed: Sequence[Checked], say: Say) -> Iterator[str]:
    """The newest file of the folder that is watched, where it could not be placed: a line for all maps that lack it."""
    maps: dict[str, list[str]] = {}
    for view, one in {one.view_id: one for one in placed if one.file}.items():
        if one.error is not None:
            came = {"file": one.file, "at": moment_of(one.at)}
            words = say(N_("the file “{file}”, which came into the watched folder on {at}, could not be placed."), came)
            why = (say(part, one.error.facts) for part in (one.error.problem, one.error.remedy))
            maps.setdefault(together(words, *why), []).append(found.name(view))
    for what, names in maps.items():
        yield f"{listed(names)}: {what}"


def told(current: Pilot, found: Known) -> list[Block]:
    """The same for paper, where nothing is Markdown, and all that is no alert too."""
    with database().session(who.here()) as db:
        here = datasets.of_pilot(db, current.id)
    blocks: list[Block] = []
    placed = checked(current.id, found)
    if placed:
        rows = [row(one, found.name(one.view_id), here, bare) for one in placed[-SHOWN:]]
        blocks.append(Grid([list(rows[0]), *(list(one.values()) for one in rows)], left_out(len(placed))))
    else:
        blocks.append(Paragraphs([_("No new data were placed on a map yet.")]))
    lines = list(_alerts(current, found, placed, bare))
    others = {view: one for view, one in again(current, found).items() if one.lasting.state != "less clear"}
    lines += _said(found, others, bare)
    return [*blocks, Bullets(lines)] if lines else blocks
