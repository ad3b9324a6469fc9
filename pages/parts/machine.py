"""What the computer that runs the app does and holds: its engine, its models, its disk."""

import os
import shutil
from concurrent.futures import Future
from pathlib import Path

import streamlit as st

from core import encoders
from core.encoders import HUB, SHIPPED, WEIGHTS, EncoderSpec
from core.errors import N_, UserError
from core.jobs import Crew
from feedback_db import holdings, jobs, place
from feedback_db.holdings import Kind
from pages.parts import who, work
from pages.parts.models import NAMES
from pages.parts.text import _, ngettext, plain, together

LOOK_EVERY = 2.0  # seconds
LITTLE = 2e9  # bytes of free disk
CREW = "crew"  # in the session: what was heard last, and what was asked since
KINDS: dict[Kind, str] = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
WHERE: dict[Kind, str] = {
    "sqlite": N_("All of it lies on the computer that runs the app, and nowhere else."),
    "postgresql": N_("The answers lie on the database server, files and results on the computer that runs the app."),
}


# --- the engine


@st.fragment(run_every=LOOK_EVERY)
def engine() -> None:
    """What is going on, anew every two seconds. It is asked behind the screen, which never waits for it."""
    with work.database().reading(who.here()) as db:
        counted = jobs.counts(db)
    heard = _heard()
    st.markdown(_whose(os.environ.get("PILOT_DASK")))
    if isinstance(heard, UserError):
        st.warning(f"{_(heard.problem)} {_(heard.remedy)}", icon=":material/warning:")
    elif heard is None:
        st.caption(_("Asking it …"))
    else:
        st.markdown(crew_in_words(heard))
    st.markdown(jobs_in_words(counted))


def _heard() -> Crew | UserError | None:
    """The last answer; the next one is asked for as soon as it is there."""
    last, asked = st.session_state.get(CREW, (None, None))
    if asked is not None and asked.done():
        last, asked = _answer(asked), None
    if asked is None:
        asked = work.crew()
    st.session_state[CREW] = last, asked
    return last


def _answer(asked: Future[Crew]) -> Crew | UserError:
    try:
        return asked.result()
    except (OSError, TimeoutError):  # Dask's ways to say that nobody answers
        return work.NO_ENGINE
    except UserError as error:  # somebody answers who cannot work
        return error


def _whose(address: str | None) -> str:
    if not address:
        return _("This computer calculates by itself.")
    return _("A cluster calculates: {address}").format(address=plain(address))


def crew_in_words(crew: Crew) -> str:
    if not crew.n_workers:
        return _("**No worker is there.** What people ask for waits until one comes.")
    said = [ngettext("{n} worker is ready.", "{n} workers are ready.", crew.n_workers).format(n=crew.n_workers)]
    if crew.memory:
        said.append(_("Memory for calculations: {size}.").format(size=sized(crew.memory)))
    return together(*said)


def jobs_in_words(counted: dict[str, int]) -> str:
    """What is under way, what waits, and what did not work; in a sentence each."""
    running, waiting, failed = (counted.get(state, 0) for state in ("running", "queued", "failed"))
    said = []
    if running:
        words = ngettext("{n} calculation is under way.", "{n} calculations are under way.", running)
        said.append(words.format(n=running))
    if waiting:
        words = ngettext("{n} calculation waits for its turn.", "{n} calculations wait for their turn.", waiting)
        said.append(words.format(n=waiting))
    if not said:
        said.append(_("Nothing is being calculated just now."))
    if failed:
        words = ngettext(
            "{n} calculation failed: the screen that asked for it says why, and offers to try again.",
            "{n} calculations failed: the screens that asked for them say why, and offer to try again.",
            failed,
        )
        said.append(words.format(n=failed))
    return together(*said)


# --- models


def models() -> None:
    """Which weights are on this computer, so that nobody needs the internet for them."""
    of_hub = [_model(code, EncoderSpec("moment", name), encoders.at_hand(name)) for code, name in HUB.items()]
    st.table([_model("compact", EncoderSpec(), SHIPPED), *of_hub], hide_index=True)
    st.caption(_("A model that is not here is fetched once from the model hub, when somebody first chooses it."))


def _model(code: str, spec: EncoderSpec, folder: Path | None) -> dict[str, str]:
    """Args: folder: that holds its weights; None where it is yet to be fetched, and its size is what that will be."""
    known = encoders.facts(spec, 1)
    return {
        _("name of the model"): _(NAMES[code]),
        _("here"): _("to be fetched") if folder is None else _("on this computer"),
        _("size"): sized(known.bytes if folder is None else (folder / WEIGHTS).stat().st_size),
        _("parameters"): f"{known.parameters:,}",
        _("licence"): _(known.licence) if known.licence else "–",
    }


# --- the disk


def storage() -> None:
    """Where it lies is no matter of a screen that others can open: whoever looks after the computer knows."""
    with work.database().reading(who.here()) as db:
        held = holdings.now(db)
    files, free = work.store().size(), shutil.disk_usage(place.data_folder()).free
    if free < LITTLE:
        st.warning(
            together(
                _("Only {size} are free on the disk of the computer that runs the app.").format(size=sized(free)),
                _("Make room before it is full: when it is, answers cannot be saved."),
            ),
            icon=":material/hard_drive:",
        )
    shown = {
        _("Pilots"): f"{held.n_pilots:,}",
        _("Answers"): f"{held.n_answers:,}",
        _("Database ({kind})").format(kind=KINDS[held.kind]): sized(held.size),
        _("Files and results"): sized(files),
        _("Free on the disk"): sized(free),
    }
    for column, (label, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(label, value)
    st.caption(_(WHERE[held.kind]))


def sized(n: float) -> str:
    """Bytes as people count them."""
    return f"{n / 1e9:,.1f} GB" if n >= 1e9 else f"{n / 1e6:,.1f} MB"
