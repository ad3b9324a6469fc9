"""Maps that are kept for people to rate, and what is expected of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from core import evidence
from core.errors import N_
from core.evidence import EXPECTED, Part
from core.tuning import TuneSpec
from core.views import ViewSpec, find
from feedback_db import pilots, runs, views
from feedback_db.views import View
from pages.parts import pilot, who
from pages.parts.text import _
from pages.parts.work import database, store

LONGEST = 200  # letters of a reason
NEW = ""  # no map's name
Width = Literal["content", "stretch"]
LABELS: dict[Part, str] = {"error": N_("Reconstruction error"), "clarity": N_("Understandability")}


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a change before people are asked; all of it may be missing."""

    why: str
    expects: dict[Part, str] | None  # codes of core.evidence.EXPECTED


def keep_button(
    label: str, pilot_id: str, new: Sequence[ViewSpec], kept: Sequence[View], width: Width = "content"
) -> Said | None:
    """One press keeps these maps; what is said below it goes with them.

    Args:
        kept: the maps that the pilot has already; before the first one there is no change to speak of.

    Returns: None as long as nobody has pressed.
    """
    place = st.container()
    said = _fields(pilot_id, new, kept) if kept else Said("", None)
    pressed = place.button(label, type="primary", width=width, icon=":material/bookmark_add:")
    return said if pressed else None


def keep(pilot_id: str, spec: ViewSpec, meta: dict[str, Any], said: Said) -> None:
    with database().session(who.here()) as db:
        views.keep(
            db,
            pilot_id,
            fingerprint=spec.fingerprint(),
            spec=spec.to_json(),
            loss=meta["loss"],
            loss_detail={"mask_ratio": meta["mask_ratio"], "mask_seed": meta["mask_seed"]},
            n_windows=meta["n_windows"],
            why=said.why,
            expects=said.expects,
        )


def keep_all(pilot_id: str, specs: Sequence[ViewSpec]) -> None:
    """The one next step after a comparison: have people rate what was compared."""
    with database().session(who.here()) as db:
        kept = views.of_pilot(db, pilot_id)
    here = {one.fingerprint for one in kept}
    new = [spec for spec in specs if spec.fingerprint() not in here]
    if not new:
        if st.button(_("Ask people about them"), type="primary", icon=":material/arrow_forward:"):
            st.switch_page("study.py", query_params=pilot.address())
        return
    said = keep_button(_("Keep these maps, for people to rate"), pilot_id, new, kept)
    if said is not None:
        for spec in new:
            found = find(spec.fingerprint(), store())
            if found is not None:
                keep(pilot_id, spec, found.meta, said)
        st.rerun()


def _fields(pilot_id: str, new: Sequence[ViewSpec], kept: Sequence[View]) -> Said:
    """Their keys hold the map, so that what is said of one is not said of the next."""
    key = new[0].fingerprint()[:12]
    label = _asked(pilot_id, new, kept)
    with st.expander(label, key=f"expect-{key}"), st.container(horizontal=True, vertical_alignment="bottom"):
        expects = {
            part: st.pills(_(LABELS[part]), list(codes), format_func=_words(codes), key=f"{part}-{key}", wrap=True)
            for part, codes in EXPECTED.items()
        }
        why = st.text_input(_("Why this change?"), max_chars=LONGEST, key=f"why-{key}")
        st.caption(
            _(
                "You can leave this out. It cannot be changed afterwards: what is expected counts only when it was "
                "said before people are asked."
            )
        )
    return Said(" ".join(why.split()), {part: code for part, code in expects.items() if code} or None)


def _words(codes: Mapping[str, str]) -> Callable[[str], str]:
    return lambda code: _(codes[code])


def _asked(pilot_id: str, new: Sequence[ViewSpec], kept: Sequence[View]) -> str:
    """Next to what: of one map that is known, several are set against one another as well."""
    if len(new) > 1:
        return _("What do you expect, next to the maps before?")
    return _("What do you expect, next to {map}?").format(map=_before(pilot_id, new[0], kept))


def _before(pilot_id: str, new: ViewSpec, kept: Sequence[View]) -> str:
    """The map that this one will be set against, which only what is kept so far decides."""
    with database().session(who.here()) as db:
        this_round = pilots.get(db, pilot_id).round
        trainings = [(one.fingerprint, TuneSpec.from_json(one.spec)) for one in runs.of_pilot(db, pilot_id)]
    parents = {str(store().folder(folder)): one.encoder for folder, one in trainings}
    specs = {_("Map {n}").format(n=one.number): ViewSpec.from_json(one.spec) for one in kept}
    rounds = dict(zip(specs, (one.round for one in kept), strict=True))
    found = evidence.came_from(
        specs | {NEW: new}, rounds | {NEW: this_round}, evidence.trained(specs | {NEW: new}, parents)
    )
    return found[NEW]
