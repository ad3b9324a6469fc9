"""Around every screen: page settings, language, the way, and the screen that the address asks for."""

from pathlib import Path

import streamlit as st

from pages.parts import header, presence
from pages.parts.text import _, language

st.set_page_config(page_title=_("Waveform pilot"), page_icon="📈", layout="wide")
st.html(Path(__file__).parent / "parts" / "style.css")
header.speak(language())

screens = {
    "home": st.Page("home.py", title=_("Home"), default=True),
    "data": st.Page("data.py", title=_("Data"), url_path="data"),
    "maps": st.Page("maps.py", title=_("Maps"), url_path="maps"),
    "prepare": st.Page("prepare.py", title=_("Preparation"), url_path="prepare"),
    "compare": st.Page("compare.py", title=_("Compare"), url_path="compare"),
    "tune": st.Page("tune.py", title=_("Extra training"), url_path="tune"),
    "study": st.Page("study.py", title=_("Ask people"), url_path="study"),
    "rate": st.Page("rate.py", title=_("Rate"), url_path="rate"),
    "results": st.Page("results.py", title=_("What people say"), url_path="results"),
    "evidence": st.Page("evidence.py", title=_("Evidence"), url_path="evidence"),
    "after": st.Page("after.py", title=_("After the pilot"), url_path="after"),
    "improve": st.Page("improve.py", title=_("Improve"), url_path="improve"),
}
screen = st.navigation(list(screens.values()), position="hidden")
header.show(screens, screen)
presence.note(screen.url_path)
screen.run()
