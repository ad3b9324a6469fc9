"""Studies: who sees which view when."""

from collections.abc import Sequence

import numpy as np

from core.artifacts import fingerprint


def order(view_ids: Sequence[str], seed: int, rater: str) -> list[str]:
    """The views in an order of this rater's own; the same study and rater always give the same order."""
    own = int(fingerprint(seed, rater)[:16], 16)
    return [view_ids[i] for i in np.random.default_rng(own).permutation(len(view_ids))]
