"""An address to pass on: to copy, and as a code for a camera."""

import io

import segno
import streamlit as st

from pages.parts import pilot


def shown(address: str, words: str) -> None:
    picture = io.BytesIO()
    segno.make(address, error="m").save(picture, kind="png", scale=6, border=2, dark="#1a1d21")
    left, right = st.columns([2, 1], vertical_alignment="center")
    with left:
        st.markdown(words)
        st.code(address, language=None, wrap_lines=True)
    if not pilot.is_local():  # no tablet could open it
        right.image(picture.getvalue(), width=200)
