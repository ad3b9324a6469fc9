"""Generated example data, for a first look without a file of one's own.

Each set is a UTF-8 CSV whose last column tells the planted truth. The same seed gives the same bytes, and the numbers
are the same in both languages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import N_
from core.series import Bools, Floats, Ints

Language = Literal["ja", "en"]
Segments = Sequence[tuple[int, int]]  # (state, samples), one after the other


@dataclass(frozen=True, slots=True)
class Words:
    """What a set's header and its states are called in one language."""

    header: str
    states: tuple[str, ...]


N_SAMPLES = 3000  # one a second: fifty minutes
CYCLE = 40  # samples in a press stroke, about
NORMAL, JAM, WEAR, EMPTY = range(4)
# Each fault comes once in either half, so that one half can be learnt and the other one recognised.
EPISODES = (  # fault, first sample, one past the last
    (JAM, 320, 480),
    (WEAR, 680, 860),
    (EMPTY, 1080, 1240),
    (WEAR, 1660, 1860),
    (EMPTY, 2140, 2280),
    (JAM, 2560, 2740),
)
HEADERS: dict[Language, str] = {
    "ja": "時刻,荷重[kN],振動[mm/s],モータ電流[A],油温[℃],状態",
    "en": "time,load [kN],vibration [mm/s],motor current [A],oil temperature [°C],state",
}
STATES: dict[Language, tuple[str, str, str, str]] = {
    "ja": ("正常", "詰まり", "摩耗", "空打ち"),
    "en": ("normal", "jam", "wear", "empty stroke"),
}


def press_line(language: Language = "ja", seed: int = 7) -> bytes:
    """A press line's recording with three planted faults.

    A jam stretches the stroke and takes force and current, wear bursts in the vibration, and an empty stroke presses
    nothing. The oil warms up throughout, which is no fault.
    """
    rng = np.random.default_rng(seed)
    state = np.full(N_SAMPLES, NORMAL)
    for fault, first, last in EPISODES:
        state[first:last] = fault
    words = Words(HEADERS[language], STATES[language])
    return _csv(words, "2026-11-23T08:00:00", 1, _pressed(state, rng), state)


def _pressed(state: Ints, rng: np.random.Generator) -> Floats:
    """(n, 4) load [kN], vibration [mm/s], motor current [A], oil temperature [°C]."""
    n = len(state)
    jam, wear, empty = (_eased(state == fault) for fault in (JAM, WEAR, EMPTY))
    speed = (1 + 0.03 * _wander(n, rng)) * (1 - 0.25 * jam)  # a jam slows the stroke
    phase = np.cumsum(speed) / CYCLE % 1
    drift = 0.04 * _wander(n, rng)
    stroke = _bump(phase, 0.35, 0.09)
    second_hit = jam * _bump(phase, 0.60, 0.12)
    load = 12 + 240 * (1 + drift) * (stroke * (1 - 0.35 * jam) * (1 - 0.85 * empty) + 0.7 * second_hit)
    burst = wear * (0.5 + 0.5 * np.sin(2 * np.pi * phase * 3)) * rng.exponential(1.0, n)
    vibration = 0.8 + 1.6 * _bump(phase, 0.42, 0.05) * (1 - 0.8 * empty) + 2.6 * burst + 1.2 * wear + 0.5 * jam
    current = 9 + 14 * _bump(phase, 0.30, 0.14) * (1 - 0.45 * empty) + 8 * second_hit + 3 * jam
    minutes = np.arange(n) / 60
    oil = 31 + 14 * (1 - np.exp(-minutes / 25)) + 0.3 * np.sin(2 * np.pi * minutes / 17)
    noise = rng.normal(size=(n, 4)) * (2.5, 0.08, 0.25, 0.05)
    return np.column_stack([load, vibration, current, oil]) + noise


# --- weekly demand with a yearly peak

YEARS, WEEKS = 8, 52
ORDINARY, PEAK, LULL = range(3)
DEMAND: dict[Language, Words] = {
    "ja": Words("週,出荷[箱],受注[件],残業[h],時期", ("平常", "繁忙期", "閑散期")),
    "en": Words("week,shipments [boxes],orders [number],overtime [h],season", ("ordinary", "peak", "lull")),
}


def weekly_demand(language: Language = "ja", seed: int = 7) -> bytes:
    """A warehouse's weeks: twelve of each year are a peak before New Year, eleven a lull in summer."""
    rng = np.random.default_rng(seed)
    n = YEARS * WEEKS
    week = np.arange(n, dtype=np.float64) % WEEKS
    state = np.select([(week >= 40), (week >= 19) & (week < 30)], [PEAK, LULL], ORDINARY)
    height = np.repeat(rng.uniform(0.7, 1.3, YEARS), WEEKS)  # no two years are alike
    season = 0.9 * height * _bump(week, 46, 3.5) - 0.35 * _bump(week, 24.5, 4)
    every_other = 0.06 * (-1.0) ** np.arange(n) * (state == ORDINARY)  # a customer who orders every two weeks
    boxes = 1200 * (1 + 0.03 * np.arange(n) / WEEKS) * (1 + season + every_other) * rng.normal(1, 0.03, n)
    orders = boxes / (8 + 2 * (state == PEAK)) * rng.normal(1, 0.04, n)  # larger parcels in the peak
    overtime = np.maximum(boxes - 1400, 0) / 12 + rng.exponential(4, n)
    return _csv(DEMAND[language], "2018-01-01", 7, np.column_stack([boxes, orders, overtime]), state)


# --- segments: a machine's ways of running

IDLE, STEADY, HEAVY, HUNTING = range(4)
RUNNING: Segments = (
    *((IDLE, 300), (STEADY, 480), (HEAVY, 320), (HUNTING, 300)),
    *((STEADY, 440), (HEAVY, 300), (IDLE, 280), (HUNTING, 300), (STEADY, 280)),
)
REGIMES: dict[Language, Words] = {
    "ja": Words("時刻,吐出圧力[kPa],流量[m3/h],電力[kW],運転", ("待機", "定常", "高負荷", "脈動")),
    "en": Words("time,pressure [kPa],flow [m3/h],power [kW],operation", ("idle", "steady", "heavy load", "hunting")),
}


def regimes(language: Language = "ja", seed: int = 7) -> bytes:
    """A compressor every ten seconds: it idles, runs steadily, under heavy load, or hunts for its set point."""
    rng = np.random.default_rng(seed)
    state = _states(RUNNING)
    idle, heavy, hunting = (_eased(state == one) for one in (IDLE, HEAVY, HUNTING))
    n = len(state)
    swing = hunting * np.sin(2 * np.pi * np.cumsum(1 + 0.1 * _wander(n, rng)) / 24)
    pressure = 620 - 180 * idle - 45 * heavy + 30 * swing + 6 * _wander(n, rng, 80) + rng.normal(0, 4, n)
    flow = 40 - 36 * idle + 22 * heavy - 6 * swing + rng.normal(0, 0.8, n) * (1 + 2 * heavy)
    power = 18 - 13 * idle + 12 * heavy + 2.5 * swing + 0.5 * _wander(n, rng, 80) + rng.normal(0, 0.4, n)
    return _csv(REGIMES[language], "2026-11-16T00:00:00", 10, np.column_stack([pressure, flow, power]), state)


# --- outliers

SOUND, LOOSE, DISTURBED = range(3)
SENSING: Segments = (
    *((SOUND, 460), (LOOSE, 280), (SOUND, 360), (DISTURBED, 280)),
    *((SOUND, 420), (LOOSE, 300), (SOUND, 340), (DISTURBED, 280), (SOUND, 280)),
)
OUTLIERS: dict[Language, Words] = {
    "ja": Words("時刻,炉温1[℃],炉温2[℃],ガス流量[L/min],計測状態", ("正常", "接触不良", "電気ノイズ")),
    "en": Words(
        "time,furnace temperature 1 [°C],furnace temperature 2 [°C],gas flow [L/min],state",
        ("normal", "loose contact", "interference"),
    ),
}


def outliers(language: Language = "ja", seed: int = 7) -> bytes:
    """A furnace every second. A thermocouple loses contact for single samples, or a motor disturbs the flow meter."""
    rng = np.random.default_rng(seed)
    state = _states(SENSING)
    n = len(state)
    heat = 850 + 3 * np.sin(2 * np.pi * np.arange(n) / 90) + 4 * _wander(n, rng, 200)
    first, second = (heat + rng.normal(0, 0.8, n) for _ in range(2))
    flow = 120 - 0.8 * (heat - 850) + rng.normal(0, 1.5, n)
    lost, hit = ((state == one) & (rng.random(n) < 0.06) for one in (LOOSE, DISTURBED))
    first[lost] -= rng.uniform(60, 250, int(lost.sum()))
    flow[hit] += rng.uniform(15, 60, int(hit.sum()))
    return _csv(OUTLIERS[language], "2026-11-17T13:00:00", 1, np.column_stack([first, second, flow]), state)


# --- trends

LEVEL, RISING, FALLING = range(3)
DRIFTING: Segments = (
    *((LEVEL, 380), (RISING, 320), (LEVEL, 260), (FALLING, 300), (LEVEL, 300)),
    *((RISING, 300), (FALLING, 320), (LEVEL, 260), (RISING, 280), (FALLING, 280)),
)
TRENDS: dict[Language, Words] = {
    "ja": Words("日時,差圧[kPa],風量[m3/min],騒音[dB],傾向", ("横ばい", "上昇", "下降")),
    "en": Words(
        "time,filter pressure drop [kPa],air flow [m3/min],noise [dB],tendency", ("level", "rising", "falling")
    ),
}


def trends(language: Language = "ja", seed: int = 7) -> bytes:
    """A dust collector every five minutes: its filter clogs for a day, or is blown free, or stays as it is."""
    rng = np.random.default_rng(seed)
    state = _states(DRIFTING)
    n = len(state)
    clogged = np.cumsum(np.select([state == RISING, state == FALLING], [1.0, -1.0], 0.0)) / 300
    day = np.sin(2 * np.pi * np.arange(n) / 288)
    drop = 1.4 + 0.9 * clogged + 0.03 * day + 0.05 * _wander(n, rng, 60) + rng.normal(0, 0.05, n)
    flow = 85 - 14 * clogged + 1.5 * day + rng.normal(0, 1.2, n)
    noise = 68 + 0.8 * day + rng.normal(0, 0.7, n)  # has nothing to do with it
    return _csv(TRENDS[language], "2026-11-02T00:00:00", 300, np.column_stack([drop, flow, noise]), state)


# --- a small set of many channels

GOOD, LEAK, BLOCKED, CAVITATION = range(4)
PUMPING: Segments = (
    *((GOOD, 140), (LEAK, 75), (GOOD, 60), (BLOCKED, 75), (GOOD, 60), (CAVITATION, 75)),
    *((GOOD, 60), (BLOCKED, 75), (GOOD, 60), (LEAK, 75), (GOOD, 60), (CAVITATION, 85)),
)
PUMP: dict[Language, Words] = {
    "ja": Words(
        "時刻,吸込圧[kPa],吐出圧[kPa],流量[L/min],電流[A],振動[mm/s],軸受温度[℃],状態",
        ("正常", "漏れ", "詰まり", "キャビテーション"),
    ),
    "en": Words(
        "time,suction [kPa],discharge [kPa],flow [L/min],current [A],vibration [mm/s],bearing temperature [°C],state",
        ("normal", "leak", "blockage", "cavitation"),
    ),
}


def pump(language: Language = "ja", seed: int = 7) -> bytes:
    """A cooling-water pump every five seconds, six channels: what is wrong shows in several of them together."""
    rng = np.random.default_rng(seed)
    state = _states(PUMPING)
    n = len(state)
    leak, blocked, cavitation = (_eased(state == one, 6) for one in (LEAK, BLOCKED, CAVITATION))
    load = np.sin(2 * np.pi * np.arange(n) / 16) + 0.5 * _wander(n, rng, 50)
    suction = 95 - 2 * load - 35 * cavitation + rng.normal(0, 1, n) * (1 + 3 * cavitation)
    discharge = 410 + 10 * load - 90 * leak + 70 * blocked - 25 * cavitation + rng.normal(0, 3, n)
    flow = 180 + 8 * load + 30 * leak - 60 * blocked - 15 * cavitation + rng.normal(0, 2, n)
    current = 11 + 0.4 * load + 1.5 * leak - 1.5 * blocked + rng.normal(0, 0.1, n)
    vibration = 1.6 + 0.2 * load + 0.4 * blocked + cavitation * (2 + rng.exponential(1.5, n)) + rng.normal(0, 0.1, n)
    bearing = 48 + 3 * _wander(n, rng, 200) + rng.normal(0, 0.1, n)
    columns = np.column_stack([suction, discharge, flow, current, vibration, bearing])
    return _csv(PUMP[language], "2026-11-20T09:00:00", 5, columns, state)


# --- nothing

NOISE: dict[Language, Words] = {
    "ja": Words("時刻,測定値1[mm],測定値2[mm],測定値3[mm],区分", ("甲", "乙", "丙")),
    "en": Words("time,reading 1 [mm],reading 2 [mm],reading 3 [mm],class", ("A", "B", "C")),
}


def noise(language: Language = "ja", seed: int = 7) -> bytes:
    """Independent random readings, and classes that were drawn by lot."""
    rng = np.random.default_rng(seed)
    lots = rng.permutation(np.repeat(np.arange(3), 10))
    state = np.repeat(lots, rng.integers(50, 90, len(lots)))
    return _csv(NOISE[language], "2026-11-24T10:00:00", 1, rng.normal(50, 0.2, (len(state), 3)), state)


# --- all of them


@dataclass(frozen=True, slots=True)
class Example:
    """A set that a screen can offer."""

    title: str
    one_line: str  # what is planted
    make: Callable[[Language, int], bytes]  # (language, seed)


EXAMPLES: dict[str, Example] = {
    "press_line": Example(
        N_("press line (example)"),
        N_("A press for fifty minutes: jams, wear and empty strokes come twice each."),
        press_line,
    ),
    "weekly_demand": Example(
        N_("weekly demand (example)"),
        N_("Shipments, orders and overtime of eight years: a peak before New Year and a lull in summer, every year."),
        weekly_demand,
    ),
    "regimes": Example(
        N_("ways of running (example)"),
        N_("A compressor idles, runs steadily, runs under heavy load, or hunts up and down."),
        regimes,
    ),
    "outliers": Example(
        N_("outliers (example)"),
        N_("A furnace is well; single readings of a thermocouple and of a flow meter are far off at times."),
        outliers,
    ),
    "trends": Example(
        N_("trends (example)"),
        N_("The filter of a dust collector clogs slowly, is blown free slowly, or stays as it is."),
        trends,
    ),
    "pump": Example(
        N_("pump with six channels (example)"),
        N_("A small set: leaks, blockages and cavitation each show in several channels together."),
        pump,
    ),
    "noise": Example(
        N_("nothing but noise (example)"),
        N_("Random numbers with classes drawn by lot: whoever sees something here is fooled."),
        noise,
    ),
}


# --- what they are made of


def _csv(words: Words, start: str, step: int, columns: Floats, state: Ints) -> bytes:
    """Rows of time, channels and state; `step` is in the unit to which `start` is given, days or seconds."""
    first = np.datetime64(start)
    lines = [words.header]
    for i, row in enumerate(columns):
        time = str(first + i * step).replace("-", "/").replace("T", " ")
        lines.append(",".join((time, *(f"{value:.2f}" for value in row), words.states[state[i]])))
    return ("\n".join(lines) + "\n").encode()


def _states(segments: Segments) -> Ints:
    """(n,) the state of each sample."""
    state, samples = np.array(segments).T
    return np.repeat(state, samples)


def _bump(phase: Floats, centre: float, width: float) -> Floats:
    """One smooth rise and fall in each stroke; phase runs from 0 to 1."""
    bump: Floats = np.exp(-0.5 * ((phase - centre) / width) ** 2)
    return bump


def _eased(on: Bools, samples: int = 12) -> Floats:
    """0 … 1, coming and going over a few samples, as faults do."""
    return np.convolve(on, np.ones(samples) / samples, mode="same")


def _wander(n: int, rng: np.random.Generator, samples: int = 300) -> Floats:
    """A slow drift about 0, with a spread of about 1."""
    knots = rng.normal(size=n // samples + 2)
    return np.interp(np.arange(n) / samples, np.arange(len(knots)), knots)
