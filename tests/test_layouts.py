"""The columns of a grid become series, whichever way they lie; no value changes its time or channel."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import layouts
from core.delimited import Dialect
from core.errors import UserError
from core.grids import Grid, grid
from core.layouts import (
    REPEATS,
    Parts,
    Repeats,
    check_series,
    check_values,
    distinct,
    groups_of,
    long,
    looks_like_rows,
    n_repeated,
    rows_as_series,
    texts_of,
    wide,
)
from core.series import Series, Times

NAN = np.nan


def times(*minutes: int) -> Times:
    return np.datetime64("2026-11-23T14:00", "ns") + np.array(minutes) * np.timedelta64(1, "m")


def minutes(one: Series) -> list[int]:
    assert one.time is not None
    return ((one.time - times(0)) // np.timedelta64(1, "m")).tolist()


def parts(values: list[list[float]], time: Times | None = None, label: str = "") -> Parts:
    channels = tuple("abcdef"[: len(values[0])])
    return Parts(channels, np.array(values, dtype=float), time, np.array(label.split()) if label else None, None)


def everything(n: int) -> dict[str | None, np.ndarray]:
    return {None: np.arange(n)}


def table(text: str) -> Grid:
    return grid([text], Dialect())


# ---- groups


def test_rows_are_grouped_by_a_column_in_order_of_first_appearance():
    cells = table("line,a\ny,1\nx,2\ny,3\n,4\n")
    assert {name: rows.tolist() for name, rows in groups_of(cells, "line").items()} == {"y": [0, 2], "x": [1], "": [3]}
    assert list(groups_of(cells, "line")) == ["y", "x", ""]
    assert groups_of(cells, None)[None].tolist() == [0, 1, 2, 3]
    assert texts_of(cells.column("line")).tolist() == ["y", "x", "y", ""]
    assert distinct(cells.column("line")) == ["y", "x"]


def test_a_column_that_differs_too_often_groups_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layouts, "MOST_SERIES", 2)
    with pytest.raises(UserError, match="3 different values"):
        groups_of(table("line\n1\n2\n3\n"), "line")


# ---- a column a channel


def test_rows_are_put_in_order_of_time_or_left_as_they_stand():
    some = parts([[3], [1], [2]], times(3, 1, 2), "late early mid")
    [ordered] = wide(some, everything(3), "keep", ordered=True)
    assert (minutes(ordered), ordered.values[:, 0].tolist(), list(ordered.label)) == (
        [1, 2, 3],
        [1, 2, 3],
        ["early", "mid", "late"],
    )
    [left] = wide(some, everything(3), "keep", ordered=False)
    assert (minutes(left), left.values[:, 0].tolist()) == ([3, 1, 2], [3, 1, 2])


def test_rows_of_one_time_keep_the_order_of_the_file():
    [one] = wide(parts([[1], [2], [3], [4]], times(1, 0, 1, 0)), everything(4), "keep", ordered=True)
    assert one.values[:, 0].tolist() == [2, 4, 1, 3]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(
    ("repeats", "values", "labels"),
    [
        ("keep", [[1, 10], [NAN, 20], [3, 30], [9, 90]], "p q r s"),
        ("first", [[1, 10], [9, 90]], "p s"),
        ("last", [[3, 30], [9, 90]], "r s"),
        ("mean", [[2, 20], [9, 90]], "p s"),
    ],
)
def test_rows_of_one_time_become_one_as_chosen(ordered: bool, repeats: Repeats, values: list[list[float]], labels: str):
    some = parts([[1, 10], [NAN, 20], [3, 30], [9, 90]], times(0, 0, 0, 5), "p q r s")
    [one] = wide(some, everything(4), repeats, ordered=ordered)
    assert np.array_equal(one.values, values, equal_nan=True)
    assert " ".join(one.label) == labels
    assert len(one.time) == len(values)


def test_rows_of_one_time_that_stand_apart_become_one_too():
    some = parts([[1], [2], [5]], times(7, 3, 7))
    for repeats, values in (("first", [1, 2]), ("last", [2, 5]), ("mean", [3, 2])):
        [one] = wide(some, everything(3), repeats, ordered=False)
        assert one.values[:, 0].tolist() == values


def test_the_mean_of_nothing_is_missing_and_that_of_huge_numbers_is_no_infinity():
    some = parts([[NAN, 1.7e308], [NAN, 1.7e308], [1, 5]], times(0, 0, 1))
    [one] = wide(some, everything(3), "mean", ordered=True)
    assert np.array_equal(one.values, [[NAN, 1.7e308], [1, 5]], equal_nan=True)


def test_each_line_is_a_series_of_its_own():
    some = parts([[1], [2], [3], [4]], times(5, 1, 4, 0))
    first, second = wide(some, {"x": np.array([0, 2]), "y": np.array([1, 3])}, "keep", ordered=True)
    assert (first.domain, minutes(first), first.values[:, 0].tolist()) == ("x", [4, 5], [3, 1])
    assert (second.domain, minutes(second), second.values[:, 0].tolist()) == ("y", [0, 1], [4, 2])


def test_a_large_table_is_not_copied():
    some = parts([[1], [2]])
    assert wide(some, everything(2), "keep", ordered=True)[0].values is some.values


moments = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@settings(max_examples=1000, deadline=None)
@given(at=moments, repeats=st.sampled_from(REPEATS), ordered=st.booleans(), data=st.data())
def test_no_row_is_lost_or_moved_whatever_becomes_of_repeated_times(
    at: list[int], repeats: Repeats, ordered: bool, data: st.DataObject
):
    values = data.draw(st.lists(st.sampled_from([NAN, 1.0, 2.0, 4.0]), min_size=len(at), max_size=len(at)))
    [one] = wide(parts([[v] for v in values], times(*at)), everything(len(at)), repeats, ordered=ordered)
    by_time: dict[int, list[float]] = defaultdict(list)
    for t, v in zip(at, values, strict=True):
        by_time[t].append(v)
    if repeats == "keep":
        expected = sorted(enumerate(at), key=lambda pair: pair[1]) if ordered else list(enumerate(at))
        assert np.array_equal(one.values[:, 0], [values[i] for i, _ in expected], equal_nan=True)
        return
    assert sorted(minutes(one)) == sorted(by_time)
    assert not ordered or minutes(one) == sorted(by_time)
    assert n_repeated(times(*at)) == len(at) - len(by_time)
    for t, v in zip(minutes(one), one.values[:, 0], strict=True):
        known = [x for x in by_time[t] if not np.isnan(x)]
        mean = sum(known) / len(known) if known else NAN
        wanted = {"first": by_time[t][0], "last": by_time[t][-1], "mean": mean}[repeats]
        assert np.allclose(v, wanted, equal_nan=True)


# ---- a row a value


def pivot(
    text: str, chosen: tuple[str, ...], repeats: Repeats = "keep", domain: str | None = None
) -> tuple[list[Series], int]:
    """Of columns time (minutes, or none), variable, value, label."""
    cells = table(text)
    time = times(*map(int, cells.column("t").to_pylist())) if "t" in cells.names else None
    label = texts_of(cells.column("label")) if "label" in cells.names else None
    values = np.array([[float(v) if v else NAN] for v in cells.column("value").to_pylist()])
    some = Parts(("value",), values, time, label, None)
    return long(some, groups_of(cells, domain), cells.column("variable"), chosen, repeats)


LONG = "t,variable,value\n0,p,1\n0,q,10\n1,p,2\n3,q,30\n1,q,20\n"


def test_variables_become_channels_on_one_time_axis():
    [one], repeated = pivot(LONG, ("p", "q"))
    assert (minutes(one), one.channels, repeated) == ([0, 1, 3], ("p", "q"), 0)
    assert np.array_equal(one.values, [[1, 10], [2, 20], [NAN, 30]], equal_nan=True)


def test_only_the_chosen_variables_are_used_in_the_order_chosen():
    [one], _ = pivot(LONG, ("q",))
    assert one.values[:, 0].tolist() == [10, 20, 30]
    assert pivot(LONG, ("q", "p"))[0][0].values[0].tolist() == [10, 1]


def test_without_a_clock_the_nth_values_of_all_variables_belong_together():
    [one], _ = pivot("variable,value\np,1\np,2\nq,10\nr,5\nq,20\nq,30\n", ("p", "q"))
    assert one.time is None
    assert np.array_equal(one.values, [[1, 10], [2, 20], [NAN, 30]], equal_nan=True)


@pytest.mark.parametrize(("repeats", "value"), [("keep", 1), ("first", 1), ("last", 5), ("mean", 3)])
def test_two_values_of_one_channel_and_time_become_one_as_chosen(repeats: Repeats, value: float):
    [one], repeated = pivot("t,variable,value\n0,p,1\n0,q,7\n0,p,5\n", ("p", "q"), repeats)
    assert (one.values.tolist(), repeated) == ([[value, 7]], 1)


def test_a_mean_of_missing_and_huge_values_is_right():
    [one], _ = pivot("t,variable,value\n0,p,\n0,p,4\n1,p,\n2,p,1.7e308\n2,p,1.7e308\n", ("p",), "mean")
    assert np.array_equal(one.values[:, 0], [4, NAN, 1.7e308], equal_nan=True)


def test_each_line_of_a_long_table_has_its_own_times_and_its_labels():
    text = "t,line,variable,value,label\n0,x,p,1,good\n5,y,p,2,bad\n0,x,q,3,worse\n6,z,r,4,good\n"
    (x, y), _ = pivot(text, ("p", "q"), domain="line")
    assert (x.domain, minutes(x), list(x.label)) == ("x", [0], ["good"])
    assert (y.domain, minutes(y), list(y.label)) == ("y", [5], ["bad"])
    assert np.array_equal(y.values, [[2, NAN]], equal_nan=True)


def test_variables_that_hardly_ever_share_a_time_are_refused_in_all_lines_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layouts, "MOST_VALUES", 7)
    text = "t,line,variable,value\n0,x,p,1\n1,x,q,2\n0,y,p,3\n1,y,q,4\n"
    with pytest.raises(UserError, match="8 values together; the most is 7"):
        pivot(text, ("p", "q"), domain="line")
    monkeypatch.setattr(layouts, "MOST_VALUES", 8)
    assert len(pivot(text, ("p", "q"), domain="line")[0]) == 2


@settings(max_examples=1000, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.sampled_from("pqr"), st.integers(0, 99)), min_size=1, max_size=15),
    clock=st.booleans(),
    repeats=st.sampled_from(REPEATS),
)
def test_every_value_of_a_long_table_is_found_at_its_time_and_channel(
    rows: list[tuple[int, str, int]], clock: bool, repeats: Repeats
):
    head, skip = ("t,variable,value\n", 0) if clock else ("variable,value\n", 1)
    text = head + "".join(",".join(map(str, row[skip:])) + "\n" for row in rows)
    chosen = tuple(sorted({name for _, name, _ in rows}))
    [one], repeated = pivot(text, chosen, repeats)
    expected: dict[tuple[int, str], list[int]] = defaultdict(list)
    turn: dict[str, int] = defaultdict(int)
    for t, name, value in rows:
        expected[t if clock else turn[name], name].append(value)
        turn[name] += 1
    at = minutes(one) if clock else list(range(len(one.values)))
    found = {(t, name): one.values[i, j] for i, t in enumerate(at) for j, name in enumerate(one.channels)}
    assert {place for place, value in found.items() if not np.isnan(value)} == set(expected)
    pick = {"keep": lambda v: v[0], "first": lambda v: v[0], "last": lambda v: v[-1], "mean": lambda v: sum(v) / len(v)}
    assert all(np.isclose(found[place], pick[repeats](values)) for place, values in expected.items())
    assert repeated == len(rows) - len(expected)


# ---- a row a series


def test_a_row_is_a_series_and_empty_cells_at_its_end_are_no_samples():
    some = parts([[1, 2, 3], [4, NAN, 6], [7, 8, NAN], [NAN, 9, NAN]], label="u v u v")
    found = rows_as_series(some, None, "value")
    assert [one.domain for one in found] == ["1", "2", "3", "4"]
    assert [len(one.values) for one in found] == [3, 3, 2, 2]
    assert np.array_equal(found[3].values, [[NAN], [9]], equal_nan=True)
    assert list(found[2].label) == ["u", "u"]
    assert [one.domain for one in rows_as_series(some, list("wxyz"), "value")] == list("wxyz")


@pytest.mark.parametrize(("check", "most"), [(check_series, 10_000), (check_values, 60_000_000)])
def test_more_than_memory_holds_is_refused(check: object, most: int):
    check(most)
    with pytest.raises(UserError, match=f"the most is {most:,}"):
        check(most + 1)


def smooth(n_rows: int, n_columns: int) -> list[np.ndarray]:
    """Waves of their own level, one a row; by columns."""
    waves = np.sin(np.arange(n_columns) / 5)[None, :] + 10 * np.arange(n_rows)[:, None]
    return list(waves.T)


def test_rows_that_change_little_along_and_much_across_are_series():
    waves = smooth(10, 40)
    label = np.arange(10.0) % 2
    assert looks_like_rows([label, *waves], 41)
    assert not looks_like_rows(waves[:10], 10)  # no wider than tables are
    assert not looks_like_rows(waves, 60)  # twenty columns of words
    samples = [np.cumsum(np.random.default_rng(i).normal(size=200)) + 100 * i for i in range(30)]
    assert not looks_like_rows([np.arange(200.0), *samples], 31)  # thirty sensors


def test_a_grid_without_values_is_no_series():
    assert not looks_like_rows([np.full(5, NAN)] * 30, 30)
