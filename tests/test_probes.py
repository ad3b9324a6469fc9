"""Truths that were planted are read off where they can be seen, and by chance where they cannot."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core import measures, probes
from core.artifacts import Store
from core.encoders import EncoderSpec
from core.probes import (
    KINDS,
    RIDGES,
    ProbeSpec,
    Scores,
    build,
    by_line,
    by_neighbours,
    folds,
    levels,
    load,
    plant,
    readable,
    told,
    without_phases,
)
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.recognition import Where
from core.tables import open_file
from core.views import ViewSpec

LENGTH = 64
torch.set_num_threads(1)  # more would wait for one another longer than such small models take


def line_up(n: int) -> Where:
    return Where(np.zeros(n, int), np.arange(n) * LENGTH, LENGTH)


def noise_windows(n: int = 240, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, channels, LENGTH))


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """Of a recording of noise, by the statistics and by the waveform itself."""
    store = Store(tmp_path_factory.mktemp("store"))
    values = np.random.default_rng(1).normal(size=4800)
    data = ("a,b\n" + "\n".join(f"{i},{v:.5f}" for i, v in enumerate(values))).encode()
    sha = store.keep(data, {})
    reading = replace(open_file(data)[0], channels=("b",), time=None)
    view = ViewSpec(
        (Source(sha, reading),), Recipe(window=WindowSpec(LENGTH, 32)), EncoderSpec("statistics"), ProjectionSpec("pca")
    )
    specs = {kind: ProbeSpec(replace(view, encoder=EncoderSpec(kind))) for kind in ("statistics", "raw", "compact")}

    def of(kind: str) -> probes.Probed:
        build(specs[kind], store, lambda *_: None)
        return load(specs[kind], store)

    return of


def test_every_kind_leaves_shapes_and_truths_as_they_should_be():
    for kind in KINDS:
        planted, truth = plant(noise_windows(), kind, np.random.default_rng(0))
        assert planted.shape == noise_windows().shape
        assert truth.shape == (240,)
        assert len(np.unique(truth)) == {"regime": 3, "anomaly": 2}.get(kind, 240)
        again, same = plant(noise_windows(), kind, np.random.default_rng(0))
        assert (again == planted).all()
        assert (same == truth).all()


def test_a_planted_slope_is_the_slope_of_the_window():
    planted, truth = plant(noise_windows(), "slope", np.random.default_rng(0))
    rise = (planted[:, 0, -8:].mean(axis=1) - planted[:, 0, :8].mean(axis=1)) / noise_windows()[:, 0].std(axis=1)
    assert np.corrcoef(rise, truth)[0, 1] > 0.95


def test_windows_without_their_phases_keep_their_spectrum_and_lose_their_shape():
    ramp = np.linspace(0, 1, LENGTH) * np.ones((50, 1, LENGTH))
    lost = without_phases(ramp, np.random.default_rng(0))
    np.testing.assert_allclose(np.abs(np.fft.rfft(lost)), np.abs(np.fft.rfft(ramp)), atol=1e-9)
    assert np.abs(np.corrcoef(lost[:, 0])[np.triu_indices(50, 1)]).mean() < 0.6


def test_folds_are_unbroken_parts_of_the_recording_and_share_no_samples_with_what_is_learnt_from():
    where = Where(np.repeat([0, 1], 50), np.tile(np.arange(50) * 4, 2), 8)
    parts = folds(where)
    assert np.sum([asked for _seen, asked in parts], axis=0).tolist() == [1] * 100
    for seen, asked in parts:
        assert np.diff(np.flatnonzero(asked)).max() == 1
        apart = np.abs(where.start[seen][:, None] - where.start[asked]) >= 8
        assert (apart | (where.series[seen][:, None] != where.series[asked])).all()
        assert (~seen).sum() <= 22


def test_the_line_is_scikit_learns_ridge():
    """The same regression for each part, by an independent implementation that is given the penalties."""
    from sklearn.linear_model import RidgeCV

    rng = np.random.default_rng(0)
    where = line_up(150)
    points, parts = rng.normal(size=(150, 30)) * np.arange(1, 31), folds(where)
    targets = points[:, :2] / [1, 2] + rng.normal(size=(150, 2)) * [1, 10]
    told = by_line(points, targets, parts)
    for seen, asked in parts:
        x = (points - points[seen].mean(axis=0)) / points[seen].std(axis=0)
        ridge = RidgeCV(RIDGES * seen.sum(), alpha_per_target=True).fit(x[seen], targets[seen])
        np.testing.assert_allclose((told + levels(targets, parts))[asked], ridge.predict(x[asked]), atol=1e-6)


def test_readable_is_scikit_learns_r2_and_balanced_accuracy_beyond_chance():
    from sklearn.metrics import balanced_accuracy_score, r2_score

    rng = np.random.default_rng(0)
    truth, said = rng.normal(size=(2, 90, 1))
    assert readable(said - 0.5, truth, np.full((90, 1), 0.5)) == pytest.approx(r2_score(truth, said))
    classes, guess = rng.integers(0, 3, (2, 90))
    adjusted = balanced_accuracy_score(classes, guess, adjusted=True)
    assert readable(np.eye(3)[guess], np.eye(3)[classes], np.zeros((90, 3))) == pytest.approx(adjusted)


def test_what_lies_on_a_ring_is_read_by_neighbours_and_not_by_a_line():
    """Why a picture is read by its neighbourhoods."""
    truth = np.random.default_rng(0).uniform(-np.pi, np.pi, 200)
    ring, target = np.column_stack([np.cos(truth), np.sin(truth)]), np.cos(2 * truth)[:, None]
    parts = folds(line_up(200))
    usual = levels(target, parts)
    assert readable(by_line(ring, target, parts), target, usual) < 0.1
    assert readable(by_neighbours(ring, target, parts), target, usual) > 0.9


def test_a_model_that_takes_long_is_asked_about_fewer_windows():
    view = ViewSpec((), Recipe(window=WindowSpec(512, 64)), EncoderSpec("compact"), ProjectionSpec("pca"))
    eight = tuple("abcdefgh")
    assert probes._affordable(view, eight, 5000) == probes.FEW
    assert probes._affordable(replace(view, encoder=EncoderSpec("raw")), eight, 5000) == probes.MOST
    assert probes._affordable(view, eight, 100) == 100


def test_an_embedding_of_noise_with_more_directions_than_windows_tells_nothing():
    for seed in range(4):
        rng = np.random.default_rng(seed)
        noise, truth = rng.normal(size=(100, 300)), rng.normal(size=100)
        found = probes.scores(noise, noise[:, :2], noise, truth, line_up(100))
        assert max(found.model, found.phases) < 0.15
        assert found.shuffled < 0.25
        assert found.map < 0.2


def test_classes_of_unequal_share_are_not_read_off_their_shares():
    """Where a guess of the commoner one among the windows learnt from would be wrong more often than not."""
    rng, parts = np.random.default_rng(0), folds(line_up(200))
    found = []
    for _ in range(30):
        targets = (rng.permutation(200) % 2)[:, None] == [0, 1]
        told = by_line(rng.normal(size=(200, 40)), targets.astype(float), parts)
        found.append(readable(told, targets.astype(float), levels(targets, parts)))
    assert abs(np.mean(found)) < 0.04


def test_statistics_read_off_what_they_measure(probed):
    found = probed("statistics").scores
    for kind in ("slope", "frequency"):
        assert found[kind].model > 0.8, kind
    assert found["memory"].model > 0.5  # planted into white noise, of which some stays
    assert found["level"].model > 0.8  # they hold it, as a side feature


@pytest.mark.parametrize("kind", ["statistics", "raw", "compact"])
def test_a_truth_that_was_dealt_out_anew_is_read_by_chance(probed, kind):
    assert max(one.shuffled for one in probed(kind).scores.values()) < 0.3  # the most of 19 times


def test_the_model_cannot_see_level_and_size_and_the_waveform_itself_can_see_level(probed):
    compact, raw = probed("compact").scores, probed("raw").scores
    assert compact["level"].model < 0.1
    assert compact["amplitude"].model < 0.1
    assert raw["level"].model > 0.5
    assert compact["frequency"].model > 0.5


def test_what_lies_in_the_phases_is_gone_without_them_and_what_lies_in_the_spectrum_is_not(probed):
    found = probed("statistics").scores
    assert found["frequency"].phases > 0.8
    assert found["slope"].phases < 0.3 < found["slope"].model


def test_every_truth_has_a_picture_with_a_point_a_window(probed):
    found = probed("statistics")
    for kind in KINDS:
        assert len(found.xy[kind]) == len(found.truth[kind]) > 140


def test_the_sentence_names_each_truth_once():
    made = {kind: Scores(0.9, 0.8, 0.0, 0.0) for kind in KINDS}
    made |= {
        "level": Scores(0.0, 0.0, 0.0, 0.0),
        "phase": Scores(0.9, 0.1, 0.0, 0.0),
        "slope": Scores(0.3, 0.0, 0.0, 0.0),
    }
    said = {one.message: one.facts["kinds"] for one in told(probes.Probed(made, {}, {}))}
    assert said["Neither the model nor the map shows: {kinds}."] == ["level"]
    assert said["The model sees, but this map hardly shows: {kinds}."] == ["phase"]
    assert said["The model sees only in part: {kinds}."] == ["slope"]
    assert sum(map(len, said.values())) == len(KINDS)


def test_a_spec_comes_back_from_json():
    spec = ProbeSpec(ViewSpec((), Recipe(), EncoderSpec(), ProjectionSpec("tsne")), 3)
    assert ProbeSpec.from_json(spec.to_json()) == spec
    assert measures.MeasureSpec(spec.view).fingerprint() != spec.fingerprint()
