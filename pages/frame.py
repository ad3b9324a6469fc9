"""Around every screen: page settings, language, who is here, the way, and the screen that the address asks for."""

from pathlib import Path

import streamlit as st

from pages.parts import figures, header, presence, who
from pages.parts.guard import NOTHING_HERE, guard, remind
from pages.parts.text import _, language
from pages.parts.work import database

MANAGER_SEES = ("home", "results", "evidence")
RATER_SEES = ("rate",)


def signed_out() -> None:
    """Whoever was here has signed out, was away for long, or was let go."""
    st.title(_("You are signed out."), anchor=False)
    st.markdown(_("What you saved is safe. Sign in again to go on."))
    st.link_button(_("Sign in"), "/login", type="primary")


def nothing() -> None:
    """What a rater finds at the app's bare address."""
    raise NOTHING_HERE


figures.tally.add("loads")
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
    "settings": st.Page("settings.py", title=_("Settings"), url_path="settings"),
}
login = None
with guard():
    login = who.login(database())
if who.is_team():  # a screen that is not somebody's is one that is not there; what it could do is refused anyway
    plain = st.Page(nothing if login else signed_out, title=_("Waveform pilot"), default=True)
    sees = {None: (), "rater": RATER_SEES, "manager": MANAGER_SEES, "lead": tuple(screens)}[login and login.role]
    screens = ({} if "home" in sees else {"": plain}) | {name: screens[name] for name in sees}
screen = st.navigation(list(screens.values()), position="hidden")
remind()
with guard():
    header.show(screens, screen, login)
    if login is None or login.role == "lead":  # the hours that a pilot costs are those of the people who lead it
        presence.note(screen.url_path)
    screen.run()
