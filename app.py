"""The ASGI app. `streamlit run app.py` serves it; the screens are in pages/."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import streamlit as st
from starlette.routing import Route

from feedback_db.permits import Forbidden
from pages.parts import log, mishap, post, work


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """The engine starts and stops with the app. It starts behind the first page, which need not wait for it."""
    with log.kept(work.data_folder() / "log"):
        work.start()
        yield {}
        await anyio.to_thread.run_sync(work.stop)


app = st.App(
    "pages/frame.py",
    lifespan=lifespan,
    routes=[Route(post.ADDRESS, post.endpoint, methods=["POST"])],
    on_script_error=mishap.on_screen,
    exception_handlers={Exception: mishap.answer, Forbidden: mishap.nothing_here},
)
