"""The numbers of a report, computed a second time: from the exported CSV alone, with pandas, numpy and scipy.

Nothing of the product is imported here. What is computed, and from which source the formula is, is said in the
docstrings of core/; where it draws at random, the same draws are made from the seed that is told there.
"""

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats
from scipy.special import ndtr, ndtri, stdtrit

Frame = pd.DataFrame
Tables = Mapping[str, Frame]
STEPS = 4  # from 1 to 5
DRAWS = 10_000  # of costs and benefits
# Of each its own stream of random numbers, numbered so.
QUANTITIES = (
    "lead_hours lead_rate rater_hours rater_rate it_hours it_rate compute_seconds machine_rate training licences "
    "upkeep_hours decisions used seconds_saved avoided months"
).split()


class Range(NamedTuple):
    """A number, its 95 % range, and of how many people it is."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


class Contrast(NamedTuple):
    size: Range
    p: float | None


def tables(archive: bytes) -> dict[str, Frame]:
    """Each CSV of the archive by its name; no digit is lost."""
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        names = [name for name in zipped.namelist() if name.endswith(".csv")]
        return {name[:-4]: pd.read_csv(zipped.open(name)) for name in names}


# --- means over people


def means(rows: Frame, column: str) -> np.ndarray:
    """Each person's own mean."""
    known = rows.dropna(subset=[column])
    return known.groupby("who", sort=False)[column].mean().to_numpy(float)


def wilson(own: np.ndarray, low: float, high: float, least: float = 0.0) -> Range:
    """Wilson's interval at Student's t, for means between two ends. Source: Korn & Graubard 1998.

    Args:
        least: variance of one answer by the number of answers, where the scale is yes or no.
    """
    n = len(own)
    if n < 2 or (np.ptp(own) == 0 and not least):
        return Range(float(own.mean()) if n else None, n=n)
    share = (own - low) / (high - low)
    mean, z = share.mean(), ndtri(0.975)
    room = mean * (1 - mean)
    k = min(stdtrit(n - 1, 0.975) ** 2 * share.var(ddof=1) / (n * room), z**2 / n) if room else 0.0
    k = max(k, z**2 * least)
    ends = np.roots([1 + k, -(2 * mean + k), mean**2])  # of (mean - p)² = k p (1 - p)
    ends = np.clip(np.sort(ends.real), 0, 1)
    return Range(float(own.mean()), *(low + (high - low) * ends).tolist(), n)


def student(own: np.ndarray) -> Range:
    """Student's interval of a mean."""
    n = len(own)
    if n < 2 or np.ptp(own) == 0:
        return Range(float(own.mean()) if n else None, n=n)
    ends = stats.t.interval(0.95, n - 1, own.mean(), stats.sem(own))
    return Range(float(own.mean()), float(ends[0]), float(ends[1]), n)


def turned(one: Range, by: Callable[[float], float]) -> Range:
    return Range(*(None if end is None else float(by(end)) for end in one[:3]), one.n)


def geometric(rows: Frame, column: str) -> Range:
    timed = rows[rows[column] > 0]
    return turned(student(means(timed.assign(log=np.log(timed[column])), "log")), np.exp)


def sign_flip(own: np.ndarray) -> float | None:
    """Two-sided mid-p of all ways to turn signs. Sources: Fisher 1935, Lancaster 1961."""
    if len(own) < 2:
        return None
    tiny = 1e-9 * np.abs(own).sum()
    if not tiny:
        return 1.0
    sums = np.abs(np.array(list(product([1, -1], repeat=len(own)))) @ own)
    found = abs(own.sum())
    return float(((sums >= found - tiny).mean() + (sums > found + tiny).mean()) / 2)


def holm(given: Mapping[int, float | None]) -> dict[int, float | None]:
    """Raised for their number; what is not known is not counted. Source: Holm 1979."""
    known = sorted((p, name) for name, p in given.items() if p is not None)
    raised: dict[int, float | None] = dict.fromkeys(given)
    highest = 0.0
    for i, (p, name) in enumerate(known):
        highest = max(highest, p * (len(known) - i))
        raised[name] = min(highest, 1.0)
    return raised


# --- what people say of maps


class Opinion(NamedTuple):
    score: Range
    n_cannot_tell: int
    counts: tuple[int, ...]
    right: Range
    chance: float | None
    seconds: Range
    quiz_seconds: Range


def opinions(answers: Frame) -> dict[int, Opinion]:
    """By number of map, of those that anybody was asked about, in the order of the answers."""
    asked = answers[answers["kind"].isin(["view", "quiz"])]
    return {int(number): _opinion(asked[asked["map"] == number]) for number in asked["map"].unique()}


def _opinion(rows: Frame) -> Opinion:
    rated = rows[rows["kind"] == "view"]
    chance = means(rows.dropna(subset=["right"]), "chance")
    return Opinion(
        wilson(means(rated, "score"), 1, 5),
        int(rated["cannot_tell"].sum()),
        tuple(int((rated["score"] == step).sum()) for step in range(1, 6)),
        wilson(means(rows, "right"), 0, 1, 1 / max(1, int(rows["right"].notna().sum()))),
        float(chance.mean()) if len(chance) else None,
        geometric(rated, "seconds"),
        geometric(rows, "quiz_seconds"),
    )


def clearer(answers: Frame, a: int, b: int) -> Contrast:
    """How many steps map a is clearer than b: within people if two have rated both, else by Welch's t (1947)."""
    rated = answers[(answers["kind"] == "view") & answers["score"].notna()]
    one, other = (rated[rated["map"] == number].groupby("who")["score"].mean() for number in (a, b))
    own = (one - other).dropna().to_numpy()
    if len(own) > 1:
        return Contrast(wilson(own, -STEPS, STEPS), sign_flip(own))
    n = len(one) + len(other)
    if not min(len(one), len(other)):
        return Contrast(Range(None, n=n), None)
    if min(len(one), len(other)) < 2 or not (one.var() or other.var()):
        return Contrast(Range(float(one.mean() - other.mean()), n=n), None)
    test = stats.ttest_ind(one, other, equal_var=False)
    ends = test.confidence_interval(0.95)
    low, high = max(-STEPS, float(ends.low)), min(STEPS, float(ends.high))
    return Contrast(Range(float(one.mean() - other.mean()), low, high, n), float(test.pvalue))


def direction(one: Contrast, p: float | None) -> int:
    """1 clearer beyond chance, -1 less clear, 0 it cannot be told."""
    low, high = one.size.low, one.size.high
    if low is None or high is None or p is None or p > 0.05 or low <= 0 <= high:
        return 0
    return 1 if low > 0 else -1


def with_and_without(answers: Frame) -> tuple[Contrast, Contrast]:
    """Right answers, a difference; and time, a ratio: within people and kinds of quiz."""
    rows = answers[answers["kind"].isin(["view", "quiz", "plain"]) & answers["right"].notna()]
    rows = rows.assign(log=np.log(rows["quiz_seconds"].where(rows["quiz_seconds"] > 0)), has=rows["kind"] != "plain")
    gain, ratio = (_with_less_without(rows, column) for column in ("right", "log"))
    time = student(ratio)
    return Contrast(wilson(gain, -1, 1), sign_flip(gain)), Contrast(turned(time, np.exp), sign_flip(ratio))


def _with_less_without(rows: Frame, column: str) -> np.ndarray:
    cells = rows.dropna(subset=[column]).pivot_table(
        index=["who", "quiz"], columns="has", values=column, aggfunc="mean"
    )
    return (cells[True] - cells[False]).dropna().groupby("who").mean().to_numpy()


class Checks(NamedTuple):
    n_checked: int
    failed: frozenset[int]
    n_saw_noise: int
    noise_seers: frozenset[int]
    n_repeats: int
    within_one: float | None
    apart: float | None
    kappa: float | None


def checks(answers: Frame) -> Checks:
    kind = dict(iter(answers.groupby("kind")))
    first = kind["view"].drop_duplicates(["who", "map"]).set_index(["who", "map"])["score"]
    again = kind["repeat"].join(first.rename("first"), on=["who", "map"]).dropna(subset=["score", "first"])
    apart = (again["score"] - again["first"]).abs()
    # Cohen's kappa 1968: the square of a difference weighs, against pairs of the same scores put together anyhow.
    by_chance = np.subtract.outer(again["score"].to_numpy(), again["first"].to_numpy()) ** 2
    kappa = 1 - float((apart**2).mean() / by_chance.mean()) if len(again) and by_chance.any() else None
    checked = kind["check"].dropna(subset=["right"])
    return Checks(
        checked["who"].nunique(),
        frozenset(checked[checked["right"] == 0]["who"]),
        kind["noise"]["who"].nunique(),
        frozenset(kind["noise"][kind["noise"]["score"] >= 4]["who"]),
        len(again),
        float((apart <= 1).mean()) if len(again) else None,
        float(apart.mean()) if len(again) else None,
        kappa,
    )


# --- what was expected


def expected(tables: Tables) -> dict[str, Counter[str]]:
    """Of the error and of clarity: how often what was expected came true, did not, or cannot be told."""
    found: dict[str, Counter[str]] = {"error": Counter(), "clarity": Counter()}
    maps = tables["maps"].dropna(subset=["compared_with"])
    pairs = {int(one["map"]): int(one["compared_with"]) for _i, one in maps.iterrows()}
    clarity = {after: clearer(tables["answers"], after, before) for after, before in pairs.items()}
    p = holm({after: one.p for after, one in clarity.items()})
    for _i, one in maps.iterrows():
        after = int(one["map"])
        change = error_change(tables, pairs[after], after) or Range(None)
        way = 0 if change.low is None else -1 if change.high < 0 else int(change.low > 0)
        ways = {
            "error": (change, way, 0.05),
            "clarity": (clarity[after].size, direction(clarity[after], p[after]), 0.5),
        }
        for part, told in ways.items():
            if isinstance(said := one[f"expected_{part}"], str):
                found[part][_came_true(said, *told)] += 1
    return found


def _came_true(said: str, one: Range, way: int, alike: float) -> str:
    """More or less counts beyond chance; alike is what lies within the margin as a whole (Schuirmann 1987)."""
    if one.low is None or one.high is None:
        return "open"
    if said in (ways := {"falls": -1, "rises": 1, "clearer": 1, "less": -1}):
        return "yes" if way == ways[said] else "no" if way or one.low == one.high == 0 else "open"
    if -alike <= one.low and one.high <= alike:
        return "yes"
    return "no" if way and (one.low > alike or one.high < -alike) else "open"


def tally(tables: Tables) -> dict[str, int]:
    """What the changes did to understandability; p is raised for all of them."""
    maps = tables["maps"].dropna(subset=["compared_with"])
    each = {
        int(one["map"]): clearer(tables["answers"], int(one["map"]), int(one["compared_with"]))
        for _i, one in maps.iterrows()
    }
    p = holm({name: one.p for name, one in each.items()})
    ways = Counter(direction(one, p[name]) for name, one in each.items() if one.size.value is not None)
    asked = sum(ways.values())
    return {"n": len(each), "clearer": ways[1], "less": ways[-1], "open": ways[0], "not asked": len(each) - asked}


# --- how far they agree


def scores(answers: Frame) -> np.ndarray:
    """(people, maps) first scores of maps that two people have rated; NaN where there is none."""
    rated = answers[(answers["kind"] == "view") & answers["score"].notna()].drop_duplicates(["who", "map"])
    wide = rated.pivot_table(index="who", columns="map", values="score", sort=False)
    wide = wide.loc[:, wide.notna().sum() > 1]
    return wide[wide.notna().any(axis=1)].to_numpy(float)


def people_drawn(n: int) -> np.ndarray:
    """(2000, n) how often each person comes in each bootstrap sample, as core/agreement.py draws them."""
    return np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), 2000)


def expanded(value: float, found: np.ndarray, n: int) -> Range:
    """With the percentiles of bootstrap samples that Student's t asks for. Source: Hesterberg 2015."""
    found = found[~np.isnan(found)]
    if not len(found) or np.ptp(found) < 1e-9:
        return Range(value, n=n)
    tail = float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.025)))
    low, high = np.quantile(found, [tail, 1 - tail])
    return Range(value, float(low), float(high), n)


def alpha(answers: Frame) -> Range:
    """Krippendorff's, for ordinal scores, from the table of coincidences (Krippendorff 2011)."""
    given = scores(answers)
    n = len(given)
    drawn = np.array([_alpha(given, times) for times in people_drawn(n)])
    return expanded(_alpha(given, np.ones(n)), drawn, n)


def _alpha(given: np.ndarray, times: np.ndarray) -> float:
    """Of people of whom each counts so many times, and is never paired with him- or herself."""
    both = np.zeros((5, 5))
    for item in given.T:
        there = np.flatnonzero(~np.isnan(item) & (times > 0))
        weight = np.outer(times[there], times[there]).astype(float)
        np.fill_diagonal(weight, 0)
        if weight.sum():
            value = item[there].astype(int) - 1
            np.add.at(both, (value[:, None], value[None, :]), weight * times[there].sum() / weight.sum())
    total = both.sum(axis=1)
    steps = np.cumsum(total) - total / 2
    apart = (steps[:, None] - steps[None, :]) ** 2
    expected = (np.outer(total, total) * apart).sum()
    return float(1 - (total.sum() - 1) * (both * apart).sum() / expected) if expected else np.nan


def icc(answers: Frame) -> tuple[Range, Range, int, int] | None:
    """ICC(A,1), ICC(A,k), of how many people and maps (McGraw & Wong 1996, table 4 and 7), of whoever rated all."""
    whole = _whole(scores(answers))
    k, n = whole.shape
    if k < 2 or n < 2:
        return None
    of_map, of_person = whole.mean(axis=0), whole.mean(axis=1)
    rest = whole - of_map - of_person[:, None] + whole.mean()
    msr, msc = k * of_map.var(ddof=1), n * of_person.var(ddof=1)
    mse = (rest**2).sum() / ((n - 1) * (k - 1))
    value = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    below, above = stats.f.ppf(0.975, n - 1, freedom), stats.f.ppf(0.975, freedom, n - 1)
    low = n * (msr - below * mse) / (below * (k * msc + (k * n - k - n) * mse) + n * msr)
    high = n * (above * msr - mse) / (k * msc + (k * n - k - n) * mse + n * above * msr)
    single = Range(float(value), float(low), float(high), k)
    return single, turned(single, lambda one: k * one / (1 + (k - 1) * one)), k, n


def _whole(given: np.ndarray) -> np.ndarray:
    """Without holes: the person or map with the largest share of them is left out, a person first."""
    while np.isnan(given).any():
        of_person, of_map = np.isnan(given).mean(axis=1), np.isnan(given).mean(axis=0)
        if of_person.max() >= of_map.max():
            given = np.delete(given, of_person.argmax(), axis=0)
        else:
            given = np.delete(given, of_map.argmax(), axis=1)
    return given


# --- numbers on maps against people

MEASURES = {  # 1 where more is better
    "error": -1,
    "trustworthiness": 1,
    "continuity": 1,
    "neighbours_kept": 1,
    "silhouette": 1,
}


def alignment(tables: Tables) -> dict[tuple[str, str], Contrast]:
    """Spearman's correlation of each number with scores, and with right answers of rated maps; p after Holm."""
    maps, answers = tables["maps"].set_index("map"), tables["answers"]
    rated = answers[answers["kind"] == "view"]
    found = {
        (name, column): _aligned(sign * maps[name].dropna(), rated.dropna(subset=[column]), column)
        for column in ("score", "right")
        for name, sign in MEASURES.items()
    }
    keys = list(found)
    p = holm({i: found[key].p for i, key in enumerate(keys)})
    return {key: Contrast(found[key].size, p[i]) for i, key in enumerate(keys)}


def _aligned(numbers: pd.Series, rows: Frame, column: str) -> Contrast:
    rows = rows[rows["map"].isin(numbers.index)]
    total = rows.pivot_table(index="who", columns="map", values=column, aggfunc="sum", sort=False).fillna(0).to_numpy()
    wide = rows.pivot_table(index="who", columns="map", values=column, aggfunc="count", sort=False).fillna(0)
    times, number = wide.to_numpy(), numbers.loc[wide.columns].to_numpy()
    n_people, n = times.shape
    said = total.sum(axis=0) / times.sum(axis=0)
    if n < 4 or not np.ptp(number) or not np.ptp(said):
        return Contrast(Range(None, n=n), None)
    value = float(stats.spearmanr(number, said).statistic)
    orders = [abs(stats.spearmanr(number, said[list(order)]).statistic) for order in permutations(range(n))]
    p = float(np.mean(np.array(orders) >= abs(value) - 1e-9))
    drawn = people_drawn(n_people)
    with np.errstate(invalid="ignore"):
        each = _spearman(number, (drawn @ total) / (drawn @ times))
    ends = expanded(value, each, n_people)
    return Contrast(Range(value, value, value, n) if ends.low is None else ends, p)


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of x with each row of y, by the maps that it has; NaN where one of the two is constant."""
    found = np.full(len(y), np.nan)
    for there in np.unique(~np.isnan(y), axis=0):
        rows = (~np.isnan(y) == there).all(axis=1)
        one = stats.rankdata(x[there]) - (there.sum() + 1) / 2
        other = stats.rankdata(y[rows][:, there], axis=1) - (there.sum() + 1) / 2
        size = np.sqrt((one**2).sum() * (other**2).sum(axis=1))
        found[rows] = np.divide(other @ one, size, out=np.full(len(size), np.nan), where=size > 0)
    return found


# --- pairs


class Ranking(NamedTuple):
    wins: dict[int, Range]  # the clearest first
    winner: int | None
    first: Range
    n_people: int
    n_chosen: int
    n_undecided: int


def ranking(answers: Frame) -> Ranking:
    """Bradley–Terry with one undecided pair of each map as a prior, by Hunter's MM algorithm (2004)."""
    pairs = answers[answers["kind"] == "pair"]
    maps, people = (list(dict.fromkeys(one)) for one in (pairs[["map", "other_map"]].to_numpy().ravel(), pairs["who"]))
    games, chosen = np.zeros((len(people), len(maps), len(maps))), np.zeros((len(people), 2))
    for one in pairs.itertuples():
        r, i, j = people.index(one.who), maps.index(one.map), maps.index(one.other_map)
        share = 0.5 if pd.isna(one.preferred) else float(one.preferred == one.map)
        games[r, i, j] += share
        games[r, j, i] += 1 - share
        chosen[r] += 0 if pd.isna(one.preferred) else (share, 1)
    drawn, n = people_drawn(len(people)).astype(float), len(people)
    strength = _strengths(games.sum(axis=0)[None])[0]
    others = _strengths(np.tensordot(drawn[:1000], games, 1))
    value, found = _wins(strength[None])[0], _wins(others)
    order = np.argsort(-strength, kind="stable")
    leads = [expanded(strength[order[0]] - strength[i], others[:, order[0]] - others[:, i], n) for i in order[1:]]
    is_first = all((one.value if one.low is None else one.low) > 0 for one in leads)  # type: ignore[operator]
    firsts = drawn @ chosen
    with np.errstate(invalid="ignore"):
        side = expanded(float(chosen[:, 0].sum() / chosen[:, 1].sum()), firsts[:, 0] / firsts[:, 1], n)
    return Ranking(
        {int(maps[i]): expanded(float(value[i]), found[:, i], n) for i in order},
        int(maps[order[0]]) if is_first else None,
        side,
        n,
        int(chosen[:, 1].sum()),
        len(pairs) - int(chosen[:, 1].sum()),
    )


def _strengths(games: np.ndarray) -> np.ndarray:
    """(m, n) logarithms of strengths about their mean, of (m, n, n) wins."""
    n = games.shape[1]
    games = games + 0.5 / (n - 1) * (1 - np.eye(n))
    wins, met = games.sum(axis=2), games + games.transpose(0, 2, 1)
    strength = np.ones(wins.shape)
    for _round in range(5000):
        before = strength
        strength = wins / (met / (strength[:, :, None] + strength[:, None, :])).sum(axis=2)
        strength = strength / np.exp(np.log(strength).mean(axis=1, keepdims=True))
        if np.abs(strength / before - 1).max() < 1e-12:
            break
    return np.log(strength)


def _wins(strength: np.ndarray) -> np.ndarray:
    against = special.expit(strength[:, :, None] - strength[:, None, :])
    return (against.sum(axis=2) - 0.5) / (strength.shape[1] - 1)


# --- what the model gets wrong


def errors(tables: Tables, number: int) -> Range:
    """The mean over stretches, with its range from blocks of time."""
    rows = _of_map(tables, number)
    if not len(rows):
        return Range(None)
    value = float(rows["error"].mean())
    if _n_apart(rows) < 20:
        return Range(value)
    low, high = value * np.exp(_reach(_shares(rows), rows))
    return Range(value, float(low), float(high))


def error_change(tables: Tables, before: int, after: int) -> Range | None:
    """Relative; of the same stretches the same blocks are drawn, of others by Zou & Donner 2008."""
    was, now = errors(tables, before), errors(tables, after)
    if was.value is None or now.value is None:
        return None
    old, new, ratio = _of_map(tables, before), _of_map(tables, after), now.value / was.value
    if None in (was.low, now.low):
        return Range(ratio - 1)
    if old[["series", "start", "length"]].equals(new[["series", "start", "length"]]):
        ends = np.log(ratio) + _reach(_shares(new) - _shares(old), new)
    else:
        logs = {name: np.log(np.array(one[:3], float)) for name, one in (("was", was), ("now", now))}
        (w, wl, wh), (m, ml, mh) = logs["was"], logs["now"]
        ends = np.log(ratio) + np.array([-np.hypot(m - ml, wh - w), np.hypot(mh - m, w - wl)])
    return Range(ratio - 1, *(np.exp(ends) - 1).tolist())


def _of_map(tables: Tables, number: int) -> Frame:
    every = tables["window_errors"]
    return every[every["map"] == number].reset_index(drop=True)


def _n_apart(rows: Frame) -> int:
    return len(
        {(series, start // rows["length"][0]) for series, start in zip(rows["series"], rows["start"], strict=True)}
    )


def _shares(rows: Frame) -> np.ndarray:
    return (rows["error"] / rows["error"].sum() - 1 / len(rows)).to_numpy()


def _reach(added: np.ndarray, rows: Frame) -> np.ndarray:
    """Where 95 % of 2,000 draws of blocks of time lie, which Student's t makes wider (core/recognition.py)."""
    sums = np.bincount(_blocks(rows), added)
    n = len(sums)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), 2000) - 1
    wider = stdtrit(n - 1, 0.975) / ndtri(0.975) * np.sqrt(n / (n - 1))
    return np.quantile(drawn @ sums * wider, [0.025, 0.975])


def _blocks(rows: Frame) -> np.ndarray:
    """Numbers of unbroken blocks: at least four lengths of a stretch or a fifteenth of all, and at most a tenth."""
    n, length = len(rows), int(rows["length"][0])
    step = rows.groupby("series")["start"].diff().dropna().median()
    size = max(1, min(round(max(4 * length / max(1, step), n / 15)), n // 10))
    blocks, done = [], 0
    for _series, own in rows.groupby("series", sort=False):
        n_blocks = max(1, round(len(own) / size))
        blocks.append(done + np.arange(len(own)) * n_blocks // len(own))
        done += n_blocks
    return np.concatenate(blocks)


# --- money


class Money(NamedTuple):
    outcomes: dict[str, tuple[float, float, float]]  # median, 5 %, 95 %
    payback: tuple[float, float, float]  # inf: not within the months that count
    n_pays: int
    likely: float
    swings: dict[str, tuple[float, float]]
    break_even: float


def money(tables: Tables) -> Money:
    """10,000 draws of PERT distributions (Malcolm et al. 1959), each quantity from a stream of its own."""
    given = tables["money"].set_index("name")
    rows = {name: tuple(given.loc[name, ["low", "likely", "high"]].astype(float)) for name in QUANTITIES}
    flow = _flow({name: _pert(*rows[name], np.random.default_rng([0, i])) for i, name in enumerate(QUANTITIES)})
    likely = {name: one[1] for name, one in rows.items()}
    ends = {name: tuple(_flow(likely | {name: one[end]})["net"] for end in (0, 2)) for name, one in rows.items()}
    none, hour = (_flow(likely | {"seconds_saved": seconds})["net"] for seconds in (0.0, 3600.0))
    gain = flow["saved"] - flow["monthly"]
    with np.errstate(divide="ignore", invalid="ignore"):
        after = np.where(gain > 0, flow["once"] / gain, np.inf)
    after = np.where(after <= flow["months"], after, np.inf)
    return Money(
        {name: _middle(flow[name]) for name in ("once", "monthly", "saved", "net")},
        _middle(after),
        int((flow["net"] > 0).sum()),
        float(_flow(likely)["net"]),
        dict(sorted(ends.items(), key=lambda one: -abs(one[1][1] - one[1][0]))),
        float(-none / (hour - none) * 3600),
    )


def _pert(low: float, likely: float, high: float, random: np.random.Generator) -> np.ndarray:
    if low == high:
        return np.full(DRAWS, likely)
    a, b = (1 + 4 * part / (high - low) for part in (likely - low, high - likely))
    return low + (high - low) * random.beta(a, b, DRAWS)


def _flow(v: Mapping[str, Any]) -> dict[str, Any]:
    once = sum(v[f"{role}_hours"] * v[f"{role}_rate"] for role in ("lead", "rater", "it"))
    once = once + v["compute_seconds"] / 3600 * v["machine_rate"] + v["training"]
    monthly = v["licences"] + v["upkeep_hours"] * v["it_rate"]
    saved = v["decisions"] * v["used"] / 100 * v["seconds_saved"] / 3600 * v["rater_rate"] + v["avoided"]
    return {
        "once": once,
        "monthly": monthly,
        "saved": saved,
        "months": v["months"],
        "net": v["months"] * (saved - monthly) - once,
    }


def _middle(values: np.ndarray) -> tuple[float, float, float]:
    median, low, high = np.quantile(values, [0.5, 0.05, 0.95], method="inverted_cdf").tolist()
    return median, low, high


def measured(tables: Tables) -> dict[str, tuple[float, float, float]]:
    """Low, likely and high of what the app has measured: people's hours, and what a map saves a decision."""
    answers = tables["answers"]
    hours = float(answers["seconds"].sum() + answers["quiz_seconds"].sum()) / 3600
    ratio = with_and_without(answers)[1].size
    alone = answers[(answers["kind"] == "plain") & (answers["quiz_seconds"] > 0)]
    usual = geometric(alone, "quiz_seconds").value
    stretch = 1 / (1 - 2 * special.betaincinv(3, 3, 0.025))
    low, high = (usual * (1 - ratio.value * (end / ratio.value) ** stretch) for end in (ratio.high, ratio.low))
    saved = low, usual * (1 - ratio.value), high
    return {"lead_hours": _at_screens(tables["hours"]), "rater_hours": (hours,) * 3, "seconds_saved": saved}


def _at_screens(visits: Frame) -> tuple[float, float, float]:
    """Hours of visits, none of which overlap, with pauses between them of up to 5, 15 and 30 minutes."""
    began, last = (pd.to_datetime(visits[column]) for column in ("began_at", "last_at"))
    stayed, pauses = (last - began).sum(), (began - last.shift()).dropna()
    low, likely, high = (stayed + pauses[pauses <= pd.Timedelta(minutes=n)].sum() for n in (5, 15, 30))
    return low / pd.Timedelta(hours=1), likely / pd.Timedelta(hours=1), high / pd.Timedelta(hours=1)
