"""Which of the pilot's files a map is drawn of, and what their series are called."""

from collections.abc import Iterable, Sequence

import streamlit as st

from core.reader import Source
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
    return _told_apart([(names[one.id], sources_of([one])) for one in chosen])


def series_names_of(sources: Sequence[Source], here: Sequence[Dataset]) -> list[str]:
    """The same for what a map was drawn of, however the files are read by now."""
    files = {one.sha256: one.file_name for one in here}
    return _told_apart([(files.get(one.sha256, one.sha256[:8]), (one,)) for one in sources])


def _told_apart(files: Iterable[tuple[str, tuple[Source, ...]]]) -> list[str]:
    each = [(name, s.domain or name) for name, sources in files for s in series_of(sources)]
    if len({domain for _file, domain in each}) == len(each):
        return [domain for _file, domain in each]
    return [f"{file} · {domain}" for file, domain in each]


def _alike(here: Sequence[Dataset]) -> list[str]:
    return [one.id for one in here if one.reading["channels"] == here[-1].reading["channels"]]


def _key(here: Sequence[Dataset]) -> str:
    return f"files-{len(here)}"
