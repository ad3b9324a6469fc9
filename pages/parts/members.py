"""Who can open the app: leads and managers, and how many tablets rate. Raters' invitations are their study's."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import streamlit as st
from sqlalchemy.exc import IntegrityError

from core.errors import N_, UserError
from feedback_db import logins, people, pilots, studies
from feedback_db.logins import Login
from feedback_db.people import Person, Role
from pages.parts import code, pilot, who
from pages.parts.header import ROLES
from pages.parts.text import _, language, moment_of, ngettext, plain
from pages.parts.work import database

MOST_NAME, MOST_EMAIL = 80, 254  # characters
MEANS: dict[Role, str] = {
    "manager": N_("reads the evidence and decides"),
    "lead": N_("runs pilots, and says who can open the app"),
}
LINK = "one-time link"  # in the session: whose, and the address; nowhere else is it kept
N_INVITED = "invited here"  # in the session: so that the form is empty for the next person
TAKEN = UserError(
    N_("Somebody here has this name or this e-mail address already."),
    N_("Give another one. Who has forgotten the passphrase needs no new entry: make a new link for them above."),
)


@dataclass(frozen=True, slots=True)
class Present:
    """Who is entered, and who is in."""

    everybody: list[Person]
    alive: list[Login]  # leads, managers and raters
    last: Mapping[str, datetime]  # person → last time of signing in
    links: Mapping[str, datetime]  # person → until when an unused link works

    def stands(self, person: Person) -> str:
        """Whether somebody is in, and if not, what is known."""
        said = []
        if any(one.person_id == person.id for one in self.alive):
            said.append(_("signed in now"))
        elif person.id in self.last:
            said.append(_("last signed in {at}").format(at=moment_of(self.last[person.id])))
        if person.id in self.links:
            said.append(_("link not used yet, valid until {at}").format(at=moment_of(self.links[person.id])))
        if not said:
            said.append(_("has never come in") if person.email else _("has never come in, and the link has lapsed"))
        return " · ".join(said)


def section() -> None:
    if not who.is_team():
        st.markdown(
            _(
                "Only this computer can open the app, and whoever sits at it may do everything. "
                "Start it with `manage.py run --team`, and others get in from theirs, each with a name and a role."
            )
        )
        return
    with database().reading(who.here()) as db:
        found = Present(people.everybody(db), logins.alive(db), logins.last_begun(db), people.open_links(db))
    _link()
    for person in found.everybody:
        if person.revoked_at is None:
            _row(person, found)
    with st.expander(_("Let somebody in"), icon=":material/person_add:"):
        _invite()
    _gone([one for one in found.everybody if one.revoked_at is not None])
    _tablets(found.alive)


def _link() -> None:
    """Shown until it was passed on; it is kept nowhere."""
    if LINK not in st.session_state:
        return
    name, address = st.session_state[LINK]
    with st.container(border=True):
        words = _("Pass this link on to **{name}**. It works once, within 24 hours, and is shown only now:")
        code.shown(address, words.format(name=name))
        if st.button(_("I have passed it on"), icon=":material/check:"):
            del st.session_state[LINK]
            st.rerun()


def _keep_link(name: str, token: str) -> None:
    address = f"{pilot.base_address()}/enter?{urlencode({'key': token, 'lang': language()})}"
    st.session_state[LINK] = plain(name), address
    st.rerun()


# --- who is entered


def _row(person: Person, found: Present) -> None:
    left, middle, right, change = st.columns([3, 2, 5, 2], vertical_alignment="center")
    left.markdown(f"**{_named(person)}**")
    middle.markdown(_(ROLES[person.role]))
    right.markdown(found.stands(person))
    with change.popover(_("Change"), width="stretch", key=f"change-{person.id}"):
        _change(person)


def _named(person: Person) -> str:
    return plain(person.name) or _("(has not chosen a name yet)")


def _change(person: Person) -> None:
    if st.button(_("Make a new link"), key=f"link-{person.id}", icon=":material/link:", width="stretch"):
        with database().session(who.here()) as db:
            token = people.link(db, person.id)
        _keep_link(person.name, token)
    st.caption(_("For who has forgotten the passphrase, or let the link lapse. Earlier links stop working."))
    if st.button(_("Sign out everywhere"), key=f"out-{person.id}", icon=":material/logout:", width="stretch"):
        with database().session(who.here()) as db:
            logins.end_all(db, person.id)
        st.rerun()
    other: Role = "manager" if person.role == "lead" else "lead"
    words = _("Make a manager") if other == "manager" else _("Make a lead")
    if st.button(words, key=f"role-{person.id}", icon=":material/swap_horiz:", width="stretch"):
        with database().session(who.here()) as db:
            changed = people.set_role(db, person.id, other)
        _done(changed, person)
    st.caption(f"{_(ROLES[other])}: {_(MEANS[other])}")
    with st.expander(_("Let go"), icon=":material/person_remove:"):
        st.markdown(
            _(
                "**{name}** is signed out everywhere at once and cannot come in again. What was entered and signed "
                "under this name stays. To come back, a new entry is needed."
            ).format(name=_named(person))
        )
        if st.button(_("Let go for good"), key=f"go-{person.id}", icon=":material/block:", width="stretch"):
            with database().session(who.here()) as db:
                gone = people.revoke(db, person.id)
            _done(gone, person)


def _done(changed: bool, person: Person) -> None:
    if not changed:
        raise UserError(
            N_("{name} is the only lead who can sign in."),
            N_("Nobody could let others in any more. Make somebody else a lead, and have them come in once."),
            name=person.name,
        )
    st.rerun()


def _gone(gone: list[Person]) -> None:
    if not gone:
        return
    with st.expander(ngettext("{n} person was let go", "{n} people were let go", len(gone)).format(n=len(gone))):
        for person in gone:
            at = "" if person.revoked_at is None else moment_of(person.revoked_at)
            st.markdown(f"{_named(person)} · {_(ROLES[person.role])} · {at}")


# --- somebody new


def _invite() -> None:
    n = st.session_state.get(N_INVITED, 0)
    with st.form(f"invite-{n}", border=False):
        name = st.text_input(_("Name, to sign in with"), max_chars=MOST_NAME, key=f"invite-name-{n}")
        role: Role = st.radio(
            _("Role"),
            list(MEANS),
            format_func=lambda one: f"{_(ROLES[one])}: {_(MEANS[one])}",
            key=f"invite-role-{n}",
        )
        email = st.text_input(
            _("E-mail address of the company account (may stay empty)"), max_chars=MOST_EMAIL, key=f"invite-email-{n}"
        )
        if not st.form_submit_button(_("Make a link"), icon=":material/link:"):
            return
    name, email = _checked(name, email)
    try:
        with database().session(who.here()) as db:
            token = people.invite(db, name, role, email)
    except IntegrityError:
        raise TAKEN from None
    st.session_state[N_INVITED] = n + 1
    _keep_link(name, token)


def _checked(name: str, email: str) -> tuple[str, str]:
    name = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    if not name:
        raise UserError(N_("There is no name."), N_("Write the name with which this person will sign in."))
    email = email.strip()
    if email and (email.count("@") != 1 or " " in email or not all(email.split("@"))):
        raise UserError(
            N_("“{email}” is no e-mail address."),
            N_("Write it like name@company.example, or leave it empty."),
            email=email,
        )
    return name, email


# --- tablets


def _tablets(alive: list[Login]) -> None:
    """How many, by study that is open; they are signed out where they were let in."""
    counted = Counter(one.study_id for one in alive if one.study_id is not None)
    with database().reading(who.here()) as db:
        of_study = {id_: studies.get(db, id_) for id_ in counted}
        still_open = {id_: one for id_, one in of_study.items() if one is not None and one.closed_at is None}
        asked = {id_: pilots.get(db, one.pilot_id) for id_, one in still_open.items()}
    for id_, about in asked.items():
        if about is not None:
            words = ngettext("{n} tablet rates: {question}", "{n} tablets rate: {question}", counted[id_])
            st.page_link(
                "study.py",
                label=words.format(n=counted[id_], question=plain(about.question)),
                icon=":material/tablet:",
                query_params={"pilot": about.id, "lang": language()},
            )
    st.caption(
        _("To sign tablets out, withdraw their invitation there.") if asked else _("No tablet is signed in to rate.")
    )
