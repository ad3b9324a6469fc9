"""The header: the product's name, the five steps with what is done, and the language."""

from collections.abc import Mapping

import streamlit as st

from pages.parts import pilot
from pages.parts.text import LANGUAGES, Language, _, language

STEPS = ("data", "maps", "study", "evidence", "improve")


def speak(code: Language) -> None:
    """Tell the browser which language the page is in; both addresses and reloads keep it."""
    st.query_params["lang"] = code
    st.html(f"<script>document.documentElement.lang = '{code}'</script>", unsafe_allow_javascript=True)
    choose = _("Choose files").replace('"', "")
    st.html(f'<style>[data-testid="stFileUploaderDropzone"] button p::after {{ content: "{choose}" }}</style>')


def show(screens: Mapping[str, st.Page], here: st.Page) -> None:
    rating = here == screens.get("rate") or "home" not in screens
    with st.container(key="header", horizontal=True, vertical_alignment="center", gap="small"):
        if rating:  # a rater sees one thing at a time, and no way out of it
            st.markdown(f"**{_('Waveform pilot')}**")
        else:
            _way(screens, here)
        st.space("stretch")
        st.segmented_control(
            _("Language"),
            list(LANGUAGES),
            format_func=LANGUAGES.__getitem__,
            default=language(),
            required=True,
            key="language",
            label_visibility="collapsed",
            persist_state="session",
        )


def _way(screens: Mapping[str, st.Page], here: st.Page) -> None:
    st.page_link(screens["home"], label=f"**{_('Waveform pilot')}**", icon=":material/insights:")
    names = (_("Data"), _("Maps"), _("Ask people"), _("Evidence"), _("Improve"))
    done = pilot.steps_done()
    params = pilot.address()
    parts = {
        "prepare": "maps",
        "compare": "maps",
        "tune": "maps",
        "results": "evidence",
        "after": "evidence",
    }  # of a step
    here = next((screens[whole] for part, whole in parts.items() if here == screens.get(part)), here)
    for number, (step, name) in enumerate(zip(STEPS, names, strict=True), start=1):
        if step not in screens:
            continue
        mark = ":material/check_circle:" if step in done else None
        label = f"{number} {name}"
        st.page_link(
            screens[step],
            label=f"**{label}**" if here == screens[step] else label,
            icon=mark,
            query_params=params,
            disabled=not params,
        )
