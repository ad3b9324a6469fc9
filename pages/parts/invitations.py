"""Letting people in: a shared address and addresses for one person each, with codes to scan, and who has begun."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

import streamlit as st

from core.errors import N_, UserError
from feedback_db import raters, studies
from feedback_db.raters import Invitation
from feedback_db.studies import Study
from pages.parts import code, pilot, pins, who
from pages.parts.given import Person
from pages.parts.text import LANGUAGES, _, language, moment_of, ngettext, plain
from pages.parts.work import database

MOST_NAMES = 100
EVENTS = {
    "opened": N_("opened"),
    "closed": N_("ended"),
    "invited": N_("invitation made"),
    "withdrawn": N_("invitation withdrawn"),
    "pin": N_("PIN set"),
}
# Why an invitation lets nobody in.
WHY = {
    "unknown": (
        N_("This address does not belong to an open study."),
        N_("Ask the person who gave you the tablet for the right address."),
    ),
    "ended": (N_("This study has ended."), N_("Thank you for wanting to help. Please hand the tablet back.")),
    "withdrawn": (
        N_("This invitation was withdrawn."),
        N_("Ask the person who gave you the tablet for the right address."),
    ),
    "expired": (
        N_("This invitation was for an earlier day."),
        N_("Ask the person who gave you the tablet for a new one."),
    ),
}


def section(study: Study, people: Sequence[Person]) -> None:
    with database().session(who.here()) as db:
        all_of_them = raters.invitations(db, study.id)
    speaks = st.segmented_control(
        _("Language of the addresses"),
        list(LANGUAGES),
        default=language(),
        required=True,
        format_func=LANGUAGES.__getitem__,
    )
    valid = [one for one in all_of_them if _state(one) == ""]
    shared = [one for one in valid if one.is_shared]
    if shared:
        _shared(shared[-1], speaks)
    elif st.button(_("Make a new shared address"), icon=":material/qr_code_2:"):
        with database().session(who.here()) as db:
            raters.invite(db, study.id, is_shared=True)
        st.rerun()
    pins.told()
    with st.expander(_("Invite people one by one"), expanded=not shared):
        _invite(study, form=f"invite-{len(all_of_them)}")
    if all_of_them:
        with st.expander(ngettext("{n} invitation", "{n} invitations", len(all_of_them)).format(n=len(all_of_them))):
            _list(all_of_them, people, speaks)


def history(study: Study) -> None:
    """What was done to the study, and when."""
    with database().session(who.here()) as db:
        events = studies.history(db, study.id)
    with st.expander(_("What was done to this study")):
        st.table(
            [
                {
                    _("when"): moment_of(one.at),
                    _("what"): _(EVENTS[one.what]),
                    _("whom"): plain(one.detail.get("name") or ""),
                }
                for one in events
            ],
            hide_index=True,
        )


def address_of(invitation: Invitation, speaks: str) -> str:
    return f"{pilot.base_address()}/rate?{urlencode({'invite': invitation.token, 'lang': speaks})}"


def _shared(invitation: Invitation, speaks: str) -> None:
    address = address_of(invitation, speaks)
    if pilot.is_local():
        st.caption(_("Only this computer can open the app. Hand it round; the README says how to use tablets."))
    else:
        code.shown(address, _("Open this address on the tablet of each person, or scan the code:"))
        pins.form(invitation)
    if st.button(_("Rate on this screen"), type="primary", icon=":material/touch_app:"):
        st.switch_page("rate.py", query_params={"invite": invitation.token, "lang": speaks})


def _invite(study: Study, form: str) -> None:
    """A form of another name is empty again: what somebody wrote goes once it is saved, and not before."""
    st.caption(_("Each person gets an address of their own, to go on with later and on any device. No e-mail is sent."))
    with st.form(form, border=False):
        names = st.text_area(_("Nicknames or badge numbers, one a line"), height=120, max_chars=5000)
        last = st.date_input(_("Valid until"), datetime.now().astimezone().date() + timedelta(days=14))
        with_pin = who.is_team() and st.checkbox(_("Each with a PIN"))
        if st.form_submit_button(_("Make the addresses"), icon=":material/qr_code_2:"):
            lines = [line.strip()[:40] for line in names.splitlines() if line.strip()]
            if not 0 < len(lines) <= MOST_NAMES:
                raise UserError(
                    N_("{n} names were given."),
                    N_("Write 1 to {most} names, one a line."),
                    n=len(lines),
                    most=MOST_NAMES,
                )
            until = datetime.combine(last, time(23, 59, 59)).astimezone().astimezone(UTC)
            chosen = [pins.drawn() for _line in lines if with_pin]
            kept = pins.hashed(chosen) or [""] * len(lines)
            with database().session(who.here()) as db:
                for line, pin in zip(lines, kept, strict=True):
                    raters.invite(db, study.id, name=line, expires_at=until, pin=pin)
            if chosen:
                pins.tell(list(zip(lines, chosen, strict=True)))
            st.rerun()


def _list(all_of_them: Sequence[Invitation], people: Sequence[Person], speaks: str) -> None:
    for one in all_of_them:
        mine = [person for person in people if person.rater.invitation_id == one.id]
        left, middle, right = st.columns([3, 3, 2], vertical_alignment="center")
        left.markdown(f"**{plain(one.name) or _('shared address')}**")
        middle.markdown(_(_state(one)) if _state(one) else _stands(one, mine))
        if _state(one):
            continue
        with right.popover(_("Address"), icon=":material/qr_code_2:", width="stretch"):
            code.shown(address_of(one, speaks), _("Whoever has this address can answer."))
            if not one.is_shared:  # whose form stands above
                pins.form(one)
            st.caption(_("When you withdraw it, nobody can answer with it any more. What was answered stays."))
            if st.button(_("Withdraw"), key=f"withdraw-{one.id}", icon=":material/block:"):
                with database().session(who.here()) as db:
                    raters.revoke(db, one)
                st.rerun()


def _state(one: Invitation) -> str:
    """Why nobody can begin with it; "" where they can."""
    if one.revoked_at is not None:
        return N_("withdrawn")
    if one.expires_at is not None and one.expires_at < datetime.now(UTC):
        return N_("expired")
    return ""


def _stands(one: Invitation, mine: Sequence[Person]) -> str:
    if one.is_shared:
        return ngettext("{n} person has begun", "{n} people have begun", len(mine)).format(n=len(mine))
    if not mine:
        return _("not begun")
    return f"{mine[0].n_answered} / {len(mine[0].rater.asked)}"
