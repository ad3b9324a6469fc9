"""The pilot file: what was clicked together here, for the command line and for other computers."""

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from core import pilot_file
from core.pilot_file import Plan, Planned
from core.reader import Source
from core.studies import Design
from core.tuning import TuneSpec
from core.views import ViewSpec
from feedback_db import datasets, pilots, runs, studies, views
from feedback_db.datasets import Dataset
from pages.parts import who
from pages.parts.intake import sources_of
from pages.parts.text import _
from pages.parts.work import database, store

NAME = "pilot.toml"


def button(pilot_id: str, now: ViewSpec | None = None, *, wide: bool = False) -> None:
    """Made when it is pressed; with the map that is on the screen, kept or not."""
    st.download_button(
        _("Pilot file (TOML)"),
        who.when_pressed(lambda: toml(pilot_id, now)),
        NAME,
        "application/toml",
        on_click="ignore",
        icon=":material/download:",
        width="stretch" if wide else "content",
        help=_("All choices of this pilot. The command line makes the same maps again from this file and the data."),
    )


def toml(pilot_id: str, now: ViewSpec | None) -> bytes:
    """What the pilot has kept, and the map that is on the screen."""
    with database().reading(who.here()) as db:
        pilot, here = pilots.get(db, pilot_id), datasets.of_pilot(db, pilot_id)
        kept, trained = views.of_pilot(db, pilot_id), runs.of_pilot(db, pilot_id)
        asked = studies.of_pilot(db, pilot_id)[::-1]
    if pilot is None:
        raise LookupError(pilot_id)
    runs_by = {_("Training {n}").format(n=one.number): TuneSpec.from_json(one.spec) for one in trained}
    maps = {_("Map {n}").format(n=one.number): ViewSpec.from_json(one.spec) for one in kept}
    named = dict(zip((one.id for one in kept), maps, strict=True))
    if now is not None and now not in maps.values():
        maps[_("This map")] = now
    of_folder = {str(store().folder(run.fingerprint)): name for run, name in zip(trained, runs_by, strict=True)}
    specs: dict[str, ViewSpec | TuneSpec] = {**runs_by, **maps}
    files = _files(here)
    plan = Plan(
        name=pilot.question,
        sources=_sources(files, [*sources_of(here), *(source for spec in specs.values() for source in spec.sources)]),
        views=maps,
        runs=runs_by,
        learners={
            name: of_folder[spec.encoder.source] for name, spec in specs.items() if spec.encoder.source in of_folder
        },
        studies={
            _("Study {n}").format(n=n): Planned(
                Design.from_json(one.design["design"]), tuple(named[view] for view in one.view_ids)
            )
            for n, one in enumerate(asked, 1)
            if one.design  # {}: it was opened before studies had one
        },
    )
    return pilot_file.written(plan, files).encode()


def _files(here: Sequence[Dataset]) -> dict[str, str]:
    """Names of files by what is in them; no two have the same, since they are to lie in one folder."""
    names: dict[str, str] = {}
    for one in here:
        pilot_file.called(names, one.sha256, one.file_name)
    return names


def _sources(files: Mapping[str, str], used: Iterable[Source]) -> dict[str, Source]:
    """By name; a file may have been read otherwise when a map was kept."""
    names: dict[Source, str] = {}
    for one in used:
        pilot_file.called(names, one, files[one.sha256])
    return {name: one for one, name in names.items()}
