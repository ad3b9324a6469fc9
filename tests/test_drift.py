"""What is alike raises no alarm more often than chance may, what differs does, and the judgement says why."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom, ks_2samp

from core import shifts
from core.drift import Data, Drift, Limits, compared, embeddings, inputs, judge, outside
from core.errors import UserError
from core.recipes import Recipe, Windows, WindowSpec, cut
from core.recognition import Where
from core.series import Series
from core.shifts import Shift

LENGTH, STRIDE = 32, 8


def noise(seed: int, n: int, memory: float = 0.9) -> np.ndarray:
    """AR(1) of variance 1."""
    white = np.random.default_rng(seed).normal(size=n + 500)
    return lfilter([np.sqrt(1 - memory**2)], [1, -memory], white)[500:]


def windows(*channels: np.ndarray, stride: int = STRIDE) -> Windows:
    names = tuple("abcdefgh"[: len(channels)])
    return cut(
        [Series(None, None, np.column_stack(channels), names, None)], Recipe((), 1.0, WindowSpec(LENGTH, stride))
    )


def data(*channels: np.ndarray) -> Data:
    """As a model would see it that sees the waveform itself."""
    here = windows(*channels)
    return Data(here, here.values().reshape(len(here), -1))


def known(new: Data, old: Data) -> Drift:
    return compared(old, new)[0]


OLD = data(noise(1, 6000), noise(2, 6000))
SAME = known(data(noise(3, 2000), noise(4, 2000)), OLD)


def by_name(found: Drift) -> dict[tuple[str, str], Shift]:
    return {(one.name, one.what): one for one in found.inputs}


def said(found: Drift, limits: Limits | None = None) -> str:
    return " ".join(one.message.format(**one.facts) for one in judge(found, limits or Limits()).because)


# --- chance


def test_where_nothing_has_changed_alarms_come_as_rarely_as_they_should(monkeypatch):
    """Recordings whose windows overlap and whose samples remember 10 others."""
    monkeypatch.setattr(shifts, "MOST", 150)
    monkeypatch.setattr(shifts, "N_DEALT", 199)
    found = [known(data(noise(2 * i, 1600)), data(noise(2 * i + 1, 4000))) for i in range(50)]
    most = binom.ppf(0.999, len(found), 0.05)
    assert sum(min(one.p for one in each.inputs) <= 0.05 for each in found) <= most
    assert sum(each.embedding.p <= 0.05 for each in found) <= most
    assert sum(each.outside_p <= 0.05 for each in found) <= most
    assert sum(judge(each, Limits()).state == "ask again" for each in found) <= binom.ppf(0.999, len(found), 0.02)
    assert abs(np.mean([each.embedding.value for each in found])) < 0.01  # 0 is no difference
    share, expected = (np.mean([getattr(each, name) for each in found]) for name in ("outside", "expected"))
    assert share == pytest.approx(expected, abs=0.015)


def test_single_windows_instead_of_blocks_would_cry_wolf():
    alarms = []
    for i in range(20):
        one, other = windows(noise(2 * i, 2000)), windows(noise(2 * i + 1, 6000))
        alarms.append(ks_2samp(*(each.values()[:, 0].mean(axis=1) for each in (one, other))).pvalue <= 0.05)
    assert np.mean(alarms) > 0.25


def test_recordings_that_wander_for_longer_than_a_block_raise_hardly_more_alarms(monkeypatch):
    """Samples remember 200 others, in blocks of 250: without allowing for neighbours, twice as many alarms."""
    monkeypatch.setattr(shifts, "MOST", 150)
    monkeypatch.setattr(shifts, "N_DEALT", 199)
    pairs = [(data(noise(2 * i, 2000, 0.995)), data(noise(2 * i + 1, 6000, 0.995))) for i in range(30)]
    p = [embeddings(old.vectors, new.vectors, old.where, new.where).p for new, old in pairs]
    assert sum(one <= 0.05 for one in p) <= binom.ppf(0.999, len(pairs), 0.08)


@pytest.mark.parametrize("common", [0.0, 0.3, 0.6])
def test_what_neighbouring_blocks_have_in_common_tells_how_far_a_mean_varies(common):
    """The variance of means of 10 values in a row against a tenth of the variance of one."""
    values = noise(7, 20_000, common)
    rows = np.arange(2000)[:, None]
    blocks = shifts._Blocks(rows[:-10], rows[:10])
    told = np.mean([blocks.wandering(np.outer(x, x)) for x in values.reshape(10, -1)])
    assert told == pytest.approx(10 * values.reshape(-1, 10).mean(axis=1).var(), rel=0.1)


def test_blocks_share_no_samples_and_are_about_as_long():
    blocks = shifts._blocks(OLD.where, data(noise(3, 2000)).where)
    assert (len(blocks.new), len(blocks.old)) == (8, 24)
    for rows, where in ((blocks.old, OLD.where), (blocks.new, data(noise(3, 2000)).where)):
        first, last = where.start[rows[:, 0]], where.start[rows[:, -1]] + LENGTH
        assert (first[1:] >= last[:-1]).all()


def test_the_same_data_and_seed_give_the_same_numbers():
    assert known(data(noise(3, 2000), noise(4, 2000)), OLD) == SAME


# --- what was recorded


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda x: x + 2, "level"),
        (lambda x: 3 * x, "spread"),
        (lambda x: noise(4, len(x), 0.3), "shape"),
    ],
    ids=["level", "spread", "shape"],
)
def test_the_channel_that_changed_is_named_and_the_other_is_not(change, what):
    found = by_name(known(data(noise(3, 2000), change(noise(4, 2000))), OLD))
    assert found["b", what].p <= 0.01
    assert min(found["a", one].p for one in shifts.TRAITS) > 0.05


def test_the_distance_is_kolmogorov_and_smirnovs():
    old, new = windows(noise(5, 4000), stride=LENGTH), windows(noise(6, 4000) + 0.5, stride=LENGTH)
    blocks = shifts._blocks(*(Where(one.series, one.start, one.length) for one in (old, new)))
    [level] = [one for one in inputs(old, new) if one.what == "level"]
    means = [one.values(rows.ravel())[:, 0].mean(axis=1) for one, rows in ((old, blocks.old), (new, blocks.new))]
    assert level.value == pytest.approx(ks_2samp(*means).statistic)
    assert (level.before, level.after) == pytest.approx([np.median(one) for one in means])


def test_a_channel_that_stands_still_in_both_has_not_changed():
    still = [data(noise(seed, n), np.full(n, 7.0)) for seed, n in ((3, 2000), (1, 6000))]
    found = by_name(known(*still))
    for what in shifts.TRAITS:
        assert (found["b", what].value, found["b", what].p) == (pytest.approx(0), 1)


# --- what the model makes of it


def test_vectors_that_are_moved_differ_and_the_more_the_farther():
    values = [known(data(noise(3, 2000) + by, noise(4, 2000)), OLD).embedding for by in (0.5, 1, 2)]
    assert [one.p <= 0.01 for one in values] == [True] * 3
    assert 0 < values[0].value < values[1].value < values[2].value < 2


def test_the_value_is_that_of_two_normal_distributions():
    """Kernel of width w: 2 (1 + 2 / w²)^(-d / 2) (1 - exp(-m² / (2 w² + 4))) for means m apart and variance 1."""
    rng, d, m = np.random.default_rng(0), 4, 1.5
    old, new = rng.normal(size=(800, d)), rng.normal(size=(800, d)) + m * np.eye(d)[0]
    where = Where(np.zeros(800, int), np.arange(800) * LENGTH, LENGTH)
    both = np.concatenate([old, new])
    width = np.median(((both[:, None] - both) ** 2).sum(axis=2)[np.triu_indices(1600, 1)])
    expected = 2 * (1 + 2 / width) ** (-d / 2) * (1 - np.exp(-(m**2) / (2 * width + 4)))
    assert embeddings(old, new, where, where).value == pytest.approx(expected, abs=0.02)


# --- where nobody has been


def test_what_lies_among_the_old_is_inside_and_what_lies_far_off_is_outside():
    old = np.random.default_rng(0).normal(size=(400, 3))
    new = np.concatenate([old[::10], old[::10] + 10])
    where = Where(np.zeros(400, int), np.arange(400) * LENGTH, LENGTH)
    found = outside(old, new, where, Where(np.zeros(80, int), np.arange(80) * LENGTH, LENGTH))
    assert found.rows[:40].mean() < 0.1
    assert found.rows[40:].all()
    assert found.p <= 0.01


def test_windows_that_overlap_do_not_make_the_region_tight():
    """Of windows with a stride of 1, the nearest are their neighbours in time; new ones have none."""
    old, new = (windows(noise(seed, 1500), stride=1) for seed in (1, 2))
    vectors = [one.values()[:, 0] for one in (old, new)]
    found = outside(*vectors, *(Where(one.series, one.start, one.length) for one in (old, new)))
    assert found.rows.mean() < 0.05
    assert found.expected < 0.05


# --- what to do about it


def test_what_is_alike_fits():
    assert judge(SAME, Limits()).state == "fits"
    assert "In 62 stretches that share no samples, nothing differs much" in said(SAME)


def test_what_only_its_units_tell_is_watched():
    """A model that sees no level, and a level that has changed."""
    level = by_name(known(data(noise(3, 2000) + 2, noise(4, 2000)), OLD))
    found = replace(SAME, inputs=tuple(level.values()))
    assert judge(found, Limits()).state == "watch"
    assert "a: the level is higher than in the pilot" in said(found)


def test_the_reason_to_ask_again_comes_before_what_has_changed():
    found = known(data(noise(3, 2000) + 5, noise(4, 2000)), OLD)
    state, because = judge(found, Limits()).state, said(found)
    assert state == "ask again"
    assert (
        because.index("look like nothing in the pilot") < because.index("For the model") < because.index("a: the level")
    )


@pytest.mark.parametrize(
    ("other", "state"),
    [
        ({"outside": 0.2, "outside_p": 0.001}, "ask again"),
        ({"outside": 0.2, "outside_p": 0.2}, "cannot tell"),  # chance may do that, and so may a change
        ({"outside": 0.04, "outside_p": 0.001}, "fits"),  # sure, and no matter
        ({"embedding": Shift("", "model", 0.2, 0.001)}, "ask again"),
        ({"embedding": Shift("", "model", 0.01, 0.001)}, "fits"),
        (
            {"embedding": Shift("", "model", 0.2, 0.04), "outside_p": 0.5},
            "cannot tell",
        ),  # one of two
        ({"inputs": (Shift("a", "level", 0.5, 0.001, 1.0, 2.0),)}, "watch"),
        ({"inputs": (Shift("a", "level", 0.1, 0.001, 1.0, 2.0),)}, "fits"),
        ({"inputs": (Shift("a", "level", 0.5, 0.2, 1.0, 2.0),)}, "fits"),
    ],
)
def test_an_alarm_takes_both_size_and_certainty(other, state):
    alike = replace(SAME, inputs=(), embedding=Shift("", "model", 0.0, 0.5), outside=0.01, outside_p=0.5)
    assert judge(replace(alike, **other), Limits()).state == state


@pytest.mark.parametrize(("n_old", "n_new", "who"), [(6000, 600, "new"), (600, 6000, "pilot's")])
def test_too_little_data_cannot_tell_and_says_whose(n_old, n_new, who):
    found = known(data(noise(3, n_new) + 9), data(noise(1, n_old)))
    assert judge(found, Limits()).state == "cannot tell"
    assert (found.inputs, found.embedding.value, found.embedding.p, found.outside_p) == ((), None, None, None)
    assert f"The {who} data are too short to tell: 18 stretches" in said(found)


def test_where_little_is_new_it_is_still_seen_that_it_is_outside():
    assert known(data(noise(3, 600) + 9, noise(4, 600)), OLD).outside == 1


@pytest.mark.parametrize("limit", [{"outside": 1.2}, {"model": -0.1}, {"inputs": 2}, {"p": 0}])
def test_a_limit_that_makes_no_sense_is_refused(limit):
    with pytest.raises(UserError, match="makes no sense"):
        Limits(**limit)


@pytest.mark.parametrize("found", [SAME, known(data(noise(3, 300), noise(4, 300)), OLD)])
def test_what_is_known_survives_json(found):
    assert Drift.from_json(found.to_json()) == found
