"""Errors reach people as a sentence in their language with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import UserError
from pages.parts.text import say


@contextmanager
def guard() -> Iterator[None]:
    """The one place that catches a user's error: it is shown where it happened, and the rest of the page goes on."""
    try:
        yield
    except UserError as error:
        st.error(say(error), icon=":material/error:")
