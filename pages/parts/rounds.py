"""Round by round: which maps were kept, what was changed, and what came of it, good or bad."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import pandas as pd
import streamlit as st

from core import evidence
from core.encoders import HUB, EncoderSpec
from core.evidence import Placed
from core.opinions import Contrast, Opinion, Range
from core.projection import ProjectionSpec
from core.studies import FACTORS, Factor
from core.views import ViewSpec
from pages.parts import models, steps
from pages.parts.beside import cell, loss_range, places, quadrant, unbroken
from pages.parts.known import Known
from pages.parts.reading import adjusted, people, ranged
from pages.parts.text import _, listed, ngettext, plain

DRAWING = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP", "pacmap": "PaCMAP"}


def history(known: Known, this_round: int) -> None:
    """A table a round, the newest first; what came to nothing stays in it."""
    st.markdown(f"#### {_('What was changed, and what came of it')}")
    of_round = {id_: one.round for id_, one in known.views.items()}
    befores = evidence.came_from(known.specs, of_round, known.trained)
    st.markdown(_counted(known, befores))
    found = places(known, befores)
    for number in range(this_round, 0, -1):
        kept = [id_ for id_, its_round in of_round.items() if its_round == number]
        said = [_("Round {n}").format(n=number), ngettext("{n} map", "{n} maps", len(kept)).format(n=len(kept))]
        asked = {one.rater for one in known.answers if one.view in kept}
        with st.expander(" · ".join([*said, people(len(asked))]), expanded=number == this_round, key=f"round-{number}"):
            if kept:
                rows = [_row(known, id_, befores.get(id_), found.get(id_)) for id_ in kept]
                st.table(pd.DataFrame(rows), hide_index=True)
            else:
                st.caption(_("No map was kept in this round."))
    st.caption(
        _(
            "Each map is set against the earlier one that it came from, or is most like. In brackets: the range of "
            "uncertainty (95 %) of the later number. Beyond chance is counted over all changes of the pilot (Holm)."
        )
    )


def _counted(known: Known, befores: Mapping[str, str]) -> str:
    """How often a change did what."""
    clarity = {id_: evidence.clearer(known.answers, id_, before) for id_, before in befores.items()}
    if not clarity:
        return _("Nothing was changed yet: change one thing, keep that map too, and ask again.")
    p = adjusted(clarity)
    found = evidence.tally(Contrast(one.size, p[id_]) for id_, one in clarity.items())
    return _(
        "Changes so far: {n}. Clearer beyond chance: {clearer}; less clear beyond chance: {less}; cannot be told: "
        "{open}; not rated yet: {not_asked}."
    ).format(
        n=found.n,
        clearer=found.n_clearer,
        less=found.n_less_clear,
        open=found.n_cannot_tell,
        not_asked=found.n_not_asked,
    )


def _row(known: Known, id_: str, before: str | None, place: Placed | None) -> dict[str, str]:
    ids = (before, id_) if before is not None else (id_,)
    opinions = [known.opinions.get(one) for one in ids]

    def of_opinions(number: Callable[[Opinion], Range]) -> list[Range | None]:
        return [None if one is None else number(one) for one in opinions]

    lost = [known.losses.get(one) for one in ids]
    return {
        _("map"): unbroken(known.name(id_)),
        _("what was changed"): _("the first map") if before is None else _changed(known, before, id_),
        _("reconstruction error"): _from_to([None if one is None else loss_range(one[0]) for one in lost], ".3f"),
        _("understandability (1–5)"): _from_to(of_opinions(lambda one: one.understandability), ".1f"),
        _("quiz right"): _from_to(of_opinions(lambda one: one.accuracy), ".0%"),
        _("seconds for the quiz"): _from_to(of_opinions(lambda one: one.quiz_seconds), ".0f"),
        _("what came of it"): quadrant(place),
    }


def _from_to(each: Sequence[Range | None], form: str) -> str:
    """The later number with its range, after the earlier one where there is one."""
    *before, now = ["–" if one is None else ranged(one, form) for one in each]
    was = [words.split(" ")[0] for words in before]
    return " → ".join([*was, cell(now)]) if {*was, now} != {"–"} else "–"


# --- what was changed, in words


def _changed(known: Known, before: str, after: str) -> str:
    old, new = known.specs[before], known.specs[after]
    each = [_part(known, part, (old, new)) for part in evidence.changed(old, new)]
    return _("{changes} (against {map})").format(changes=listed(each), map=known.name(before))


def _part(known: Known, part: Factor | Literal["data"], pair: tuple[ViewSpec, ViewSpec]) -> str:
    """What was there before and after, without what is in both."""
    if part == "data":
        return _("other data")
    old, new = [_worded(known, part, one) for one in pair]
    if old == new:
        return f"{_(FACTORS[part])}: " + _("{what}, in its details").format(what=" · ".join(old))
    own = [[words for words in mine if words not in theirs] for mine, theirs in ((old, new), (new, old))]
    return f"{_(FACTORS[part])}: " + " → ".join(" · ".join(words) or "–" for words in own)


def _worded(known: Known, part: Factor, spec: ViewSpec) -> list[str]:
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
    return [models.name_of(code), *details, *([plain(one.channel)] if one.channel else [])]


def _drawing(one: ProjectionSpec) -> list[str]:
    details = [_("{n} neighbours").format(n=one.neighbours)] if one.neighbours else []
    details += [_("stopped after {n}").format(n=one.stopped_after)] if one.stopped_after else []
    return [DRAWING[one.method], *details]
