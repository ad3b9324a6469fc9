"""The recipe that a pilot uses now: proposed from its data, changed, undone. The address carries it over a reload."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.artifacts import fingerprint
from core.recipes import Recipe, propose
from core.series import Series
from feedback_db import recipes
from pages.parts.work import database


def current(pilot_id: str, series: Sequence[Series]) -> Recipe:
    """The one that somebody has chosen; else what suits these series."""
    kept = st.query_params.get("recipe") or st.session_state.get(_now(pilot_id))
    if kept:
        with database().session() as db:
            found = recipes.get(db, pilot_id, kept)
        if found is not None:
            _use(pilot_id, found.id)
            return Recipe.from_json(found.spec)
    st.query_params.pop("recipe", None)
    return Recipe(window=propose([len(one.values) for one in series]))


def change(pilot_id: str, recipe: Recipe) -> None:
    """Use another one from now on; `undo` comes back to the one before."""
    before = st.session_state.get(_now(pilot_id), "")
    st.session_state.setdefault(_past(pilot_id), []).append(before)
    _use(pilot_id, keep(pilot_id, recipe).id)


def keep(pilot_id: str, recipe: Recipe) -> recipes.Recipe:
    spec = recipe.to_json()
    with database().session() as db:
        return recipes.keep(db, pilot_id, fingerprint=fingerprint("recipe", spec), spec=spec)


def can_undo(pilot_id: str) -> bool:
    return bool(st.session_state.get(_past(pilot_id)))


def undo(pilot_id: str) -> None:
    before = st.session_state[_past(pilot_id)].pop()
    if before:
        _use(pilot_id, before)
    else:  # back to what suits the data
        st.session_state.pop(_now(pilot_id), None)
        st.query_params.pop("recipe", None)


def with_window(recipe: Recipe, **changed: object) -> Recipe:
    """The same steps, cut otherwise."""
    return replace(recipe, window=replace(recipe.window, **changed))  # type: ignore[arg-type]


def _use(pilot_id: str, recipe_id: str) -> None:
    st.session_state[_now(pilot_id)] = recipe_id
    st.query_params["recipe"] = recipe_id


def _now(pilot_id: str) -> str:
    return f"recipe-{pilot_id}"


def _past(pilot_id: str) -> str:
    return f"recipes before-{pilot_id}"
