import time

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from core.demo import CYCLE, press_line
from core.periods import Period, Proposal, periods, proposals
from core.recipes import propose
from core.series import Series
from core.tables import guess, read

N = 3000
T = np.arange(N)


def series(*channels: NDArray[np.floating]) -> Series:
    values = np.column_stack(channels).astype(float)
    return Series(None, None, values, tuple(str(c) for c in range(values.shape[1])), None)


def found(*channels: NDArray[np.floating]) -> list[int]:
    return [one.samples for one in periods([series(*channels)])]


def noise(n: int = N, seed: int = 0) -> NDArray[np.floating]:
    return np.random.default_rng(seed).normal(size=n)


def sine(period: float, n: int = N) -> NDArray[np.floating]:
    return np.sin(2 * np.pi * np.arange(n) / period)


# --- nothing where there is nothing


@pytest.mark.parametrize("n", [100, 300, 3000])
@pytest.mark.parametrize("memory", [-0.5, 0.0, 0.5, 0.9, 0.99, 1.0])
def test_noise_and_random_walks_have_no_period(memory, n):
    """A false one in 30 at the most: the spectrum's CHANCE is 1 in 1,000, but of 100 samples it knows little."""
    drawn = [series(lfilter([1], [1, -memory], noise(n, seed))) for seed in range(30)]
    assert sum(len(periods([one])) for one in drawn) <= 1


@pytest.mark.parametrize("n", [0, 1, 2, 5, 19, 20, 21, 40])
def test_next_to_nothing_has_no_period(n):
    assert periods([series(noise(n))]) == ()
    assert periods([series(np.arange(n))]) == ()


def test_no_series_and_channels_without_change_or_values_have_none():
    assert periods([]) == ()
    assert found(np.full(N, 7.1), np.full(N, np.nan), T, np.where(T == 5, 1.0, np.nan)) == []


# --- planted ones


@pytest.mark.parametrize("seed", range(10))
def test_a_planted_period_is_found_to_a_sample(seed):
    [one] = periods([series(sine(40) + noise(seed=seed))])
    assert one.samples == pytest.approx(40, abs=1)
    assert one.strength == pytest.approx(1 / 3, abs=0.08)  # the sine's share of the variance, as 1/2 against 1


@pytest.mark.parametrize("seed", range(5))
def test_two_periods_are_both_found_though_one_is_a_multiple_of_the_other(seed):
    x = sine(24) + sine(168) + 0.5 * noise(seed=seed)
    assert sorted(found(x)) == [pytest.approx(24, abs=1), pytest.approx(168, abs=3)]


@pytest.mark.parametrize(
    ("name", "x", "period"),
    [
        ("exact", sine(40), 40),
        ("short", sine(20, 100) + 0.3 * noise(100), 20),
        ("strokes, whose overtones are as strong", (T % 40 < 3) + 0.2 * noise(), 40),
        ("switching", (T % 300 < 150) + 0.1 * noise(), 300),
        ("saw", (T % 97) / 97 + 0.1 * noise(), 97),
        ("on a drift that is ten times as large", (T % 40 < 3) + 0.2 * noise() + 3 * np.cos(T / 1500), 40),
        ("on a random walk", sine(40) + 0.1 * np.cumsum(noise()), 40),
        ("not in whole samples", sine(40.5) + 0.3 * noise(), 40.5),
    ],
)
def test_a_period_is_found_alone_whatever_its_shape_and_what_it_rides_on(name, x, period):
    assert found(x) == [pytest.approx(period, abs=1)], name


def test_a_gap_does_not_hide_a_period():
    x = sine(40) + 0.3 * noise()
    x[np.random.default_rng(1).random(N) < 0.2] = np.nan
    x[700:760] = np.nan
    assert found(x) == [40]


def test_strength_is_how_far_a_channel_repeats_itself_not_how_slowly_it_drifts():
    drifting = 5 * np.cos(T / 1500)
    [exact], [half] = periods([series(sine(40) + drifting)]), periods([series(sine(40) + noise() / 2**0.5 + drifting)])
    assert exact.strength == pytest.approx(1, abs=0.02)
    assert half.strength == pytest.approx(0.5, abs=0.05)


def test_a_multiple_in_another_channel_is_the_same_period_unless_it_is_stronger():
    twice = sine(80) + 0.8 * noise(seed=1)
    assert len(found(sine(40) + 0.8 * noise(), twice)) == 1
    assert found(sine(40) + 1.0 * noise(), twice) == [80, 40]


def test_all_channels_of_all_series_speak_and_the_strongest_comes_first():
    one, other = series(noise(), sine(50) + noise()), series(sine(31) + 0.5 * noise(), sine(50) + 0.1 * noise())
    assert [p.samples for p in periods([one, other])] == [50, 31]
    assert [p.samples for p in periods([one, other], most=1)] == [50]


def test_a_million_samples_of_many_channels_take_a_second_or_two():
    values = np.random.default_rng(0).normal(size=(1_000_000, 8)) + sine(300, 1_000_000)[:, None]
    values[::5, 3] = np.nan
    many = [Series(None, None, values, tuple("abcdefgh"), None)] * 3
    began = time.perf_counter()
    [one] = periods(many)
    assert time.perf_counter() - began < 6  # 0.6 on an idle desk
    assert one.samples == pytest.approx(300, abs=1)


# --- recordings


def recorded(data: bytes) -> list[Series]:
    return list(read(data, guess(data)).series)


def test_the_example_recording_repeats_with_every_stroke():
    assert [p.samples for p in periods(recorded(press_line()))] == [pytest.approx(CYCLE, abs=1)]


def test_taxis_have_a_day_and_a_week(shared_data):
    day, week = sorted(p.samples for p in periods(recorded((shared_data / "nab/nyc_taxi.csv").read_bytes())))
    assert (day, week) == (48, 336)


def test_an_office_has_a_day_and_a_machine_that_runs_has_none(shared_data):
    office, machine = (shared_data / f"nab/{of}_temperature_system_failure.csv" for of in ("ambient", "machine"))
    assert [p.samples for p in periods(recorded(office.read_bytes()))] == [24]
    assert periods(recorded(machine.read_bytes())) == ()


def test_the_test_bed_comes_back_every_minute_and_a_half(shared_data):
    """So say its recordings, each by itself."""
    for name in ("anomaly-free.csv", "valve1/0.csv", "valve1/2.csv"):
        found = periods(recorded((shared_data / "skab" / name).read_bytes()))
        assert [p.samples for p in found] == [pytest.approx(86, abs=4)]


# --- window lengths


def test_one_and_two_cycles_are_proposed_and_the_old_rule_last():
    offered = proposals([Period(40, 0.9), Period(100, 0.5)], [3000])
    old = propose([3000]).length
    assert offered == (
        Proposal(40, 40, 1.0),
        Proposal(80, 40, 2.0),
        Proposal(104, 100, 1.04),
        Proposal(200, 100, 2.0),
        Proposal(old, 0, 0.0),
    )


@pytest.mark.parametrize("period", [3, 4, 5, 7, 8, 17, 100, 255, 257, 512, 513, 9000])
@pytest.mark.parametrize("shortest", [16, 30, 150, 600, 100_000])
def test_every_proposal_can_be_cut_and_holds_the_cycles_it_says(period, shortest):
    offered = proposals([Period(period, 0.9)], [shortest, 100_000])
    assert offered
    for one in offered:
        assert one.length % 8 == 0
        assert 16 <= one.length <= min(512, shortest)
        assert one.cycles == (one.length / period if one.period else 0)
        assert one.cycles >= 1 or not one.period
    assert len({one.length for one in offered}) == len(offered)


def test_without_a_period_there_is_the_old_rule_and_in_too_short_a_series_nothing():
    assert proposals([], [3000]) == (Proposal(propose([3000]).length, 0, 0.0),)
    assert proposals([Period(5, 0.9)], [12]) == ()
