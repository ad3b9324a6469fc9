"""What the ratings of a pilot come to, in one sentence that never says more than they do."""

from core.evidence import Understandability, understandability
from feedback_db.ratings import Rated
from feedback_db.views import View
from pages.parts.text import _, ngettext, together

Summed = list[tuple[View, Understandability]]


def sum_up(kept: list[View], given: list[Rated]) -> Summed:
    return [(one, understandability((r.rater, r.score) for r in given if r.view_id == one.id)) for one in kept]


def sentence(summed: Summed) -> str:
    """What can be said so far, and no more than that."""
    rated = [(one, u) for one, u in summed if u.mean is not None]
    if not rated:
        return _("Nobody has rated a map yet, so nothing can be said about understandability.")
    best, u = max(rated, key=lambda pair: pair[1].mean or 0)
    people = ngettext("{n} person", "{n} people", u.n_raters).format(n=u.n_raters)
    said = (
        _("Map {n} was rated highest so far: {mean:.1f} of 5 by {people}.")
        if len(rated) > 1
        else _("Map {n} was rated {mean:.1f} of 5 by {people}.")
    ).format(n=best.number, mean=u.mean, people=people)
    if any(u.low is None for _view, u in rated):
        return together(said, _("That is too few answers to go by. Ask more people."))
    return together(
        said, _("Compare the ranges of uncertainty before you decide: where they overlap, maps may be equally clear.")
    )
