"""Series come back from their files as they were, whatever some of them have and others do not."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.artifacts import Store
from core.series import Series
from core.shelf import packed, unpacked

KEY = "ab" * 32


@st.composite
def one(draw: st.DrawFn) -> Series:
    n = draw(st.integers(0, 5))
    values = np.arange(2.0 * n).reshape(n, 2) + draw(st.sampled_from([0, 0.5, np.nan]))
    time = np.datetime64("2026-11-23", "ns") + np.arange(n) * np.timedelta64(7, "s")
    label = np.array(
        draw(st.lists(st.sampled_from(["", "正常", "NA", "long " * 9]), min_size=n, max_size=n)), dtype=str
    )
    return Series(
        domain=draw(st.sampled_from([None, "L1", "ライン"])),
        time=draw(st.sampled_from([None, time])),
        values=values,
        channels=("a", "荷重"),
        label=draw(st.sampled_from([None, label])),
        step=draw(st.sampled_from([None, 0.01])),
        filled=draw(st.sampled_from([None, values > 3])),
    )


def equal(a: object, b: object) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b) or (np.asarray(a).dtype.kind == "f" and np.array_equal(a, b, equal_nan=True))


@settings(max_examples=100, deadline=None)
@given(series=st.lists(one(), min_size=1, max_size=4))
def test_what_was_put_on_the_shelf_comes_back(tmp_path_factory, series: list[Series]):
    store = Store(Path(tmp_path_factory.mktemp("store")))
    meta, arrays = packed(series)
    store.save(KEY, meta, arrays)
    back = unpacked(store.meta(KEY), KEY, store)
    assert len(back) == len(series)
    for mine, other in zip(series, back, strict=True):
        assert (mine.domain, mine.channels, mine.step) == (other.domain, other.channels, other.step)
        assert all(equal(getattr(mine, name), getattr(other, name)) for name in ("time", "values", "label", "filled"))


def test_large_arrays_stay_in_their_files(tmp_path: Path):
    store = Store(tmp_path)
    store.save(KEY, *packed([Series(None, None, np.zeros((1000, 3)), ("a", "b", "c"), None)]))
    [back] = unpacked(store.meta(KEY), KEY, store)
    assert isinstance(back.values, np.memmap)
    assert not back.values.flags.writeable
