"""Generated data to try things with, each with a truth planted in it."""

from functools import partial

import streamlit as st

from core.demo import EXAMPLES
from pages.parts.intake import take_in
from pages.parts.text import _, language

SEED = 7  # of what everybody gets, so that people can talk about the same picture


def use(pilot_id: str, code: str = "press_line") -> None:
    """Take one in as if it had been uploaded."""
    one = EXAMPLES[code]
    take_in(pilot_id, f"{_(one.title)}.csv", one.make(language(), SEED))


def shelf(pilot_id: str) -> None:
    """All of them, to use here or to take along."""
    with st.expander(_("More example data, with what is planted in it"), icon=":material/science:"):
        for code, one in EXAMPLES.items():
            words, use_it, save = st.columns([5, 2, 1], vertical_alignment="center")
            words.markdown(f"**{_(one.title)}**")
            words.caption(_(one.one_line))
            if use_it.button(_("Add to this pilot"), key=f"use-{code}", width="stretch"):
                use(pilot_id, code)
                st.rerun()
            make = partial(one.make, language(), SEED)
            save.download_button(
                _("Save as CSV"), make, f"{code}.csv", "text/csv", key=f"csv-{code}", on_click="ignore"
            )
