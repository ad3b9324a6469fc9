"""PINs of invitations, in team mode: told once to the lead who sets one, and kept only as a hash."""

import re
import secrets
from collections.abc import Sequence

import streamlit as st

from core.errors import N_, UserError
from feedback_db import people, raters
from feedback_db.raters import Invitation
from pages.entrance import passphrase
from pages.parts import who
from pages.parts.guard import guard
from pages.parts.text import _, plain
from pages.parts.work import database

DIGITS = re.compile(r"[0-9]{4,6}")
TOLD = "pins"  # in the session: whose, and which, until they were passed on


def drawn() -> str:
    return f"{secrets.randbelow(10_000):04}"


def hashed(pins: Sequence[str]) -> list[str]:
    """A tenth of a second each, or more: not inside of a transaction."""
    with st.spinner(_("Locking the PINs away …")):
        return [people.hashed(pin) for pin in pins]


def tell(pins: Sequence[tuple[str, str]]) -> None:
    """Show them, (whose, PIN), from the next run on until they were passed on."""
    st.session_state[TOLD] = [*st.session_state.get(TOLD, []), *pins]


def told() -> None:
    """PINs that were set just now, and nobody can read again."""
    if TOLD not in st.session_state:
        return
    with st.container(border=True):
        st.markdown(_("Tell each person the PIN that belongs to the address. It is shown only now:"))
        lines = [f"{plain(name) or _('shared address')}: **{pin}**" for name, pin in st.session_state[TOLD]]
        st.markdown("  \n".join(lines))
        if st.button(_("I have passed it on"), key="pins-passed-on", icon=":material/check:"):
            del st.session_state[TOLD]
            st.rerun()


def form(one: Invitation) -> None:
    """Whether this invitation asks for a PIN, and a way to have it ask for another."""
    if not who.is_team():
        return
    asked = _("A PIN is asked for. If it was forgotten, set another one.")
    st.caption(asked if one.pin else _("No PIN is asked for: the address alone is enough."))
    with guard():
        _form(one)


def _form(one: Invitation) -> None:
    proposed = st.session_state.setdefault(f"pin-proposed-{one.id}", drawn())
    with st.form(f"pin-form-{one.id}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(_("PIN, 4 to 6 digits"), proposed, max_chars=6, key=f"pin-{one.id}", width=180)
        if not st.form_submit_button(_("Ask for this PIN"), icon=":material/pin:"):
            return
    pin = passphrase.same(typed).strip()
    if not DIGITS.fullmatch(pin):
        raise UserError(N_("“{pin}” is no PIN."), N_("Write 4 to 6 digits, and nothing else."), pin=typed)
    [kept] = hashed([pin])
    with database().session(who.here()) as db:
        raters.ask_pin(db, one, kept)
    tell([(one.name, pin)])
    st.rerun()
