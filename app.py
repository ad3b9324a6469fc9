"""The ASGI app. `streamlit run app.py` serves it; the screens are in pages/."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import streamlit as st
from sqlalchemy.exc import DBAPIError
from starlette.routing import Route

from feedback_db.permits import Forbidden
from pages.parts import post, work
from pages.parts.guard import NOTHING_HERE, trouble
from pages.parts.text import _, say, together

logger = logging.getLogger("pilot")


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """The engine starts and stops with the app. It starts behind the first page, which need not wait for it."""
    work.start()
    yield {}
    await anyio.to_thread.run_sync(work.stop)


def on_script_error(error: Exception) -> bool:
    """A bug is ours to mend: the person gets a sentence and a number, and the log has the rest."""
    if isinstance(error, Forbidden):  # in a callback, which no guard is around
        st.error(say(NOTHING_HERE), icon=":material/error:")
        return True
    if isinstance(error, DBAPIError):  # likewise
        st.error(say(trouble(error)), icon=":material/error:")
        return True
    number = secrets.token_hex(3)
    logger.error("error %s", number, exc_info=error)
    st.error(
        together(
            _("This screen failed because of an error in this program. What you saved is safe."),
            _("Reload the page. If it happens again, tell the person in charge this number: {number}").format(
                number=number
            ),
        )
    )
    return True


app = st.App(
    "pages/frame.py",
    lifespan=lifespan,
    routes=[Route(post.ADDRESS, post.endpoint, methods=["POST"])],
    on_script_error=on_script_error,
)
