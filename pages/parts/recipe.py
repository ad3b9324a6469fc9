"""The recipe that a pilot uses now: proposed from its data, changed, undone. The address carries it over a reload."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.artifacts import fingerprint
from core.recipes import Recipe, propose
from core.series import Series
from feedback_db import recipes
from pages.parts import who
from pages.parts.work import database

PROPOSED = ""  # no recipe of one's own: what suits the data


def current(pilot_id: str, series: Sequence[Series]) -> Recipe:
    """The one that somebody has chosen; else what suits these series.

    The address tells a new session, and is not asked again: the browser may still send one that is out of date.
    """
    if _now(pilot_id) not in st.session_state:
        st.session_state[_now(pilot_id)] = st.query_params.get("recipe", PROPOSED)
    kept = st.session_state[_now(pilot_id)]
    if kept != PROPOSED:
        with database().session(who.here()) as db:
            found = recipes.get(db, pilot_id, kept)
        if found is not None:
            _use(pilot_id, found.id)
            return Recipe.from_json(found.spec)
    _use(pilot_id, PROPOSED)
    return Recipe(window=propose([len(one.values) for one in series]))


def change(pilot_id: str, recipe: Recipe) -> None:
    """Use another one from now on; `undo` comes back to the one before. Said twice, by a script cut off, it is once."""
    before, kept = st.session_state.get(_now(pilot_id), PROPOSED), keep(pilot_id, recipe).id
    if kept != before:
        st.session_state.setdefault(_past(pilot_id), []).append(before)
        _turn_over(pilot_id)
    _use(pilot_id, kept)


def keep(pilot_id: str, recipe: Recipe) -> recipes.Recipe:
    spec = recipe.to_json()
    with database().session(who.here()) as db:
        return recipes.keep(db, pilot_id, fingerprint=fingerprint("recipe", spec), spec=spec)


def can_undo(pilot_id: str) -> bool:
    return bool(st.session_state.get(_past(pilot_id)))


def undo(pilot_id: str) -> None:
    _turn_over(pilot_id)
    _use(pilot_id, st.session_state[_past(pilot_id)].pop())


def key(pilot_id: str, recipe: Recipe) -> str:
    """For widgets that show this recipe: another one after each change, also after one back to a recipe of before.

    The browser goes on sending what was chosen on a page for a while after it has changed. Taken for a new choice, that
    would undo the undoing.
    """
    return f"{keep(pilot_id, recipe).id[:8]}-{st.session_state.get(_turns(pilot_id), 0)}"


def _turn_over(pilot_id: str) -> None:
    st.session_state[_turns(pilot_id)] = st.session_state.get(_turns(pilot_id), 0) + 1


def _turns(pilot_id: str) -> str:
    return f"changes of recipes-{pilot_id}"


def with_window(recipe: Recipe, **changed: object) -> Recipe:
    """The same steps, cut otherwise."""
    return replace(recipe, window=replace(recipe.window, **changed))  # type: ignore[arg-type]


def _use(pilot_id: str, recipe_id: str) -> None:
    st.session_state[_now(pilot_id)] = recipe_id
    if recipe_id == PROPOSED:
        st.query_params.pop("recipe", None)
    else:
        st.query_params["recipe"] = recipe_id


def _now(pilot_id: str) -> str:
    return f"recipe-{pilot_id}"


def _past(pilot_id: str) -> str:
    return f"recipes before-{pilot_id}"
