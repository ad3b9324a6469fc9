from itertools import islice

import numpy as np
from openTSNE import TSNEEmbedding, affinity, initialization
from openTSNE.tsne import kl_divergence_bh

from core.neighbours import nearest
from core.principal import principal
from core.tsne import EARLY, pictures


def test_a_map_is_as_good_as_opentsnes_of_the_same_affinities():
    """Kullback-Leibler divergence: what t-SNE minimises, computed by openTSNE for both and without approximation."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 10)) + 4 * rng.normal(size=(6, 10))[np.arange(300) % 6]
    known, start = nearest(x, 60), principal(x, 2).along(x, 2)
    *_, ours = islice(pictures(known, 20, start, seed=0), EARLY + 500)
    near = affinity.PrecomputedAffinities(
        affinity.joint_probabilities_nn(known.ids, known.distances, [20]), normalize=False
    )
    theirs = TSNEEmbedding(initialization.rescale(start, inplace=False), near, negative_gradient_method="bh")
    theirs = theirs.optimize(EARLY, exaggeration=12, momentum=0.5).optimize(500, momentum=0.8)

    def divergence(xy: np.ndarray) -> float:
        return float(kl_divergence_bh(xy, near.P, 1, {"theta": 0.0}, should_eval_error=True)[0])

    assert divergence(rng.permutation(ours)) > 2 * divergence(ours)
    assert divergence(ours) < 1.02 * divergence(np.asarray(theirs))
