"""The examples read like real files, and what is planted in them can be found; in the noise nothing can."""

from functools import cache

import numpy as np
import pytest

from core import demo
from core.demo import CYCLE, EPISODES, EXAMPLES, HEADERS, STATES, Language, Words, press_line
from core.differences import differences, statistics_of
from core.fitting import prepare
from core.recipes import Recipe, Windows, WindowSpec, cut, propose
from core.tables import Table, guess, open_file, read
from core.traits import STATISTICS

LANGUAGES: tuple[Language, ...] = ("ja", "en")
WORDS: dict[str, dict[Language, Words]] = {
    "press_line": {language: Words(HEADERS[language], STATES[language]) for language in LANGUAGES},
    "weekly_demand": demo.DEMAND,
    "regimes": demo.REGIMES,
    "outliers": demo.OUTLIERS,
    "trends": demo.TRENDS,
    "pump": demo.PUMP,
    "noise": demo.NOISE,
}


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


# --- all examples


@cache
def proposed(code: str, seed: int = 7, language: Language = "en") -> Windows:
    """Windows in the units of the file, as the app proposes to cut it."""
    _reading, table = open_file(EXAMPLES[code].make(language, seed))
    window = propose([len(one.values) for one in table.series])
    return cut(table.series, Recipe(steps=(), window=window))


def test_the_press_line_comes_first_and_every_example_is_known_here():
    assert next(iter(EXAMPLES)) == "press_line"
    assert list(EXAMPLES) == list(WORDS)
    for example in EXAMPLES.values():
        assert example.title.endswith("(example)")
        assert example.one_line.endswith(".")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", EXAMPLES)
def test_every_example_is_read_right_without_help(code: str, language: Language):
    reading, table = open_file(EXAMPLES[code].make(language, 7))
    time, *channels, label = WORDS[code][language].header.split(",")
    assert (reading.time, reading.channels, reading.label) == (time, tuple(channels), label)
    assert (reading.domain, table.rejected, table.notices) == (None, (), ())
    assert len(set(np.diff(table.series[0].time))) == 1
    assert {*table.series[0].label} == {*WORDS[code][language].states}


@pytest.mark.parametrize("code", EXAMPLES)
def test_languages_share_the_numbers_and_seeds_share_the_bytes(code: str):
    make = EXAMPLES[code].make
    ja, en = (open_file(make(language, 7))[1].series[0] for language in LANGUAGES)
    np.testing.assert_array_equal(ja.values, en.values)
    states = dict(zip(ja.label, en.label, strict=True))
    assert [states[state] for state in WORDS[code]["ja"].states] == list(WORDS[code]["en"].states)
    assert make("en", 7) == make("en", 7)
    assert make("en", 7) != make("en", 8)


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_app_cuts_a_few_hundred_windows_and_each_truth_has_ten(code: str):
    windows = proposed(code)
    assert 100 <= len(windows) <= 600
    for state in WORDS[code]["en"].states:
        assert (windows.label == state).sum() >= 10


def recognised(windows: Windows, truth: np.ndarray) -> float:
    """Share of windows of one half of the recording whose nearest one in the other half, by plain statistics, has the
    same truth: mean over truths, and over both halves. No window is in both."""
    every = statistics_of(windows).values
    kept = every[:, np.isfinite(every).all(axis=0)]
    points = (kept - kept.mean(axis=0)) / np.maximum(kept.std(axis=0), 1e-9)
    middle = len(windows.prepared[0].values) // 2
    halves = windows.start + windows.length <= middle, windows.start >= middle
    shares = []
    for known, asked in (halves, halves[::-1]):
        nearest = np.linalg.norm(points[asked][:, None] - points[known][None], axis=2).argmin(axis=1)
        right = truth[known][nearest] == truth[asked]
        shares += [right[truth[asked] == state].mean() for state in np.unique(truth[asked])]
    return float(np.mean(shares))


@pytest.mark.parametrize("code", [code for code in EXAMPLES if code != "noise"])
def test_what_is_planted_is_recognised_by_plain_statistics_and_shuffled_truth_is_not(code: str):
    found, shuffled = [], []
    for seed in (7, 8, 9):
        windows = proposed(code, seed)
        found.append(recognised(windows, windows.label))
        shuffled.append(recognised(windows, np.random.default_rng(seed).permutation(windows.label)))
    chance = 1 / len(WORDS[code]["en"].states)
    assert min(found) > chance + 0.2
    assert abs(np.mean(shuffled) - chance) < 0.1


def test_the_classes_of_the_noise_are_recognised_as_often_as_by_chance():
    found = [recognised(windows, windows.label) for windows in (proposed("noise", seed) for seed in range(8))]
    assert abs(np.mean(found) - 1 / 3) < 0.08


# What the words on the screen are to say first of windows of a truth: channel, statistic, direction.
SAID = [
    ("press_line", "wear", 1, "level", 1),
    ("weekly_demand", "peak", 2, "level", 1),
    ("regimes", "idle", 1, "level", -1),
    ("outliers", "interference", 2, "jump", 1),
    ("trends", "rising", 0, "slope", 1),
    ("trends", "falling", 0, "slope", -1),
    ("pump", "blockage", 3, "level", -1),
    ("pump", "cavitation", 4, "roughness", 1),
]


@pytest.mark.parametrize(("code", "state", "channel", "statistic", "sign"), SAID)
def test_what_is_planted_is_what_is_said_first(code: str, state: str, channel: int, statistic: str, sign: int):
    windows = proposed(code)
    first = differences(statistics_of(windows), np.flatnonzero(windows.label == state))[0]
    assert (first.channel, first.statistic) == (windows.prepared[0].channels[channel], statistic)
    assert np.sign(first.effect) == sign


def test_nothing_is_said_of_the_classes_of_the_noise():
    for seed in range(5):
        windows = proposed("noise", seed)
        statistics = statistics_of(windows)
        assert statistics.values.shape[1] == 3 * len(STATISTICS)
        assert [differences(statistics, np.flatnonzero(windows.label == state)) for state in "ABC"] == [[], [], []]
