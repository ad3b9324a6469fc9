"""Every column has one name of its own, with its unit where the file tells it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UserError
from core.headings import MOST_COLUMNS, check_width, last_named, looks_like_units, names_of, unique_names


def test_repeated_and_empty_headers_become_unique_names():
    assert unique_names(["a", "a", "a (2)", "", "a"]) == ("a", "a (3)", "a (2)", "column 4", "a (4)")


@settings(max_examples=500, deadline=None)
@given(heading=st.lists(st.sampled_from(["", "a", "b", "a (2)", "a (3)", "column 1", "column 2", "column 2 (2)"])))
def test_no_two_columns_ever_share_a_name_and_a_name_of_its_own_stays(heading: list[str]):
    names = unique_names(heading)
    assert len(set(names)) == len(names) == len(heading)
    first = {heading.index(name) for name in heading if name}
    assert all(names[i] == heading[i] for i in first)


@pytest.mark.parametrize(
    "row",
    [
        "s,kN,℃",
        "-,mm/s,%",
        "[s],[kN],[°C]",
        "(sec),(MPa),(rpm)",
        ",m/s²,dB",
        "秒,個,度",
        "yyyy/mm/dd,V,mA",
        "[],[kN],[C]",
    ],
)
def test_a_row_of_units_is_known_as_one(row: str):
    assert looks_like_units(row.split(","))


@pytest.mark.parametrize("row", ["time,load,temp", "-,-,-", "1,2,3", "", ",", "2026/11/23 14:05,-,-", "ok,bad,ok"])
def test_names_data_and_dashes_are_no_units(row: str):
    assert not looks_like_units(row.split(","))


def test_names_above_one_another_become_one_and_take_their_unit():
    assert names_of([["time", "load"]]) == ["time", "load"]
    assert names_of([["time", "load", "n"], ["", "[kN]", "-"]]) == ["time", "load [kN]", "n"]
    assert names_of([["", "CH1", "CH2"], ["time", "load", "temp"]]) == ["time", "CH1 load", "CH2 temp"]
    assert names_of([["", "CH1"], ["time", "load"], ["s", "(kN)"]]) == ["time [s]", "CH1 load [kN]"]
    assert names_of([["load", "load"], ["load", "max"]]) == ["load", "load max"]  # nothing is said twice


def test_rows_of_a_heading_may_be_of_different_length():
    assert names_of([["time", "load", "temp"], ["s", "kN"]]) == ["time [s]", "load [kN]", "temp"]


def test_the_last_named_column_counts_from_one():
    assert [last_named(row) for row in ([], ["", ""], ["a", ""], ["", "b"], ["a", "", "c", ""])] == [0, 0, 1, 2, 3]


def test_more_columns_than_a_table_has_are_refused():
    check_width(MOST_COLUMNS)
    with pytest.raises(UserError, match="1001 columns; the most is 1000"):
        check_width(MOST_COLUMNS + 1)
