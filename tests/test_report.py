import pytest

from core.report import formula_safe


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_is_disarmed(text):
    assert formula_safe(text) == "'" + text


@pytest.mark.parametrize("text", ["", "見やすい", "3 = 3", "a-b"])
def test_ordinary_text_stays_as_it_is(text):
    assert formula_safe(text) == text
