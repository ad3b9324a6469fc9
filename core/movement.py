"""What did change between two embeddings of the same windows: how far they moved, and whether they still lie alike."""

from dataclasses import dataclass

import numpy as np

from core.neighbours import Neighbours, nearest
from core.parallel import Team, one_thread_products
from core.principal import pieces
from core.quality import common
from core.series import Floats

TINY = 1e-9  # of how far from 0 an embedding lies: what varies less does not vary
FEWEST = 4  # windows that the estimate without bias takes


@dataclass(frozen=True, slots=True)
class Movement:
    """From one embedding to another of the same windows."""

    displacement: float | None  # mean distance moved, in spreads of the first: see of_windows; None: it has no spread
    cka: float | None  # 1: alike up to rotation and scale; None: an embedding is the same everywhere
    cka_chance: float | None  # mean of `cka` if rows are shuffled: near 1 where there are more directions than windows
    cka_debiased: float | None  # 1 likewise; 0 by chance, however few the windows, and then as often below it as above
    kept: float  # share of each window's k nearest neighbours that are still among them: 1 all
    chance: float  # of `kept`
    k: int


@dataclass(frozen=True, slots=True)
class Likeness:
    """Linear CKA of two embeddings; None where one of them is the same everywhere."""

    cka: float | None
    chance: float | None
    debiased: float | None  # None also of fewer than four windows


def movement(
    before: Floats, after: Floats, k: int = 10, known: tuple[Neighbours, Neighbours] | None = None
) -> Movement:
    """Of (n, d) embeddings whose rows are the same windows, n > 1.

    Both have the same width, as a model has before and after training: a distance moved means something only between
    coordinates of one meaning. Models of two widths have no such distance, but `likeness` and `kept` take them.

    Args:
        k: neighbours; of few windows fewer, so that keeping them all is no matter of course.
        known: neighbours before and after, where they are at hand.
    """
    if before.shape != after.shape:
        raise ValueError(f"embeddings of shapes {before.shape} and {after.shape}")
    n = len(before)
    k = min(k, max(1, (n - 2) // 2))
    alike, moved = likeness(before, after), float(of_windows(before, after).mean())
    still = kept(before, after, k, known)
    return Movement(
        moved if np.isfinite(moved) else None,
        alike.cka,
        alike.chance,
        alike.debiased,
        float(still.mean()),
        k / (n - 1),
        k,
    )


def of_windows(before: Floats, after: Floats) -> Floats:
    """(n,) how far each window of two (n, d) embeddings moved, 1 being the spread of all before.

    The spread is the root mean square of their distances from their mean. A shift of all windows alike counts, though
    it changes no map. NaN where something moved but all windows were at one place before.
    """
    both = zip(pieces(before), pieces(after), strict=True)
    apart = (np.asarray(new, np.float64) - np.asarray(old, np.float64) for old, new in both)
    moved = np.concatenate([np.sqrt(np.einsum("nd,nd->n", one, one)) for one in apart])
    centre = _centre(before)
    squares = sum(float(np.square(np.asarray(piece, np.float64) - centre).sum()) for piece in pieces(before))
    spread = np.sqrt(squares / len(before))
    unit = float(spread) if spread > TINY * np.abs(centre).max() else np.nan
    return np.where(moved > 0, moved / unit, 0.0)


def kept(before: Floats, after: Floats, k: int = 10, known: tuple[Neighbours, Neighbours] | None = None) -> Floats:
    """(n,) share of each window's k neighbours in (n, d) vectors that are its neighbours in (n, e) ones; k < n."""
    if known is None or min(one.ids.shape[1] for one in known) < k:
        known = nearest(before, k), nearest(after, k)
    return common(known[0].ids[:, :k], known[1].ids[:, :k]) / k


@one_thread_products()
def likeness(one: Floats, other: Floats) -> Likeness:
    """Linear CKA of (n, d) and (n, e) embeddings of the same windows.

    With centred X and Y, |X'Y|² / |X'X| |Y'Y| (Kornblith et al. 2019, "Similarity of neural network representations
    revisited"). If rows are shuffled, the mean of |X'Y|² is tr X'X tr Y'Y / (n - 1): chance is large where there are
    many directions for few windows, 0.7 for 200 windows in 512 equal ones. The debiased value puts the estimator
    HSIC_1 of Song et al. 2012, "Feature selection via dependence maximization", equation 4, in the place of each
    product; the sums below are what is left of it where the data are centred.
    """
    n, columns = len(one), one.shape[1]
    centre, size = np.concatenate([_centre(one), _centre(other)]), np.zeros(3)
    products = np.zeros((len(centre), len(centre)))

    def square(both: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        x = np.empty((len(both[0]), len(centre)))
        sides = x[:, :columns], x[:, columns:]
        for side, piece, middle in zip(sides, both, (centre[:columns], centre[columns:]), strict=True):
            np.subtract(piece, middle, out=side)
        first, second = (np.einsum("nd,nd->n", side, side) for side in sides)
        return x.T @ x, np.array([first @ first, second @ second, first @ second])

    with Team() as team:
        for product, norms in team.map(square, zip(pieces(one), pieces(other), strict=True)):
            products += product
            size += norms
    parts = products[:columns, :columns], products[columns:, columns:], products[:columns, columns:]
    squares = np.array([np.square(part).sum() for part in parts])  # |X'X|², |Y'Y|², |X'Y|²
    total = np.array([np.trace(parts[0]), np.trace(parts[1])])
    level = np.array([np.abs(centre[:columns]).max(), np.abs(centre[columns:]).max()])
    if (np.sqrt(total / n) <= TINY * level).any():
        return Likeness(None, None, None)
    both = np.sqrt(squares[0] * squares[1])
    return Likeness(float(squares[2] / both), float(total.prod() / (n - 1) / both), _debiased(n, squares, size, total))


def _debiased(n: int, squares: Floats, size: Floats, total: Floats) -> float | None:
    """From |X'X|², |Y'Y|² and |X'Y|², the same with squared lengths of rows for products, and the sums of these."""
    if n < FEWEST:
        return None
    sums = np.array([total[0] ** 2, total[1] ** 2, total.prod()])
    own, others, across = squares - size * n / (n - 2) + sums / ((n - 1) * (n - 2))
    spread = np.sqrt(max(own, 0.0) * max(others, 0.0))
    return float(across / spread) if spread > TINY * np.sqrt(squares[0] * squares[1]) else None


def _centre(vectors: Floats) -> Floats:
    total = np.zeros(vectors.shape[1])
    for piece in pieces(vectors):
        total += piece.sum(axis=0, dtype=np.float64)
    return total / len(vectors)
