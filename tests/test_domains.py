"""Domains are told apart where they differ, and only there; mixing that costs meaning shows as such."""

import numpy as np
import pytest

from core import domains
from core.domains import ONE_DOMAIN, Apart, apart, centred, coral
from core.notices import Notice
from core.recognition import FEWEST_APART, TOO_FEW, Where, label_hits

LENGTH = 32


def recordings(each: int = 120, n_domains: int = 2, stride: int = 16, d: int = 8, seed: int = 0):
    """Vectors, domains and places: means of white noise over the samples of windows, so that overlapping are alike."""
    white = np.random.default_rng(seed).normal(size=(n_domains, each * stride + LENGTH, d))
    sums = np.concatenate([np.zeros((n_domains, 1, d)), white.cumsum(axis=1)], axis=1)
    series, start = np.repeat(np.arange(n_domains), each), np.tile(np.arange(each) * stride, n_domains)
    return (sums[series, start + LENGTH] - sums[series, start]) / np.sqrt(LENGTH), series, Where(series, start, LENGTH)


def regimes(where: Where, run: int = 6) -> np.ndarray:
    """Labels in runs, of lengths by lot, as often in each domain."""
    lengths = np.random.default_rng(5).integers(1, 2 * run, len(where.start))
    return np.repeat(np.resize(["a", "b"], len(lengths)), lengths)[: len(where.start)]


def recognised(x: np.ndarray, labels: np.ndarray, where: Where) -> float:
    return label_hits(x, labels, where).nearest_balanced.value


def distorted(x: np.ndarray, domain: np.ndarray) -> np.ndarray:
    """Domain 1 is shifted, larger and sheared."""
    d = x.shape[1]
    shear = np.eye(d) + 0.8 * np.random.default_rng(9).normal(size=(d, d)) / np.sqrt(d)
    return np.where((domain == 1)[:, None], 2 * x @ shear + 3, x)


# --- told apart


@pytest.mark.parametrize(("each", "n_domains", "seed"), [(120, 2, 0), (120, 2, 1), (80, 3, 2)])
def test_domains_of_one_distribution_are_not_told_apart(each, n_domains, seed):
    found = apart(*recordings(each, n_domains, seed=seed))
    assert found.auc.low < 0.5 < found.auc.high
    assert found.mmd < found.mmd_chance
    assert found.mixing == pytest.approx(1, abs=0.12)
    assert found.mixing > found.mixing_chance
    assert (found.domains, found.n) == (tuple(range(n_domains)), each * n_domains)


@pytest.mark.parametrize("n_domains", [2, 3])
def test_domains_that_lie_apart_are_told_apart(n_domains):
    x, domain, where = recordings(80, n_domains)
    found = apart(x + 8 * np.eye(8)[domain], domain, where)
    assert found.auc.value > 0.99
    assert found.mmd > 2 * max(found.mmd_chance, 0.01)
    assert found.mixing < 0.05 < found.mixing_chance


def test_the_farther_apart_the_clearer():
    x, domain, where = recordings()
    found = [apart(x + by * domain[:, None], domain, where) for by in (0.0, 0.6, 1.5)]
    for name, sign in (("auc", 1), ("mmd", 1), ("mixing", -1)):
        values = [sign * (one.auc.value if name == "auc" else getattr(one, name)) for one in found]
        assert values == sorted(values)
    assert found[1].auc.low > 0.5


def test_what_differs_only_in_spread_is_seen_by_its_distribution_and_not_by_a_line():
    x, domain, where = recordings()
    found = apart(x * (1 + 2 * domain)[:, None], domain, where)
    assert found.mmd > found.mmd_chance
    assert found.auc.low < 0.5 < found.auc.high


def test_no_window_is_asked_about_after_one_that_it_shares_samples_with():
    _x, domain, where = recordings(60, stride=4)
    asked_once = np.zeros(len(domain))
    for seen, asked in domains._folds(domain, where):
        asked_once += asked
        assert set(domain[seen]) == set(domain[asked]) == {0, 1}
        near = np.abs(where.start[seen][:, None] - where.start[asked]) < LENGTH
        assert not (near & (where.series[seen][:, None] == where.series[asked])).any()
    assert (asked_once == 1).all()


def test_the_interval_holds_chance_about_as_often_as_it_says():
    held = []
    for seed in range(60):
        x, domain, where = recordings(80, d=4, seed=100 + seed)
        auc = domains._auc(x, domain, where, domains._blocks(domain, where), None)
        held.append(auc.low <= 0.5 <= auc.high)
    assert np.mean(held) >= 0.85


def test_numbers_are_those_worked_out_one_pair_at_a_time():
    x, domain, where = recordings(40, 3, stride=32)
    x = x + 0.5 * domain[:, None]
    found = apart(x, domain, where)
    far = np.linalg.norm(x[:, None] - x, axis=2)
    kernel = np.exp(-(far**2) / (2 * np.median(far[np.triu_indices(120, 1)]) ** 2))

    def mean(a: int, b: int) -> float:
        part = kernel[domain == a][:, domain == b]
        return part.mean() if a != b else (part.sum() - len(part)) / (len(part) * (len(part) - 1))

    mmds = [mean(a, a) + mean(b, b) - 2 * mean(a, b) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert found.mmd == pytest.approx(np.mean(mmds))
    may = (np.abs(where.start[:, None] - where.start) >= 2 * LENGTH) | (domain[:, None] != domain)
    near = np.where(may, far, np.inf).argsort(axis=1)[:, :10]
    other = (domain[near] != domain[:, None]).mean()
    among_all = np.mean([(domain[may[i]] != domain[i]).mean() for i in range(120)])
    assert found.mixing == pytest.approx(other / among_all)


def test_placements_of_scores_make_the_area_under_the_curve():
    from sklearn.metrics import roc_auc_score

    score, own = np.array([3.0, 1, 1, 2, 0, 2, 5]), np.array([1, 0, 1, 0, 0, 1, 0], bool)
    placed = domains._placed(score, own)
    assert placed[own].mean() == pytest.approx(roc_auc_score(own, score))
    assert placed[~own].mean() == pytest.approx(roc_auc_score(own, score))


def test_many_windows_are_thinned_in_each_domain_alike(monkeypatch):
    x, domain, where = recordings(200)
    monkeypatch.setattr(domains, "MOST", 100)
    ids = np.r_[:150, 200:400]  # one domain has fewer
    found = apart((x + 2 * domain[:, None])[ids], domain[ids], where.of(ids))
    assert found.n == 100
    assert found.auc.value > 0.95
    assert found == apart((x + 2 * domain[:, None])[ids], domain[ids], where.of(ids))


def test_a_domain_with_too_few_windows_is_left_out_and_one_alone_is_not_compared():
    x, domain, where = recordings(60, 3)
    ids = np.r_[:70, 120:180]  # 10 of the second
    found = apart(x[ids], 7 + domain[ids], where.of(ids))
    assert isinstance(found, Apart)
    assert found.domains == (7, 9)
    alone = apart(x[:60], domain[:60], where.of(np.arange(60)))
    assert alone == Notice(ONE_DOMAIN, {})
    few = apart(x[:70], domain[:70], where.of(np.arange(70)))
    assert isinstance(few, Notice)
    assert few.message == TOO_FEW
    assert few.facts["n"] < FEWEST_APART


# --- brought together


@pytest.mark.parametrize("adapted", [centred, coral])
def test_a_shift_goes_and_labels_inside_each_domain_stay(adapted):
    x, domain, where = recordings()
    labels = regimes(where)
    x = x + 4 * (labels == "b")[:, None] * np.eye(8)[0] + 5 * domain[:, None] * np.eye(8)[1]
    before, after = apart(x, domain, where), apart(x, domain, where, adapted=adapted)
    assert before.auc.value > 0.99 > before.mixing_chance > 0.1 > before.mixing
    assert after.auc.low <= 0.5 <= after.auc.high
    assert after.mmd < after.mmd_chance
    assert after.mixing > 0.85
    together = adapted(x, domain)
    assert recognised(together, labels, where) > 0.95
    assert recognised(together, labels, where) > recognised(x, labels, where) - 0.03


@pytest.mark.parametrize("adapted", [centred, coral])
def test_labels_that_go_with_the_domain_go_with_it(adapted):
    """What runs at one site only is what tells the site: mixing is bought, and the price shows."""
    x, domain, where = recordings()
    labels = np.where(np.random.default_rng(3).random(240) < 0.95, domain, 1 - domain).astype(str)
    x = x + 5 * (labels == "1")[:, None]
    together = adapted(x, domain)
    assert apart(x, domain, where).mixing < 0.3
    assert apart(x, domain, where, adapted=adapted).mixing > 0.7
    assert recognised(x, labels, where) > 0.95
    assert recognised(together, labels, where) < 0.8


def test_only_coral_undoes_a_shear():
    """Two domains with the same rest of meaning, seen by sensors that mix it otherwise."""
    x, domain, _where = recordings(200)
    bent = distorted(x, domain)
    cov = [[np.cov(made(bent, domain)[domain == c].T) for c in (0, 1)] for made in (centred, coral)]
    apart_by = [np.linalg.norm(one - other) / np.linalg.norm(one) for one, other in cov]
    assert apart_by[1] < 0.2 * apart_by[0]
    np.testing.assert_allclose([np.diag(one) for one in cov[0][:1]], [np.diag(cov[0][1])])  # centred: spreads alone


@pytest.mark.parametrize("adapted", [centred, coral])
def test_domains_come_to_one_mean_and_to_the_spread_they_have_on_average(adapted):
    x, domain, _where = recordings()
    made = adapted(distorted(x, domain), domain)
    for c in (0, 1):
        np.testing.assert_allclose(made[domain == c].mean(axis=0), 0, atol=1e-9)
    usual = np.mean([distorted(x, domain)[domain == c].var(axis=0).sum() for c in (0, 1)])
    assert made.var(axis=0).sum() == pytest.approx(usual, rel=0.05)
    assert np.linalg.norm(adapted(made, domain) - made) < 0.1 * np.linalg.norm(made)  # there is no more to do


def test_what_was_not_seen_is_moved_the_way_of_what_was():
    x, domain, _where = recordings()
    seen = np.arange(240) % 2 == 0
    bent = distorted(x, domain)
    for adapted in (centred, coral):
        some = bent.copy()
        some[~seen] += 100
        np.testing.assert_allclose(adapted(some, domain, seen)[seen], adapted(bent, domain, seen)[seen])
        assert adapted(some, domain, seen)[~seen].min() > 1
        with pytest.raises(ValueError, match="domain 1"):
            adapted(bent, domain, seen & (domain == 0))


def test_means_taken_of_all_windows_turn_a_classifier_the_wrong_way_round():
    """Why adapted vectors are not to be given: a domain whose windows lie high here lies low everywhere else."""
    found = [apart(centred(x, domain), domain, where).auc.value for x, domain, where in map(of_seed, range(4))]
    honest = [apart(*of_seed(seed), adapted=centred).auc.value for seed in range(4)]
    assert np.mean(found) < 0.35
    assert np.mean(honest) == pytest.approx(0.5, abs=0.08)


def of_seed(seed: int):
    return recordings(60, d=16, seed=seed)


def test_a_direction_that_stands_still_stays_still():
    x, domain, _where = recordings()
    x[:, 3] = 0.1 + domain
    for adapted in (centred, coral):
        made = adapted(x, domain)
        assert np.isfinite(made).all()
        assert np.abs(made[:, 3]).max() < 0.05
