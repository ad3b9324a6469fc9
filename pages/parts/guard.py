"""Errors reach people as a sentence in their language with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import N_, UserError
from feedback_db.permits import Forbidden
from pages.parts.text import say

# The same for what is not there and for what is not for this person.
NOTHING_HERE = UserError(N_("There is nothing for you at this address."), N_("Open the address that you were given."))


@contextmanager
def guard() -> Iterator[None]:
    """The one place that catches a user's error: it is shown where it happened, and the rest of the page goes on."""
    try:
        yield
    except UserError as error:
        st.error(say(error), icon=":material/error:")
    except Forbidden:
        st.error(say(NOTHING_HERE), icon=":material/error:")
