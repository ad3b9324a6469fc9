"""Waiting for a view: progress, stop, and a result that is there after a reload."""

from collections.abc import Callable
from typing import Any, NoReturn

import streamlit as st

from core.errors import UserError
from core.preparation import PreparationSpec, Prepared
from core.views import View, ViewSpec, load
from feedback_db.jobs import Job
from pages.parts import work
from pages.parts.text import _, say
from pages.parts.work import Spec

LOOK_EVERY = 0.4  # seconds


def nothing() -> None:
    """There is nothing to see before the result."""


def await_view(spec: ViewSpec, key: str, meanwhile: Callable[[], None] = nothing) -> View:
    """The view, or the progress of the job that makes it; a script that has to wait stops here.

    Args:
        meanwhile: shows what there is so far.
    """
    view = load(spec, work.store())
    if view is None:
        _wait(spec, key, meanwhile)
    return view


def await_result(spec: Spec, key: str, meanwhile: Callable[[], None] = nothing) -> Any:
    """Any other result, likewise."""
    found = work.made(spec)
    if found is None:
        _wait(spec, key, meanwhile)
    return found


def await_prepared(spec: PreparationSpec, key: str) -> Prepared:
    """The prepared series, likewise."""
    ready = work.prepared_of(spec)
    if ready is None:
        _wait(spec, key)
    return ready


def peek(spec: Spec) -> Any:
    """A result where it is known; else the engine is asked to find out, and nobody waits."""
    found = work.made(spec)
    if found is None:
        _ask(spec)
    return found


@st.fragment(run_every=1.0)
def until_known(spec: Spec, words: str) -> None:
    """A line that stands where numbers will be, and draws the screen anew when they are there."""
    job = work.state(spec)
    if job is None or job.state == "done":
        st.rerun()
    elif job.state == "failed":
        st.caption(_why(job))
    else:
        share = f" {job.done / job.total:.0%}" if job.total > 1 else ""
        st.caption(words + share)


def _ask(spec: Spec) -> None:
    job = work.state(spec)
    if job is None or job.state == "done" or (job.state in ("queued", "running") and _is_new(spec)):
        work.want(spec)


def _wait(spec: Spec, key: str, meanwhile: Callable[[], None] = nothing) -> NoReturn:
    _ask(spec)
    _progress(spec, key, meanwhile)
    st.stop()


def _is_new(spec: Spec) -> bool:
    """Whether this session meets this job for the first time: then it makes sure that somebody works on it."""
    seen = st.session_state.setdefault("jobs seen", set())
    new = spec not in seen
    seen.add(spec)
    return new


@st.fragment(run_every=LOOK_EVERY)
def _progress(spec: Spec, key: str, meanwhile: Callable[[], None]) -> None:
    job = work.state(spec)
    if job is None or job.state == "done":
        st.rerun()
    elif job.state == "failed":
        st.error(_why(job), icon=":material/error:")
        _again(spec, key)
    elif job.state == "cancelled":
        st.info(_("You stopped this calculation."), icon=":material/cancel:")
        _again(spec, key)
    else:
        _bar(job)
        if st.button(_("Stop"), key=f"stop-{key}", icon=":material/cancel:"):
            work.cancel(spec)
        meanwhile()


def _why(job: Job) -> str:
    """Why it failed, and what to do."""
    error = job.error or {}
    return say(UserError(error["problem"], error["remedy"], **error["facts"]))


def _bar(job: Job) -> None:
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    words = _(job.stage) if job.stage else _("Getting ready")
    st.progress(share, text=f"{words} … {share:.0%}" if job.total > 1 else f"{words} …")
    st.caption(_("You can leave this page and come back: the calculation goes on."))


def _again(spec: Spec, key: str) -> None:
    if st.button(_("Try again"), key=f"again-{key}", icon=":material/refresh:"):
        work.want(spec)
        st.rerun()
