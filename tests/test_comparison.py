"""Numbers on a view and comparisons of views: made once, kept, and what they say of something and of noise."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import comparison, measures
from core.artifacts import Store
from core.comparison import NOTHING, ComparisonSpec, share_windows
from core.demo import noise
from core.encoders import EncoderSpec
from core.measures import MeasureSpec, StabilitySpec
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.recognition import Score
from core.tables import open_file
from core.views import ViewSpec, load


def silent(*_: object) -> None:
    """Nobody watches the progress."""


def two_states() -> bytes:
    """Quiet and loud by turns, 80 samples each, told by the label."""
    rng = np.random.default_rng(0)
    at = np.arange(3200)
    loud = at // 80 % 2 == 1
    values = np.sin(at / 3) * np.where(loud, 9, 1) + 0.1 * rng.normal(size=3200)
    lines = [f"{v:.4f},{'loud' if up else 'quiet'}" for v, up in zip(values, loud, strict=True)]
    return ("\n".join(["load,state", *lines]) + "\n").encode()


def view_of(store: Store, data: bytes) -> ViewSpec:
    reading = open_file(data)[0]
    source = Source(store.keep(data, {}), reading)
    return ViewSpec((source,), Recipe((), window=WindowSpec(16, 16)), EncoderSpec("statistics"), ProjectionSpec("pca"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(Path(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def view(store: Store) -> ViewSpec:
    made = view_of(store, two_states())
    measures.build(MeasureSpec(made), store, silent)
    return made


def test_every_window_has_its_numbers_and_labels_are_recognised_beyond_chance(store, view):
    found = measures.load(MeasureSpec(view), store)
    n = len(load(view, store).xy)
    assert len(found.groups) == len(found.nearest) == len(found.kept) == n
    assert found.nearest.min() >= 0
    for points in ("model", "map"):
        score = found.recognised[f"label, {points}"]
        assert isinstance(score, Score)
        assert score.value > 0.9 > score.bar
    assert 0 < found.quality.kept <= 1


def test_two_states_are_two_groups_for_the_model_and_stand_where_the_labels_are(store, view):
    found = measures.load(MeasureSpec(view), store)
    assert found.structure == "groups"
    label = measures.windows_of(view, store).label
    inside = found.groups >= 0
    agree = np.mean((found.groups == 0)[inside] == (label == label[np.flatnonzero(found.groups == 0)[0]])[inside])
    assert agree > 0.95


def test_steadiness_is_known_of_every_window_that_was_drawn_again(store, view):
    measures.build_stability(StabilitySpec(view), store, silent)
    found = measures.load_stability(StabilitySpec(view), store)
    assert found.n_drawings == 6
    assert found.overall > 3 * found.by_chance
    assert np.isfinite(found.kept).mean() > 0.95


def test_numbers_and_comparisons_that_are_there_are_not_made_again(store, view):
    stages: list[object] = []
    measures.build(MeasureSpec(view), store, lambda *tick: stages.append(tick))
    assert stages == []
    assert MeasureSpec(view).fingerprint() != StabilitySpec(view).fingerprint()
    assert MeasureSpec.from_json(MeasureSpec(view).to_json()) == MeasureSpec(view)


def test_pictures_are_turned_to_lie_on_the_first_and_the_verdict_names_the_groups(store, view):
    spec = ComparisonSpec((view, view.drawn_by(ProjectionSpec("tsne"))), ("PCA", "t-SNE"))
    comparison.build(spec, store, silent)
    found = comparison.load(spec, store)
    first, other = found.poses
    as_drawn = load(spec.views[1], store).xy
    assert np.linalg.norm(first - other) < np.linalg.norm(first - as_drawn)
    assert found.agreed.shape == (len(first),)
    assert "keeps apart" in found.told[0].message
    assert ComparisonSpec.from_json(spec.to_json()) == spec


def test_in_noise_there_is_nothing_to_see(store):
    silence = view_of(store, noise("en", 7))
    spec = ComparisonSpec((silence, silence.drawn_by(ProjectionSpec("umap"))), ("PCA", "UMAP"))
    comparison.build(spec, store, silent)
    assert comparison.load(spec, store).told[0].message == NOTHING


def test_views_share_windows_only_where_every_row_is_the_same_stretch(store, view):
    other_cut = replace(view, recipe=replace(view.recipe, window=WindowSpec(16, 8)))
    measures.build(MeasureSpec(other_cut), store, silent)
    assert share_windows((view, view.drawn_by(ProjectionSpec("tsne"))), store)
    assert not share_windows((view, other_cut), store)
    spec = ComparisonSpec((view, other_cut), ("1", "2"))
    comparison.build(spec, store, silent)
    found = comparison.load(spec, store)
    assert found.agreed is None
    assert found.told == ()
    assert (found.poses[1] == load(other_cut, store).xy).all()
