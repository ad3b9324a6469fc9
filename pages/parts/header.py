"""The header: the product's name, the five steps with what is done, and the language."""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

import streamlit as st

from core.errors import N_
from core.words import Language
from feedback_db.logins import Login
from pages.parts import pilot
from pages.parts.text import LANGUAGES, _, language, plain

ROLES = {"lead": N_("pilot lead"), "manager": N_("manager")}
_speaks = st.components.v2.component(  # in place of a script in the page, which the gate would not let run
    "speaks", js="export default ({ data }) => { document.documentElement.lang = data }"
)
STEPS = ("data", "maps", "study", "evidence", "improve")


def speak(code: Language) -> None:
    """Tell the browser which language the page is in; both addresses and reloads keep it."""
    st.query_params["lang"] = code
    with st.container(key="speaks"):
        _speaks(key="page_language", data=code)
    choose = _("Choose files").replace('"', "")
    st.html(f'<style>[data-testid="stFileUploaderDropzone"] button p::after {{ content: "{choose}" }}</style>')


def show(screens: Mapping[str, st.Page], here: st.Page, login: Login | None) -> None:
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
        if login is not None and not rating:
            _signed_in(login)
        if "settings" in screens and not rating:
            with st.container(key="to-settings", width="content"):
                st.page_link(screens["settings"], label=_("Settings"), icon=":material/settings:")


def _signed_in(login: Login) -> None:
    """Who is here, and the way out. A link of Streamlit's own would open the door in another tab."""
    with st.container(key="person", width="content"), st.popover(plain(login.name), icon=":material/person:"):
        st.markdown(f"**{plain(login.name)}**  \n{_(ROLES[login.role])}")
        way_out = f"/logout?{urlencode({'lang': language()})}"
        st.html(f'<a class="way-out" href="{escape(way_out)}">{escape(_("Sign out"))}</a>')


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
