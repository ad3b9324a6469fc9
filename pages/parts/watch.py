"""Waiting for a view: progress, stop, and a result that is there after a reload."""

from typing import NoReturn

import streamlit as st

from core import effects
from core.effects import Effect, EffectSpec
from core.errors import UserError
from core.preparation import PreparationSpec, Prepared
from core.views import View, ViewSpec, load
from feedback_db.jobs import Job
from pages.parts import work
from pages.parts.text import _, say
from pages.parts.work import Spec

LOOK_EVERY = 0.4  # seconds


def await_view(spec: ViewSpec, key: str) -> View:
    """The view, or the progress of the job that makes it; a script that has to wait stops here."""
    view = load(spec, work.store())
    if view is None:
        _wait(spec, key)
    return view


def await_prepared(spec: PreparationSpec, key: str) -> Prepared:
    """The prepared series, likewise."""
    ready = work.prepared_of(spec)
    if ready is None:
        _wait(spec, key)
    return ready


def peek(spec: EffectSpec) -> Effect | None:
    """What each step changes, where that is known; else the engine is asked to find out, and nobody waits."""
    found = effects.load(spec, work.store())
    if found is None:
        _ask(spec)
    return found


def _ask(spec: Spec) -> None:
    job = work.state(spec)
    if job is None or job.state == "done" or (job.state in ("queued", "running") and _is_new(spec)):
        work.want(spec)


def _wait(spec: Spec, key: str) -> NoReturn:
    _ask(spec)
    _progress(spec, key)
    st.stop()


def _is_new(spec: Spec) -> bool:
    """Whether this session meets this job for the first time: then it makes sure that somebody works on it."""
    seen = st.session_state.setdefault("jobs seen", set())
    new = spec not in seen
    seen.add(spec)
    return new


@st.fragment(run_every=LOOK_EVERY)
def _progress(spec: Spec, key: str) -> None:
    job = work.state(spec)
    if job is None or job.state == "done":
        st.rerun()
    elif job.state == "failed":
        error = job.error or {}
        st.error(say(UserError(error["problem"], error["remedy"], **error["facts"])), icon=":material/error:")
        _again(spec, key)
    elif job.state == "cancelled":
        st.info(_("You stopped this calculation."), icon=":material/cancel:")
        _again(spec, key)
    else:
        _bar(job)
        if st.button(_("Stop"), key=f"stop-{key}", icon=":material/cancel:"):
            work.cancel(spec)


def _bar(job: Job) -> None:
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    words = _(job.stage) if job.stage else _("Getting ready")
    st.progress(share, text=f"{words} … {share:.0%}" if job.total > 1 else f"{words} …")
    st.caption(_("You can leave this page and come back: the calculation goes on."))


def _again(spec: Spec, key: str) -> None:
    if st.button(_("Try again"), key=f"again-{key}", icon=":material/refresh:"):
        work.want(spec)
        st.rerun()
