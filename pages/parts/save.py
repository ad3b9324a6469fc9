"""A chart to take along, as a file."""

from collections.abc import Callable

import streamlit as st

from core import pictures
from core.charts import Chart
from pages.parts.text import _

FORMATS: dict[pictures.Format, str] = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def menu(make: Callable[[], Chart], key: str) -> None:
    """Buttons that draw the whole map only when one of them is pressed; `make` says no words then."""
    told = _("The whole map, however far you have zoomed in.")
    with st.popover(_("Save picture"), icon=":material/download:", help=told, key=f"save-{key}"):
        for form, mime in FORMATS.items():
            st.download_button(
                form.upper(),
                _drawn(make, form),
                file_name=f"map.{form}",
                mime=mime,
                on_click="ignore",
                width="stretch",
                key=f"save-{form}-{key}",
            )


def _drawn(make: Callable[[], Chart], form: pictures.Format) -> Callable[[], bytes]:
    return lambda: pictures.drawn(make(), form)
