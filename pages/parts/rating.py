"""The rating screen itself: it runs in the browser, so that a tablet without a network goes on and sends later."""

from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
SCRIPTS = ("rating_chart.js", "rating_outbox.js", "rating_screens.js", "rating.js")
_component = st.components.v2.component(
    "rating",
    html=(HERE / "rating.html").read_text(encoding="utf-8"),
    css=(HERE / "rating.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
)


def screen(data: dict[str, Any], key: str) -> bool:
    """Ask what there is to ask. Answers go to post.ADDRESS by themselves.

    Returns: whether everything is answered and stored.
    """
    done = f"done-{key}"

    def finish() -> None:
        st.session_state[done] = True

    _component(key=key, data=data, on_done_change=finish)
    return st.session_state.get(done, False)
