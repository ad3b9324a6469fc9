"""Maps that are kept for people to rate."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.views import ViewSpec, find
from feedback_db import views
from pages.parts import pilot
from pages.parts.text import _
from pages.parts.work import database, store


def keep(pilot_id: str, spec: ViewSpec, meta: dict[str, Any]) -> None:
    with database().session() as db:
        views.keep(
            db,
            pilot_id,
            fingerprint=spec.fingerprint(),
            spec=spec.to_json(),
            loss=meta["loss"],
            loss_detail={"mask_ratio": meta["mask_ratio"], "mask_seed": meta["mask_seed"]},
            n_windows=meta["n_windows"],
        )


def keep_all(pilot_id: str, specs: Sequence[ViewSpec]) -> None:
    """The one next step after a comparison: have people rate what was compared."""
    with database().session() as db:
        kept = {one.fingerprint for one in views.of_pilot(db, pilot_id)}
    new = [spec for spec in specs if spec.fingerprint() not in kept]
    if not new:
        if st.button(_("Ask people about them"), type="primary", icon=":material/arrow_forward:"):
            st.switch_page("study.py", query_params=pilot.address())
        return
    if st.button(_("Keep these maps, for people to rate"), type="primary", icon=":material/bookmark_add:"):
        for spec in new:
            found = find(spec.fingerprint(), store())
            if found is not None:
                keep(pilot_id, spec, found.meta)
        st.rerun()
