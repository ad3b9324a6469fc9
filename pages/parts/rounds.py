"""Round by round: which maps were kept, what was changed, and what came of it, good or bad."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd
import streamlit as st

from core import evidence
from core.document import Block, Grid, Paragraphs
from core.encoders import HUB, EncoderSpec
from core.errors import N_
from core.evidence import OUTCOMES, Outcome, Part, Placed
from core.opinions import Contrast, Opinion, Range
from core.projection import ProjectionSpec
from core.studies import FACTORS, Factor
from core.tellings import adjusted, ranged
from core.views import ViewSpec
from pages.parts import models, steps
from pages.parts.beside import cell, loss_range, places, quadrant, unbroken
from pages.parts.known import Known
from pages.parts.reading import people
from pages.parts.text import _, listed, ngettext, plain, together

DRAWING = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP", "pacmap": "PaCMAP", "trained": N_("Trained map")}
PARTS: dict[Part, str] = {"error": N_("reconstruction error"), "clarity": N_("understandability")}
FORETOLD: dict[Part, str] = {
    "error": N_(
        "Expected of the error, which is on the screen when a map is kept: {yes} came true, {no} did not, {open} "
        "cannot be told."
    ),
    "clarity": N_("Expected of understandability: {yes} came true, {no} did not, {open} cannot be told."),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What one map is next to the earlier one that it came from."""

    before: str
    clarity: Contrast  # its p raised for all changes of the pilot
    place: Placed | None
    came_true: Mapping[Part, Outcome]  # of what was expected


def history(known: Known, this_round: int) -> None:
    """A table a round, the newest first; what came to nothing stays in it."""
    st.markdown(f"#### {_('What was changed, and what came of it')}")
    changes = _changes(known)
    for words in _counted(changes):
        st.markdown(words)
    for number in range(this_round, 0, -1):
        kept = [id_ for id_, one in known.views.items() if one.round == number]
        said = [_("Round {n}").format(n=number), ngettext("{n} map", "{n} maps", len(kept)).format(n=len(kept))]
        asked = {one.rater for one in known.answers if one.view in kept}
        with st.expander(" · ".join([*said, people(len(asked))]), expanded=number == this_round, key=f"round-{number}"):
            if kept:
                st.table(pd.DataFrame([_on_screen(known, id_, changes) for id_ in kept]), hide_index=True)
                _foretold(known, kept, changes)
            else:
                st.caption(_("No map was kept in this round."))
    st.caption(_about(known))


def told(known: Known) -> list[Block]:
    """The same for the report: what was tried, and what came of it."""
    heads = [
        *(_("reconstruction error"), _("understandability (1–5)"), _("quiz right"), _("seconds for the quiz")),
        _("what came of it"),
    ]
    tried = [_("map"), _("round"), _("what was changed"), _("why"), _("expected"), _("came true")]
    grids = [Grid(columns(known, tried)), Grid(columns(known, [_("map"), *heads]), _about(known))]
    return [Paragraphs(counted(known)), *grids]


def counted(known: Known) -> list[str]:
    """How often a change did what, and how often that was expected."""
    return _counted(_changes(known))


def columns(known: Known, heads: Sequence[str]) -> list[list[str]]:
    """These of all that is told of each map, the heads first."""
    changes = _changes(known)
    rows = [
        {_("round"): str(one.round)} | _row(known, id_, changes) | _said(known, id_, changes)
        for id_, one in known.views.items()
    ]
    return [list(heads), *([row[head] for head in heads] for row in rows)]


def _changes(known: Known) -> dict[str, Change]:
    """Of every map but the first."""
    of_round = {id_: one.round for id_, one in known.views.items()}
    befores = evidence.came_from(known.specs, of_round, known.trained)
    found = {id_: evidence.clearer(known.answers, id_, before) for id_, before in befores.items()}
    p, place = adjusted(found), places(known, befores)
    clarity = {id_: Contrast(one.size, p[id_]) for id_, one in found.items()}
    return {
        id_: Change(before, clarity[id_], place[id_], _came_true(known, (before, id_), clarity[id_]))
        for id_, before in befores.items()
    }


def _came_true(known: Known, pair: tuple[str, str], clarity: Contrast) -> dict[Part, Outcome]:
    before, after = map(known.losses.get, pair)
    change = None if before is None or after is None else evidence.change(before, after)
    return evidence.came_true(known.views[pair[1]].expects or {}, change, clarity)


def _counted(changes: Mapping[str, Change]) -> list[str]:
    """How often a change did what, and how often that was expected."""
    if not changes:
        return [_("Nothing was changed yet: change one thing, keep that map too, and ask again.")]
    found = evidence.tally(one.clarity for one in changes.values())
    said = _(
        "Changes so far: {n}. Clearer beyond chance: {clearer}; less clear beyond chance: {less}; cannot be told: "
        "{open}; not rated yet: {not_asked}."
    ).format(
        n=found.n,
        clearer=found.n_clearer,
        less=found.n_less_clear,
        open=found.n_cannot_tell,
        not_asked=found.n_not_asked,
    )
    outcomes = {part: [c.came_true[part] for c in changes.values() if part in c.came_true] for part in FORETOLD}
    return [said] + [
        _(FORETOLD[part]).format(yes=each.count("yes"), no=each.count("no"), open=each.count("cannot be told"))
        for part, each in outcomes.items()
        if each
    ]


def _about(known: Known) -> str:
    """How to read it."""
    words = _(
        "Each map is set against the earlier one that it came from, or is most like. In brackets: the range of "
        "uncertainty (95 %) of the later number. Beyond chance is counted over all changes of the pilot (Holm)."
    )
    if not any(one.expects for one in known.views.values()):
        return words
    when_true = _(
        "More or less counts beyond chance only; that nothing changes came true where the whole range lies within "
        "±{error:.0%} of the error, or within ±{steps:g} steps of understandability."
    )
    alike = evidence.ALIKE_WITHIN
    return together(words, when_true.format(error=alike["error"], steps=alike["clarity"]))


# --- map by map


def _on_screen(known: Known, id_: str, changes: Mapping[str, Change]) -> dict[str, str]:
    """A row of the table: no number is torn apart, and no word is taken for Markdown."""
    name, changed, *numbers, came = _row(known, id_, changes).items()
    shown = [(name[0], unbroken(name[1])), (changed[0], plain(changed[1]))]
    return dict([*shown, *((head, cell(number)) for head, number in numbers), came])


def _row(known: Known, id_: str, changes: Mapping[str, Change]) -> dict[str, str]:
    this = changes.get(id_)
    ids = (id_,) if this is None else (this.before, id_)
    opinions = [known.opinions.get(one) for one in ids]

    def of_opinions(number: Callable[[Opinion], Range]) -> list[Range | None]:
        return [None if one is None else number(one) for one in opinions]

    lost = [known.losses.get(one) for one in ids]
    return {
        _("map"): known.name(id_),
        _("what was changed"): _("the first map") if this is None else _changed(known, this.before, id_),
        _("reconstruction error"): _from_to([None if one is None else loss_range(one[0]) for one in lost], ".3f"),
        _("understandability (1–5)"): _from_to(of_opinions(lambda one: one.understandability), ".1f"),
        _("quiz right"): _from_to(of_opinions(lambda one: one.accuracy), ".0%"),
        _("seconds for the quiz"): _from_to(of_opinions(lambda one: one.quiz_seconds), ".0f"),
        _("what came of it"): quadrant(None if this is None else this.place),
    }


def _foretold(known: Known, kept: Sequence[str], changes: Mapping[str, Change]) -> None:
    """What was said of these maps when they were kept, where something was."""
    said = [id_ for id_ in kept if known.views[id_].why or known.views[id_].expects]
    if said:
        rows = [
            {_("map"): unbroken(known.name(id_))}
            | {head: plain(words) for head, words in _said(known, id_, changes).items()}
            for id_ in said
        ]
        st.table(pd.DataFrame(rows), hide_index=True)


def _said(known: Known, id_: str, changes: Mapping[str, Change]) -> dict[str, str]:
    one, came = known.views[id_], changes[id_].came_true if id_ in changes else {}
    expects = [f"{_(PARTS[part])}: {_(evidence.EXPECTED[part][code])}" for part, code in (one.expects or {}).items()]
    return {
        _("why"): one.why or "–",
        _("expected"): listed(expects) or "–",
        _("came true"): listed(f"{_(PARTS[part])}: {_(OUTCOMES[found])}" for part, found in came.items()) or "–",
    }


def _from_to(each: Sequence[Range | None], form: str) -> str:
    """The later number with its range, after the earlier one where there is one."""
    *before, now = ["–" if one is None else ranged(one, form) for one in each]
    was = [words.split(" ")[0] for words in before]
    return " → ".join([*was, now]) if {*was, now} != {"–"} else "–"


# --- what was changed, in words


def _changed(known: Known, before: str, after: str) -> str:
    old, new = known.specs[before], known.specs[after]
    each = [_part(known, part, (old, new)) for part in evidence.changed(old, new)]
    return _("{changes} (against {map})").format(changes=listed(each), map=known.name(before))


def _part(known: Known, part: Factor | Literal["data"], pair: tuple[ViewSpec, ViewSpec]) -> str:
    """What was there before and after, without what is in both."""
    if part == "data":
        return _("other data")
    old, new = [worded(known, part, one) for one in pair]
    if old == new:
        return f"{_(FACTORS[part])}: " + _("{what}, in its details").format(what=" · ".join(old))
    own = [[words for words in mine if words not in theirs] for mine, theirs in ((old, new), (new, old))]
    return f"{_(FACTORS[part])}: " + " → ".join(" · ".join(words) or "–" for words in own)


def worded(known: Known, part: Factor, spec: ViewSpec) -> list[str]:
    """One part of what makes a map."""
    if part == "preparation":
        return [*map(steps.said, spec.recipe.steps), steps.in_short(replace(spec.recipe, steps=()))]
    return _model(spec.encoder, known) if part == "model" else _drawing(spec.projection)


def _model(one: EncoderSpec, known: Known) -> list[str]:
    sizes = {name: size for size, name in HUB.items()}
    code = one.kind if one.kind != "moment" else sizes.get(one.source, models.FOLDER)
    if one.source in known.trainings:
        number, _spec = known.trainings[one.source]
        code = f"{models.RUN}{number}"
    details = [_(models.SIDES[side]) for side in one.side]
    details += [_(models.ADAPT[one.adapt])] if one.adapt else []
    details += [_("all, side by side")] if one.join == "concat" else []
    return [models.name_of(code), *details, *([one.channel] if one.channel else [])]


def _drawing(one: ProjectionSpec) -> list[str]:
    details = [_("{n} neighbours").format(n=one.neighbours)] if one.neighbours else []
    details += [_("stopped after {n}").format(n=one.stopped_after)] if one.stopped_after else []
    return [_(DRAWING[one.method]), *details]
