"""Whatever was decided about a file is said in a sentence, and an ordinary file says nothing."""

import numpy as np
import pytest

from core.layouts import REPEATS
from core.notices import REPEATED, REPEATED_LONG, n_uneven
from core.tables import open_file, read

CLOCK = [f"2026-11-23 14:{i:02}" for i in range(40)]


def said(text: str | bytes, **changes: object) -> list[str]:
    """What the program says about a file that it reads by itself, but for the changes that a person makes."""
    data = text if isinstance(text, bytes) else text.encode()
    reading, table = open_file(data)
    if changes:
        table = read(data, type(reading)(**{f: getattr(reading, f) for f in reading.__slots__} | changes))
    return [notice.message.format(**notice.facts) for notice in table.notices]


def rows(*values: object) -> str:
    return "time,load\n" + "".join(f"{at},{value}\n" for at, value in zip(CLOCK, values, strict=False))


def test_an_ordinary_file_says_nothing():
    assert said(rows(*(i / 8 for i in range(40)))) == []
    assert said("load\n" + "".join(f"{i}.5\n" for i in range(20))) == []


def test_a_guessed_encoding_is_told_and_a_sure_one_is_not():
    [one] = said("time,Temp [°C]\n2026-11-23,1.5\n2026-11-24,2.5\n".encode("cp1252"))
    assert one == "Which characters the file is written in is a guess: cp1252. Check that the words look right."
    for name in ("utf-8", "utf-8-sig", "utf-16", "cp932", "iso2022_jp"):
        assert said("時刻,温度\n2026-11-23,1.5\n2026-11-24,2.5\n".encode(name)) == []


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ('a,b\n"1,234",5\n"2,345",6\n', "“1,234” was read as 1234"),
        ("a;b\n1,234;5\n2,345;6\n", "“1,234” was read as 1.234"),
        ('a,b\n"1,234.5",5\n"2,345",6\n', None),
        ("a;b\n1,23;5\n2,345;6\n", None),
        ("a;b\n0,234;5\n2,345;6\n", None),
        ("a;b\n1.234;5\n2.345;6\n", None),
        ("a;b;c\n1,234;5;x, y\n2,345;6;z, y\n", "“1,234” was read as 1.234"),  # words tell nothing about numbers
    ],
)
def test_a_number_that_could_be_a_thousand_times_as_large_is_told(text: str, doubt: str | None):
    found = said(text)
    assert (
        (found == [])
        if doubt is None
        else (doubt in found[0] and "correct the decimal and thousands marks" in found[0])
    )


def test_a_word_among_the_numbers_does_not_hide_the_doubt():
    text = "a;b\n" + "".join(f"{i},234;5\n" for i in range(1, 20)) + "error, see log;6\n"
    assert any("“1,234” was read as 1.234" in one for one in said(text))


def test_a_sentinel_is_told_in_whatever_notation_it_is_written():
    values = [20 + i / 8 for i in range(30)]
    for mark in ("-9999", "9999.00", "+9999", "9.91E+37"):
        [one] = said(rows(*values, mark, mark))
        assert (
            one == f"{mark} lies far from all other values and looks like a mark for “no value”; it counts as missing."
        )
    grouped = "a;b\n" + "".join(f"{i},25;5\n" for i in range(20)) + "9.999,00;6\n"
    assert "9.999,00 lies far" in said(grouped)[0]
    assert said(rows(*values, "9999"))[0].startswith("9999")
    assert said(rows(*(9990 + i for i in range(20)))) == []  # an ordinary 9999 within range


def test_infinite_and_unreadable_values_are_counted_with_an_example():
    found = said(rows(*(i / 8 for i in range(30)), "1e400", "-inf", "broken", "x"))
    assert found == [
        "“load” has 2 infinite values; they count as missing.",
        "“load” has 2 cells that are no numbers, such as “broken” in line 34; they count as missing.",
    ]


def test_repeated_unordered_and_uneven_times_are_told_with_what_was_done():
    text = "time,load\n" + "".join(f"{CLOCK[i]},{n}\n" for n, i in enumerate([0, 1, 2, 4, 3, 5, 5, 9]))
    uneven = (
        "1 steps in time are not like the others. Samples are taken as evenly spaced, "
        "unless the preparation brings them to an even grid."
    )
    assert said(text) == [
        "The times run backwards in 1 places; the rows were put in order of time.",
        "1 rows have the same time as another row; all were kept, in the order of the file.",
        uneven,
    ]
    left = said(text, ordered=False, repeats="mean")
    assert left == [
        "The times run backwards in 1 places; the rows were left as they stand in the file.",
        "1 rows have the same time as another row; their mean was taken.",
        uneven,
    ]


def test_lines_that_take_turns_are_each_in_order():
    text = "time,line,load\n" + "".join(
        f"{CLOCK[10 - k]},L{k},{k + i}\n{CLOCK[11 - k]},L{k},{i}\n" for i in range(1) for k in range(3)
    )
    assert said(text, domain="line", label=None, channels=("load",)) == []


def test_every_policy_has_a_sentence_of_its_own():
    assert set(REPEATED) == set(REPEATED_LONG) == set(REPEATS)
    assert len(set(REPEATED.values())) == 4
    assert len(set(REPEATED_LONG.values())) == 3  # two values of one channel and time cannot both stay


def test_places_without_a_value_in_a_long_table_are_counted():
    text = "time,variable,value\n" + "".join(f"{CLOCK[i // 2]},{'pq'[i % 2]},{i}\n" for i in range(20))
    assert said(text) == []
    assert said(text + f"{CLOCK[0]},p,5\n{CLOCK[20]},q,7\n") == [
        "1 rows have the same time and channel as another row; the first one of each was kept.",
        "Not every channel has a value at every time: 1 places are empty.",
    ]


def test_steps_are_uneven_when_they_differ_by_more_than_half_from_the_usual_one():
    base = np.datetime64("2026-11-23", "ns")
    seconds = lambda *s: base + np.array(s) * np.timedelta64(1, "s")  # noqa: E731
    assert n_uneven(seconds(0, 10, 20, 34, 40)) == 0
    assert n_uneven(seconds(0, 10, 20, 36, 40)) == 2
    assert n_uneven(seconds(20, 0, 10, 10)) == 0  # order and repetition are told otherwise
    assert n_uneven(seconds(5)) == n_uneven(seconds(5, 5)) == 0
