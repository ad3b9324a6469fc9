"""A view is made once, from the bytes of an upload to the picture, and kept under everything that decided it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import demo, measures, moment
from core.artifacts import Store
from core.cells import Notation
from core.delimited import Dialect
from core.encoders import EncoderSpec
from core.errors import UserError
from core.measures import MeasureSpec
from core.preparation import PreparationSpec
from core.preparation import load as load_prepared
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec, cut
from core.steps import Impute
from core.tables import Reading, guess
from core.views import (
    DRAWING,
    EMBEDDING,
    SCORING,
    SEARCHING,
    SPEED,
    ViewSpec,
    build,
    find,
    load,
    settle,
    so_far,
)

torch.set_num_threads(1)  # more would wait for one another longer than such small models take

SPEC = ViewSpec(
    sources=(
        Source(
            sha256="ab" * 32,
            reading=Reading(
                encoding="cp932",
                dialect=Dialect(";"),
                notation=Notation(","),
                time="時刻",
                channels=("荷重[kN]", "a.b"),
                label="状態",
                domain="ライン",
                missing=("-", "欠測"),
            ),
        ),
        Source("cd" * 32, Reading(dialect=Dialect(header=0), channels=("1",))),
    ),
    recipe=Recipe((Impute("linear", 8),), 0.7, WindowSpec(64, 16)),
    encoder=EncoderSpec("moment", "AutonLab/MOMENT-1-small"),
    projection=ProjectionSpec("tsne", seed=4),
)
# Another value for every part of SPEC: what a person can choose, and what a file can be.
OTHER: dict[str, Any] = {
    "sources.0.sha256": "ef" * 32,
    "sources.0.reading.encoding": "utf-8",
    "sources.0.reading.sheet": "Sheet 2",
    "sources.0.reading.dialect.delimiter": "\t",
    "sources.0.reading.dialect.quote": "",
    "sources.0.reading.dialect.comment": "#",
    "sources.0.reading.dialect.skip": 2,
    "sources.0.reading.dialect.header": 0,
    "sources.0.reading.notation.decimal": ".",
    "sources.0.reading.notation.thousands": " ",
    "sources.0.reading.layout": "long",
    "sources.0.reading.time": None,
    "sources.0.reading.clock": "時",
    "sources.0.reading.written": "dmy",
    "sources.0.reading.zone": "Europe/Berlin",
    "sources.0.reading.rate": 50.0,
    "sources.0.reading.ordered": False,
    "sources.0.reading.repeats": "mean",
    "sources.0.reading.site": "プレス3",
    "sources.0.reading.variable": "項目",
    "sources.0.reading.value": "値",
    "sources.0.reading.channels": ["a.b", "荷重[kN]"],
    "sources.0.reading.label": "状態2",
    "sources.0.reading.domain": None,
    "sources.0.reading.missing": ["-"],
    "recipe.steps": [{"kind": "impute", "method": "linear", "longest": 9, "period": 0}],
    "recipe.training": 0.8,
    "recipe.window.length": 72,
    "recipe.window.stride": 17,
    "recipe.window.align": "label",
    "recipe.window.rest": "shift",
    "recipe.window.most": 500,
    "encoder.source": "AutonLab/MOMENT-1-base",
    "encoder.join": "concat",
    "encoder.channel": "a.b",
    "encoder.side": ["differenced"],
    "encoder.precision": "float32",
    "encoder.adapt": "coral",
    "projection.method": "pca",
    "projection.seed": 5,
    "projection.neighbours": 7,
    "projection.min_distance": 0.3,
    "projection.stopped_after": 300,
}


def parts(d: Any, path: str = "") -> Iterator[str]:
    """Every part of a spec in JSON; the second source is like the first."""
    if isinstance(d, dict):
        for name, value in d.items():
            yield from parts(value, f"{path}.{name}" if path else name)
    elif path == "sources":
        yield from parts(d[0], "sources.0")
    else:
        yield path


def changed(spec: ViewSpec, path: str, value: Any) -> ViewSpec:
    d = json.loads(json.dumps(spec.to_json()))
    *way, last = path.split(".")
    inner = d
    for step in way:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    inner[last] = value
    return ViewSpec.from_json(d)


def silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody watches the progress."""


class StoppedError(Exception):
    """Somebody cancelled."""


def stop_at(stage: str) -> Any:
    def progress(now: str, _done: int, _total: int) -> None:
        if now == stage:
            raise StoppedError

    return progress


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def spec(store: Store) -> ViewSpec:
    """A map of the first 600 s of the example, by the model that knows nothing."""
    data = b"".join(demo.press_line("ja").splitlines(keepends=True)[:601])
    source = Source(store.keep(data, {}), guess(data))
    return ViewSpec((source,), Recipe(window=WindowSpec(32, 8)), EncoderSpec("random-init"), ProjectionSpec("pca"))


def ready(spec: ViewSpec, store: Store) -> Any:
    """The series that its windows were cut of."""
    return load_prepared(PreparationSpec.of(spec.sources, spec.recipe), store).series


def forget_upload(store: Store) -> None:
    """Whoever computes anything but a projection from now on fails."""
    for folder in store.root.iterdir():
        if folder.is_dir() and store.meta(folder.name).get("made") not in ("embedding", "view"):
            shutil.rmtree(folder)


# --- specs


def test_every_part_of_a_spec_has_another_value_below():
    assert set(parts(SPEC.to_json())) - {"encoder.kind"} == set(OTHER)  # of the kind, further below


@pytest.mark.parametrize("path", OTHER)
def test_whatever_is_chosen_differently_makes_another_view(path):
    other = changed(SPEC, path, OTHER[path])
    assert other != SPEC
    assert other.fingerprint() != SPEC.fingerprint()
    is_drawing = path.startswith("projection.")
    assert (other.embedding_fingerprint() == SPEC.embedding_fingerprint()) == is_drawing


def test_every_kind_of_encoder_and_the_order_of_the_files_make_another_view():
    kinds = [replace(SPEC, encoder=EncoderSpec(kind)) for kind in ("raw", "random-init")]
    turned = replace(SPEC, sources=SPEC.sources[::-1])
    assert len({spec.fingerprint() for spec in (SPEC, turned, *kinds)}) == 4


def test_a_spec_comes_back_from_json_equal_and_with_its_fingerprint():
    """Jobs and kept views hold specs as JSON, in a database that also outlives this process."""
    back = ViewSpec.from_json(json.loads(json.dumps(SPEC.to_json())))
    assert back == SPEC
    assert back.fingerprint() == SPEC.fingerprint()
    assert hash(back) == hash(SPEC)


# --- building


def test_a_view_is_none_until_it_is_built_and_then_has_a_row_a_window(store, spec):
    assert load(spec, store) is None
    assert build(spec, store, silent) == spec.fingerprint()
    view = load(spec, store)
    windows = cut(ready(spec, store), spec.recipe)
    assert len(view.xy) == len(view.per_window) == view.meta["n_windows"] == len(windows) == 72
    assert view.xy.shape == (72, 2)
    assert 0 < view.meta["explained"] <= 1
    assert view.meta["spec"] == json.loads(json.dumps(spec.to_json()))


def test_the_mean_loss_is_the_mean_of_the_windows_and_what_the_waveform_lacks_is_none(store, spec):
    build(spec, store, silent)
    view = load(spec, store)
    assert view.meta["loss"] == pytest.approx(view.per_window.mean())
    assert view.per_window.min() > 0
    assert view.meta["mask_ratio"] == 0.25  # one of four patches
    raw = replace(spec, encoder=EncoderSpec("raw"))
    build(raw, store, silent)
    assert load(raw, store).per_window is None
    assert load(raw, store).meta["loss"] is None


def test_the_rows_are_the_windows_in_order_of_time(store, spec):
    """PCA of the raw waveform, by hand: the same picture but for the direction of its axes."""
    raw = replace(spec, encoder=EncoderSpec("raw"))
    build(raw, store, silent)
    flat = cut(ready(spec, store), spec.recipe).values().reshape(72, -1)
    centred = flat - flat.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(load(raw, store).xy), np.abs(centred @ axes[:2].T), atol=1e-3)


def test_a_view_that_is_there_is_not_made_again(store, spec):
    build(spec, store, silent)
    xy = load(spec, store).xy
    forget_upload(store)
    stages: list[str] = []
    assert build(spec, store, lambda stage, *_: stages.append(stage)) == spec.fingerprint()
    assert stages == []
    assert (load(spec, store).xy == xy).all()


def test_another_projection_takes_the_embedding_that_is_there(store, spec):
    build(spec, store, silent)
    forget_upload(store)
    stages: list[str] = []
    drawn = build(replace(spec, projection=ProjectionSpec("tsne")), store, lambda stage, *_: stages.append(stage))
    assert set(stages) == {SEARCHING, DRAWING}
    assert (find(drawn, store).per_window == load(spec, store).per_window).all()
    with pytest.raises(FileNotFoundError):  # another encoder would have needed the upload
        build(replace(spec, encoder=EncoderSpec("raw")), store, silent)


@pytest.mark.parametrize("stage", [EMBEDDING, SCORING, DRAWING])
def test_a_view_cancelled_at_any_stage_is_absent_and_can_be_finished_later(store, spec, stage):
    with pytest.raises(StoppedError):
        build(spec, store, stop_at(stage))
    assert load(spec, store) is None
    assert store.has(spec.embedding_fingerprint()) == (stage == DRAWING)
    build(spec, store, silent)
    assert load(spec, store) is not None


def test_stages_come_in_order_and_each_one_runs_to_its_total(store, spec):
    ticks: list[tuple[str, int, int]] = []
    build(replace(spec, projection=ProjectionSpec("tsne")), store, lambda *tick: ticks.append(tick))
    stages = [stage for i, (stage, *_) in enumerate(ticks) if i == 0 or stage != ticks[i - 1][0]]
    assert stages == ["Preparing the series", EMBEDDING, SCORING, DRAWING, SEARCHING, DRAWING]
    for stage in (EMBEDDING, SCORING):
        done = [done for name, done, _ in ticks if name == stage]
        assert done == sorted(done)
        assert (stage, done[-1], done[-1]) in ticks


def test_a_view_is_found_by_its_key_alone_when_the_model_is_long_gone(store, spec, tmp_path):
    folder = tmp_path / "usb stick"
    moment.untrained(seed=1).save_pretrained(folder)
    from_folder = replace(spec, encoder=EncoderSpec("moment", str(folder)))
    key = build(from_folder, store, silent)
    shutil.rmtree(folder)
    view = find(key, store)
    assert view.meta["n_windows"] == len(view.xy) == 72
    assert EncoderSpec.from_json(view.meta["spec"]["encoder"]) == from_folder.encoder
    assert find("0" * 64, store) is None


def test_how_fast_an_embedding_was_is_noted_for_the_next_guess(store, spec):
    assert store.noted(SPEED) is None
    build(replace(spec, encoder=EncoderSpec("raw")), store, silent)
    assert store.noted(SPEED) is None  # no model, no speed
    build(spec, store, silent)
    assert store.noted(SPEED) == store.meta(spec.embedding_fingerprint())["operations_per_second"] > 0


# --- a picture that moves


def test_the_pca_map_is_there_before_the_first_step_and_stays_a_map_of_its_own(store, spec):
    moving = replace(spec, projection=ProjectionSpec("tsne"))
    assert so_far(moving, store) is None
    with pytest.raises(StoppedError):
        build(moving, store, stop_at(SEARCHING))
    first = so_far(moving, store)
    assert first.done == 0
    assert (first.xy == load(spec, store).xy).all()  # spec is drawn by PCA


def test_sketches_move_from_it_and_are_gone_when_the_map_is_there(store, spec):
    moving, seen = replace(spec, projection=ProjectionSpec("tsne")), {}

    def look(stage: str, _done: int, _total: int) -> None:
        if stage == DRAWING and (now := so_far(moving, store)) is not None:
            seen[now.done] = now.xy

    build(moving, store, look)
    assert list(seen) == sorted(seen)
    assert len(seen) > 20
    assert all((seen[a] != seen[b]).any() for a, b in pairwise(seen))
    assert list(store.root.glob("*.sketch*")) == []


def test_a_picture_that_is_good_enough_is_kept_as_the_spec_that_draws_just_this(store, spec):
    moving = replace(spec, projection=ProjectionSpec("tsne"))
    kept = []

    def enough(stage: str, done: int, _total: int) -> None:
        if stage == DRAWING and done >= 300:
            kept.append(settle(moving, store))
            raise StoppedError

    with pytest.raises(StoppedError):
        build(moving, store, enough)
    [settled] = kept
    assert load(moving, store) is None
    stopped_at = settled.projection.stopped_after
    assert 250 < stopped_at <= 300
    as_kept = load(settled, store).xy
    shutil.rmtree(store.root / settled.fingerprint())
    build(settled, store, silent)
    assert (load(settled, store).xy == as_kept).all()  # to the last bit


def test_nothing_is_kept_of_a_picture_that_has_not_moved_yet(store, spec):
    build(spec, store, silent)
    assert settle(replace(spec, projection=ProjectionSpec("tsne")), store) is None


def test_a_job_that_was_killed_leaves_a_sketch_that_the_next_one_replaces(store, spec):
    moving = replace(spec, projection=ProjectionSpec("tsne"))
    store.root.mkdir(exist_ok=True)
    store.sketch(moving.fingerprint(), 40, np.zeros((72, 2)))
    assert so_far(moving, store).done == 40
    build(moving, store, silent)
    assert so_far(moving, store).done == 0


# --- lines and sites


def two_sites(store: Store, n: int = 1600, *, least: int = 1600) -> ViewSpec:
    """The same two states at both; the second one's sensor has another level."""
    sources = []
    for site, size in ((1, n), (2, least)):
        rng, at = np.random.default_rng(site), np.arange(size)
        quick = at // 100 % 2 == 1
        values = 5 * site + np.sin(at / np.where(quick, 2, 9)) + 0.1 * rng.normal(size=size)
        rows = (f"{i},{v:.4f},{'quick' if q else 'slow'}" for i, v, q in zip(at, values, quick, strict=True))
        data = ("n,value,state\n" + "\n".join(rows)).encode()
        reading = replace(guess(data), time=None, channels=("value",), label="state", site=str(site))
        sources.append(Source(store.keep(data, {}), reading))
    return ViewSpec(tuple(sources), Recipe((), window=WindowSpec(32, 8)), EncoderSpec("raw"), ProjectionSpec("pca"))


@pytest.mark.parametrize("way", ["centred", "coral"])
def test_sites_that_are_brought_together_mix_and_keep_what_happened(store, way):
    apart = two_sites(store)
    together = replace(apart, encoder=replace(apart.encoder, adapt=way))
    found = []
    for spec in (apart, together):
        measures.build(MeasureSpec(spec), store, silent)
        found.append(measures.load(MeasureSpec(spec), store))
    before, after = found
    assert before.lines.auc.value > 0.95
    assert before.lines.mixing < 0.05
    assert after.lines.mixing > after.lines.mixing_chance
    assert after.recognised["label, model"].value > 0.9
    assert load(together, store).meta["n_windows"] == load(apart, store).meta["n_windows"]


def test_a_site_of_few_stretches_is_not_brought_together_and_it_is_said(store):
    spec = two_sites(store, least=120)
    with pytest.raises(UserError, match="too small to be brought together"):
        build(replace(spec, encoder=replace(spec.encoder, adapt="coral")), store, silent)
