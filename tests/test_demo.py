"""The example reads like a real file and its planted faults can be found."""

import numpy as np
import pytest

from core.demo import CYCLE, EPISODES, HEADERS, STATES, Language, press_line
from core.fitting import prepare
from core.recipes import Recipe, WindowSpec, cut
from core.tables import Table, guess, read

LANGUAGES: tuple[Language, ...] = ("ja", "en")


def example(language: Language = "en") -> Table:
    data = press_line(language)
    return read(data, guess(data))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_is_guessed_right(language: Language):
    data = press_line(language)
    reading = guess(data)
    time, *channels, label = HEADERS[language].split(",")
    assert (reading.time, reading.channels, reading.label) == (time, tuple(channels), label)
    table = read(data, reading)
    assert (table.n_rows, table.rejected, table.notices) == (3000, (), ())


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not():
    assert press_line("en", seed=7) == press_line("en", seed=7)
    assert press_line("en", seed=7) != press_line("en", seed=8)


def test_the_numbers_do_not_depend_on_the_language():
    np.testing.assert_array_equal(example("ja").series[0].values, example("en").series[0].values)


def test_samples_are_one_second_apart():
    assert set(np.diff(example().series[0].time)) == {np.timedelta64(1, "s")}


def test_the_label_tells_the_planted_truth():
    label = example().series[0].label
    planted = np.full(len(label), STATES["en"][0], dtype=label.dtype)
    for fault, first, last in EPISODES:
        planted[first:last] = STATES["en"][fault]
    assert (label == planted).all()


def test_the_press_repeats_its_stroke():
    load = example().series[0].values[:300, 0]  # before the first fault
    load = load - load.mean()
    likeness = [load[:-lag] @ load[lag:] for lag in range(CYCLE // 2, 3 * CYCLE // 2)]
    assert abs(CYCLE // 2 + int(np.argmax(likeness)) - CYCLE) <= 3


def test_faults_of_the_first_half_are_recognised_in_the_second_and_shuffled_labels_are_not():
    recipe = Recipe(window=WindowSpec(length=64, stride=8))
    series, _states = prepare(example().series, recipe.steps, recipe.training)
    windows = cut(series, recipe)
    flat = windows.values().reshape(len(windows), -1)
    seen, unseen = windows.start + 64 <= 1500, windows.start >= 1500
    nearest = np.linalg.norm(flat[unseen, None] - flat[None, seen], axis=2).argmin(axis=1)
    truth = windows.label[unseen]

    def balanced(known: np.ndarray) -> float:
        return float(np.mean([(known[nearest] == truth)[truth == state].mean() for state in np.unique(truth)]))

    shuffled = np.random.default_rng(0).permutation(windows.label[seen])
    assert balanced(shuffled) < 0.4  # chance: one in four
    assert balanced(windows.label[seen]) > 0.6
