from collections import Counter

from core.studies import order


def test_the_same_rater_sees_the_same_order_after_a_reload():
    assert order(["a", "b", "c", "d"], 7, "rater") == order(["a", "b", "c", "d"], 7, "rater")


def test_everybody_sees_every_view_once():
    assert sorted(order(["a", "b", "c"], 7, "x")) == ["a", "b", "c"]


def test_over_many_raters_every_view_comes_first_about_equally_often():
    first = Counter(order(["a", "b", "c", "d"], 7, f"rater {i}")[0] for i in range(2000))
    assert all(420 < n < 580 for n in first.values())  # 500 expected, four standard deviations of chance
