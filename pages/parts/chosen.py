"""Which of the pilot's files a map is drawn of, and what their series are called."""

from collections.abc import Sequence

import streamlit as st

from feedback_db.datasets import Dataset
from pages.parts.intake import names_of, sources_of
from pages.parts.text import _, plain
from pages.parts.work import series_of


def form(here: Sequence[Dataset]) -> list[Dataset]:
    """Choose files; at first the newest and all that came with the same channels."""
    names, same = names_of(here), _alike(here)
    with st.expander(_("Data: {names}").format(names=plain(", ".join(names[i] for i in same))), key="open-data"):
        chosen = st.multiselect(
            _("Files"),
            list(names),
            same,
            format_func=names.__getitem__,
            key=_key(here),
            placeholder=_("choose"),
            persist_state="session",
        )
    return [one for one in here if one.id in chosen]


def now(here: Sequence[Dataset]) -> list[Dataset]:
    """What was chosen, on a screen that has no such form."""
    chosen = st.session_state.get(_key(here)) or _alike(here)
    return [one for one in here if one.id in chosen]


def series_names(chosen: Sequence[Dataset]) -> list[str]:
    """What people call each series: its line or site, and its file where that does not tell them apart."""
    names = names_of(chosen)
    each = [(names[one.id], s.domain or names[one.id]) for one in chosen for s in series_of(sources_of([one]))]
    if len({domain for _file, domain in each}) == len(each):
        return [domain for _file, domain in each]
    return [f"{file} · {domain}" for file, domain in each]


def _alike(here: Sequence[Dataset]) -> list[str]:
    return [one.id for one in here if one.reading["channels"] == here[-1].reading["channels"]]


def _key(here: Sequence[Dataset]) -> str:
    return f"files-{len(here)}"
