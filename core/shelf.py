"""Series as files of the artifact store: one below the other, so that ten thousand are a handful of files too."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from core.artifacts import Store
from core.series import Series

OPTIONAL = ("time", "label", "filled")  # arrays that a series may do without


def packed(series: Sequence[Series]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What to put into a meta.json, and the arrays beside it. All series have the same channels.

    Some may have a clock, a label or filled values, and others not: `has` tells, for each of these, which have it.
    """
    arrays: dict[str, Any] = {"values": _together([one.values for one in series])}
    has: dict[str, list[bool]] = {}
    for name in OPTIONAL:
        own = [getattr(one, name) for one in series]
        has[name] = [array is not None for array in own]
        if any(has[name]):
            arrays[name] = _together([array for array in own if array is not None])
    words: list[str] = []
    if "label" in arrays:
        coded = pa.array(arrays["label"].astype(object), pa.string()).dictionary_encode()
        words, arrays["label"] = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    meta = {
        "domains": [one.domain for one in series],
        "lengths": [len(one.values) for one in series],
        "steps": [one.step for one in series],
        "channels": list(series[0].channels),
        "labels": words,
        "has": has,
    }
    return meta, arrays


def unpacked(meta: Mapping[str, Any], key: str, store: Store) -> tuple[Series, ...]:
    """The same series; their arrays stay in their files until somebody looks at them."""
    arrays = {name: store.array(key, name, mapped=True) for name in ("values", *OPTIONAL) if store.holds(key, name)}
    if "label" in arrays:
        arrays["label"] = np.array(meta["labels"], dtype=np.str_)[arrays["label"]]
    at = dict.fromkeys(("values", *OPTIONAL), 0)
    series = []
    for i, (domain, n) in enumerate(zip(meta["domains"], meta["lengths"], strict=True)):
        own: dict[str, Any] = {}
        for name in at:
            if name == "values" or meta["has"][name][i]:
                own[name] = arrays[name][at[name] : at[name] + n]
                at[name] += n
        time, label, filled = (own.get(name) for name in OPTIONAL)
        series.append(Series(domain, time, own["values"], tuple(meta["channels"]), label, meta["steps"][i], filled))
    return tuple(series)


def _together(pieces: Sequence[Any]) -> Any:
    return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
