"""The ASGI app. `streamlit run app.py` serves it; the screens are in pages/."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from feedback_db.errors import Trouble
from feedback_db.permits import Forbidden
from feedback_db.place import data_folder
from pages.entrance import company, door, hosts, team, visits, ways
from pages.entrance.admission import Alone, Team
from pages.entrance.gate import Gate
from pages.entrance.visits import Visits
from pages.parts import figures, log, mishap, post, pulse, who, work
from pages.parts.text import LANGUAGES, bare, speaking, together


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """The engine starts and stops with the app. It starts behind the first page, which need not wait for it."""
    try:
        with log.kept(data_folder() / "log"):
            work.start()
            if who.is_team():
                team.greet()
            yield {}
            await anyio.to_thread.run_sync(work.stop)
    except Trouble as trouble:
        refuse(trouble)


def refuse(trouble: Trouble) -> NoReturn:
    """End before anybody is served, with what to do. An exception would end it too, in a page of traceback."""
    for one in LANGUAGES:
        with speaking(one):
            told = together(bare(trouble.problem, trouble.facts), bare(trouble.remedy, trouble.facts))
        sys.stderr.write(f"{told}\n")
    sys.stderr.flush()
    os._exit(1)


def gate() -> Middleware:
    """In front of every route, Streamlit's too."""
    if who.is_team():
        reached = hosts.reached(os.environ.get("PILOT_ADDRESS", ""))
        there = ways.PRODUCT + ways.DOOR + (ways.COMPANY if company.is_configured() else ())
        return Middleware(Gate, hosts=reached, people=Team(), ways=there, visits=Visits(visits.MANY))
    return Middleware(Gate, hosts=hosts.here(), people=Alone(), ways=ways.PRODUCT, visits=Visits(visits.ONE))


team.prepare()
app = st.App(
    "pages/frame.py",
    lifespan=lifespan,
    routes=[
        Route(post.ADDRESS, figures.counted(post.endpoint), methods=["POST"]),
        Route(ways.HEALTH, pulse.endpoint),
        Route(ways.FIGURES, figures.endpoint),
        *(door.ROUTES if who.is_team() else []),
    ],
    middleware=[gate()],
    on_script_error=mishap.on_screen,
    exception_handlers={Exception: mishap.answer, Forbidden: mishap.nothing_here},
)
