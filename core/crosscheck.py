"""Several pictures of the same windows: on what do they agree, and which groups has the drawing made?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.errors import N_
from core.notices import Notice
from core.quality import common, picture_neighbours
from core.separation import Separation, separate, smallest, visible_groups
from core.series import Bools, Floats, Ints

K = 15  # neighbours
SAME = 2 / 3  # overlap from which on two groups are one; above a half, none is one with either half of itself


@dataclass(frozen=True, slots=True, eq=False)
class CrossCheck:
    """Row i is window i; m pictures; g groups that the model keeps apart, or a picture shows."""

    agreed: Floats  # (n,) mean over pairs of pictures of the neighbours they share: 1 all, 0 what chance shares
    pairs: Floats  # (m, m) the same for each two pictures, mean over windows
    model: Separation  # what is apart in the embedding itself
    groups: Bools  # (g, n) members
    shown: Bools  # (g, m) which pictures show it
    apart: Bools  # (g,) whether the model keeps it apart; if not, the drawing may have made it
    n_maps: Ints  # (n,) pictures that show the group which the window is in for the model; 0 where it is in none
    told: tuple[Notice, ...]


def crosscheck(vectors: Floats, pictures: Sequence[Floats], names: Sequence[str], seed: int = 0) -> CrossCheck:
    """Compare m pictures (n, 2) of an embedding (n, d) with one another, and what they show with what the model sees.

    Pictures of one embedding share its accidents: clumps of noise can appear in all of them. So a group counts when it
    is apart in the embedding, more than chance would have it; see core.separation.
    """
    model = separate(vectors, seed)
    seen = [visible_groups(xy, seed) for xy in pictures]
    groups = smallest(model.nodes)
    n_apart = len(groups)
    for picture in seen:
        groups += [one for one in smallest(picture) if not _is_among(one, [*model.nodes, *groups])]
    shown = np.array([[_is_among(group, picture) for picture in seen] for group in groups], bool)
    shown = shown.reshape(len(groups), len(pictures))
    apart = np.arange(len(groups)) < n_apart
    counts = np.append(shown[apart].sum(axis=1), 0)[model.groups]
    told = (_structure(model), *_on_maps(shown[apart], names), *_made_up(shown[~apart], names))
    members = np.array(groups, bool).reshape(len(groups), len(vectors))
    return CrossCheck(*agreement(pictures), model, members, shown, apart, counts, told)


def agreement(pictures: Sequence[Floats], k: int = K) -> tuple[Floats, Floats]:
    """Neighbourhoods that pictures share, beyond chance: (n,) for each window, and (m, m) for each two pictures.

    (shared - chance) / (1 - chance), as in Cohen's kappa, where any k of n - 1 windows share k / (n - 1) by chance.
    """
    n, m = len(pictures[0]), len(pictures)
    k = max(1, min(k, n // 4))
    near = [picture_neighbours(xy, k) for xy in pictures]
    chance = k / (n - 1)
    pairs, total = np.eye(m), np.zeros(n)
    for i, j in combinations(range(m), 2):
        beyond = (common(near[i], near[j]) / k - chance) / (1 - chance)
        pairs[i, j] = pairs[j, i] = beyond.mean()
        total += beyond
    return total / max(m * (m - 1) // 2, 1), pairs


def overlap(one: Bools, other: Bools) -> float:
    """The share of windows that two groups have in common: 1 all, 0 none.

    Jaccard's index of the groups or of the rest, whichever is less: two groups of nearly all windows are alike only if
    they leave out the same ones.
    """
    both, either = (one & other).sum(), (one | other).sum()
    n = len(one)
    return float(min(both / max(either, 1), (n - either) / max(n - both, 1)))


def renumbered(reference: Ints, other: Ints) -> Ints:
    """`other` (n,) with the numbers of those groups of `reference` that overlap most, so that colours match; -1: none.

    The Hungarian method finds the pairs. Groups without a counterpart get numbers that `reference` does not use.
    """
    from scipy.optimize import linear_sum_assignment

    ours, theirs = (np.unique(groups[groups >= 0]) for groups in (reference, other))
    if not len(theirs):
        return other.copy()
    alike = np.array([[overlap(reference == a, other == b) for b in theirs] for a in ours])
    pairs = zip(*linear_sum_assignment(-alike.reshape(len(ours), len(theirs))), strict=True)
    number = {int(theirs[b]): int(ours[a]) for a, b in pairs if alike[a, b] > 0}
    free = int(ours.max(initial=-1)) + 1
    for group in theirs:
        if int(group) not in number:
            number[int(group)], free = free, free + 1
    return np.array([number.get(int(group), -1) for group in other], np.int64)


def _is_among(group: Bools, nodes: Sequence[Bools] | Bools) -> bool:
    return any(overlap(group, node) >= SAME for node in nodes)


# --- in words


def _structure(model: Separation) -> Notice:
    if model.structure == "groups":
        return Notice(
            N_("Groups of stretches that the model itself keeps apart: {n}."), {"n": len(smallest(model.nodes))}
        )
    if model.structure == "order":
        return Notice(N_("The model sees a gradual order of the stretches, but no separate groups."), {})
    return Notice(N_("No separate groups: for the model, no stretches stand apart more than by chance."), {})


def _on_maps(shown: Bools, names: Sequence[str]) -> list[Notice]:
    """On which maps the model's groups (g, m) can be seen."""
    if len(shown) and shown.all():
        return [Notice(N_("All of them can be seen on every map."), {})]
    told = []
    for which, n in _patterns(shown):
        if which.all():
            told.append(Notice(N_("Of these, seen on every map: {n}."), {"n": n}))
        elif which.any():
            facts = {"n": n, "names": _joined(names, which)}
            told.append(Notice(N_("Of these, seen only on {names}: {n}. The other maps hide them."), facts))
        else:
            told.append(Notice(N_("Of these, seen on no map: {n}."), {"n": n}))
    return told


def _made_up(shown: Bools, names: Sequence[str]) -> list[Notice]:
    """Which maps show other groups (g, m)."""
    message = N_(
        "Other groups, seen only on {names}: {n}. The model does not keep them apart; the drawing may have made them."
    )
    return [Notice(message, {"n": n, "names": _joined(names, which)}) for which, n in _patterns(shown)]


def _patterns(shown: Bools) -> list[tuple[Bools, int]]:
    """Each set of maps that shows the same groups, and how many; the most maps first."""
    which, n = np.unique(shown, axis=0, return_counts=True)
    order = np.argsort(-which.sum(axis=1), kind="stable")
    return [(which[i], int(n[i])) for i in order]


def _joined(names: Sequence[str], which: Bools) -> str:
    return ", ".join(name for name, is_in in zip(names, which, strict=True) if is_in)
