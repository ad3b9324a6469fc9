"""The map that was trained along with a model draws its windows as the training did, and new ones where they belong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core import flat, placing, tuning, views
from core.artifacts import Store
from core.drift import Limits, judge
from core.encoders import EncoderSpec
from core.errors import UserError
from core.learner import Layout
from core.placing import Placed, PlacedSpec
from core.projection import METHODS, ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.tables import open_file
from core.tuning import Tuned, TuneSpec
from core.views import ViewSpec
from tests.test_training import small_moment
from tests.test_tuning import LENGTH, SHORT, nobody, recording

torch.set_num_threads(1)  # more would wait for one another longer than such small models take

ALONG = replace(SHORT, layout=1.0, steps=12)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    made = Store(tmp_path_factory.mktemp("store"))
    made.root.mkdir(exist_ok=True)
    return made


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return small_moment(tmp_path_factory.mktemp("small"))


def of(data: bytes, store: Store) -> Source:
    return Source(store.keep(data, {}), replace(open_file(data)[0], time=None, channels=("value",), label="state"))


@pytest.fixture(scope="module")
def run(store: Store, small: Path) -> TuneSpec:
    """Trained on everything there is; embeds in float32, as the training did."""
    recipe, encoder = Recipe(window=WindowSpec(LENGTH, 16)), EncoderSpec("moment", str(small), precision="float32")
    spec = TuneSpec((of(recording(), store),), recipe, encoder, ALONG)
    tuning.build(spec, store, nobody)
    return spec


@pytest.fixture
def view(run: TuneSpec, store: Store) -> ViewSpec:
    return ViewSpec(run.sources, run.recipe, run.encoder_in(store), ProjectionSpec("trained"))


def drawn(view: ViewSpec, store: Store) -> np.ndarray:
    views.build(view, store, nobody)
    return views.load(view, store).xy


def placed(view: ViewSpec, store: Store, data: bytes) -> Placed:
    spec = PlacedSpec(view, (of(data, store),))
    placing.build(spec, store, nobody)
    return placing.load(spec, store)


# --- the same map


def test_without_torch_the_network_gives_what_it_gave_in_training(tmp_path):
    torch.manual_seed(0)
    layout, vectors = Layout(24), np.random.default_rng(0).normal(3, 5, (9000, 24)).astype(np.float32)
    layout.centre.normal_()
    layout.spread.fill_(2.5)
    save_file(layout.state_dict(), tmp_path / flat.LAYOUT)
    with torch.inference_mode():
        expected = layout(torch.from_numpy(vectors)).numpy()
    np.testing.assert_allclose(flat.placed(tmp_path, vectors), expected, atol=1e-5 * np.abs(expected).max())


def test_the_view_is_the_map_that_the_training_shows(run, view, store):
    found: Tuned = tuning.load(run, store)
    shown, xy = found.xy[1], drawn(view, store)[found.ids]
    assert len(shown) > 300
    np.testing.assert_allclose(xy, shown, atol=1e-4 * np.ptp(shown))
    pca = drawn(view.drawn_by(ProjectionSpec("pca")), store)[found.ids]
    assert np.abs(pca - shown).max() > 0.1 * np.ptp(shown)


def test_windows_that_are_placed_again_lie_exactly_where_they_lie(view, store):
    xy = drawn(view, store)
    again = placed(view, store, recording())
    np.testing.assert_allclose(again.xy, xy, atol=1e-5 * np.ptp(xy))  # float32, in batches of other sizes
    assert judge(again.found, Limits()).state == "fits"


def test_a_window_lies_where_it_lies_whatever_the_others(view, store):
    vectors = store.array(view.embedding_fingerprint(), "vectors")
    head = flat.head_of(view.encoder)
    np.testing.assert_allclose(head(vectors[40:47]), head(vectors)[40:47], rtol=1e-12)


def test_new_data_that_is_like_nothing_there_is_told_on_a_trained_map_too(view, store):
    noise = np.random.default_rng(5).normal(size=3000)
    other = "\n".join(["t,value,state", *(f"{i},{v:.5f},slow" for i, v in enumerate(noise))]).encode()
    strange = placed(view, store, other)
    assert judge(strange.found, Limits()).state == "ask again"
    vectors = store.array(PlacedSpec(view, (of(other, store),)).embedding_fingerprint(), "vectors")
    np.testing.assert_array_equal(strange.xy, flat.head_of(view.encoder)(vectors))


# --- where there is none, and what it has not learnt


def refused(encoder: EncoderSpec) -> str:
    found = flat.refusal(encoder)
    assert found is not None
    assert flat.methods_of(encoder) == METHODS
    return str(found)


def test_it_is_offered_for_a_model_that_has_one_alone(view, small):
    assert flat.refusal(view.encoder) is None
    assert flat.methods_of(view.encoder) == (*METHODS, "trained")
    for encoder in (EncoderSpec("raw"), EncoderSpec(), EncoderSpec("moment", str(small)), EncoderSpec("moment", "no")):
        assert not flat.is_there(encoder)
        assert "another way of drawing" in refused(encoder)


@pytest.mark.parametrize(
    ("other", "remedy"),
    [
        ({"side": ("level-scale-slope",)}, "Leave these out"),
        ({"side": ("differenced",)}, "Leave these out"),
        ({"adapt": "coral"}, "as they are"),
        ({"join": "concat"}, "all, as their mean"),
        ({"channel": "value"}, "all, as their mean"),
    ],
)
def test_vectors_that_it_was_not_trained_on_are_refused_with_what_to_do(view, store, other, remedy):
    wanted = replace(view, encoder=replace(view.encoder, **other))
    assert flat.is_there(wanted.encoder)
    assert remedy in refused(wanted.encoder)
    for asked in (wanted.fingerprint, wanted.head, lambda: views.build(wanted, store, nobody)):
        with pytest.raises(UserError, match=remedy):
            asked()


def test_one_that_has_learnt_from_a_channel_reads_this_channel(store, small, view):
    alone = EncoderSpec("moment", str(small), channel="value")
    spec = TuneSpec(view.sources, view.recipe, alone, replace(ALONG, steps=1))
    tuning.build(spec, store, nobody)
    encoder = spec.encoder_in(store)
    assert flat.refusal(encoder) is None
    assert "“value”" in refused(replace(encoder, channel=""))


def test_a_view_without_such_a_map_is_refused_before_anything_is_computed(store, small, view):
    wanted = replace(view, encoder=EncoderSpec("moment", str(small)))
    with pytest.raises(UserError, match="No map was trained along"):
        views.build(wanted, store, lambda *_: pytest.fail("something was computed"))


def test_another_map_of_the_same_model_is_another_view_and_other_ways_of_drawing_stay_the_same(view, tmp_path):
    folder, pca = Path(view.encoder.source), ProjectionSpec("pca")
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    copied = replace(view, encoder=replace(view.encoder, source=str(tmp_path)))
    assert copied.fingerprint() == view.fingerprint()
    other = load_file(folder / flat.LAYOUT)
    other["along.weight"] *= 2
    save_file(other, tmp_path / flat.LAYOUT)
    assert copied.fingerprint() != view.fingerprint()
    assert copied.drawn_by(pca).fingerprint() == view.drawn_by(pca).fingerprint()
