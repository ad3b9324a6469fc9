"""Generated example data, for a first look without a file of one's own."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Language = Literal["ja", "en"]

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
    """A press line's recording with three planted faults, as a UTF-8 CSV; the last column tells the truth.

    A jam stretches the stroke and takes force and current, wear bursts in the vibration, and an empty stroke presses
    nothing. The oil warms up throughout, which is no fault. The numbers are the same in both languages.
    """
    rng = np.random.default_rng(seed)
    state = np.full(N_SAMPLES, NORMAL)
    for fault, first, last in EPISODES:
        state[first:last] = fault
    columns = _measured(state, rng)
    start = np.datetime64("2026-11-23T08:00:00")
    lines = [HEADERS[language]]
    for i, row in enumerate(columns):
        time = str(start + i).replace("-", "/").replace("T", " ")
        lines.append(",".join((time, *(f"{value:.2f}" for value in row), STATES[language][state[i]])))
    return ("\n".join(lines) + "\n").encode()


def _measured(state: NDArray[np.int64], rng: np.random.Generator) -> Floats:
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


def _bump(phase: Floats, centre: float, width: float) -> Floats:
    """One smooth rise and fall in each stroke; phase runs from 0 to 1."""
    bump: Floats = np.exp(-0.5 * ((phase - centre) / width) ** 2)
    return bump


def _eased(on: NDArray[np.bool_], samples: int = 12) -> Floats:
    """0 … 1, coming and going over a few samples, as faults do."""
    return np.convolve(on, np.ones(samples) / samples, mode="same")


def _wander(n: int, rng: np.random.Generator, samples: int = 300) -> Floats:
    """A slow drift about 0, with a spread of about 1."""
    knots = rng.normal(size=n // samples + 2)
    return np.interp(np.arange(n) / samples, np.arange(len(knots)), knots)
