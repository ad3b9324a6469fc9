"""Somebody who looks on sees one bar that moves; a log gets a line for each stage, and no bar."""

import io

import pytest

from core.progress import Reporter, fitted, wide
from core.views import DRAWING, EMBEDDING
from core.words import Voice


class Screen(io.StringIO):
    """A terminal, as far as a writer can tell."""

    def isatty(self) -> bool:
        return True


def shown(text: str) -> list[str]:
    """What stands on each line in the end, where a carriage return starts a line over."""
    lines = []
    for line in text.split("\n"):
        cells = ""
        for piece in line.split("\r"):
            cells = piece + cells[len(piece) :]
        lines.append(cells.rstrip())
    return lines


def test_a_bar_moves_and_leaves_nothing_behind():
    screen = Screen()
    report = Reporter(Voice("en"), screen)
    report("Map 1", DRAWING, 1, 4)
    assert shown(screen.getvalue()) == ["[#####...............]  25 % Map 1: Drawing the map"]
    report("Map 1", DRAWING, 4, 4)
    assert shown(screen.getvalue()) == ["[####################] 100 % Map 1: Drawing the map"]
    report.line("Done.")
    assert shown(screen.getvalue()) == ["Done.", ""]


def test_a_bar_is_not_drawn_more_often_than_anybody_can_see():
    screen = Screen()
    report = Reporter(Voice("en"), screen)
    for i in range(1000):
        report("Map 1", DRAWING, i, 1000)
    assert screen.getvalue().count("\r") < 100


def test_a_log_gets_a_line_for_each_stage_in_the_readers_language():
    log = io.StringIO()
    report = Reporter(Voice("ja"), log)
    for stage in (EMBEDDING, DRAWING):
        for i in range(5):
            report("地図", stage, i, 5)
    report.clear()
    assert log.getvalue().splitlines() == ["地図: モデルが区間を読んでいます", "地図: 地図を描いています"]


@pytest.mark.parametrize("text", ["map", "地図", "地図 map", "ﾁｽﾞ", ""])
def test_a_text_takes_as_many_columns_as_it_is_given(text):
    assert [wide(fitted(text, columns)) for columns in range(12)] == list(range(12))
    assert fitted(text, 20).rstrip() == text
