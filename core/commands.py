"""What each command of the command line does: results in the store, numbers on standard output, progress beside it."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import errands, outcomes, pilot_file, survey, watching
from core.artifacts import Store
from core.errands import Outcomes, Waves
from core.errors import N_, UserError
from core.findings import evidence_of
from core.findings_report import report as document_of
from core.findings_report import write
from core.outcomes import FINGERPRINT, Column, Told
from core.pilot_file import Plan
from core.probes import ProbeSpec
from core.progress import Reporter
from core.reader import Reader
from core.returns import read_answers
from core.watching import Event, Watch, quiet
from core.words import Voice

DONE, SOME_FAILED, ALERT = 0, 1, 3  # how the process ends
MAP, TRAINING = N_("map"), N_("training")


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command needs."""

    args: argparse.Namespace
    voice: Voice
    progress: Reporter

    def store(self) -> Store:
        """The app's, unless somebody names another folder; feedback_db/place.py says where that is."""
        if self.args.store:
            return Store(self.args.store)
        data = Path(os.environ.get("PILOT_DATA") or Path(__file__).parents[1] / "data")
        return Store(data / "artifacts", os.environ.get("PILOT_STORE", ""))

    def plan(self, store: Store) -> Plan:
        with closing(Reader()) as reader:
            return pilot_file.read(self.args.pilot, store, reader)

    def wanted(self, names: Collection[str]) -> list[str]:
        """All of them, or those that somebody asks for."""
        if not self.args.only:
            return list(names)
        for name in self.args.only:
            if name not in names:
                raise UserError(
                    N_("The pilot file has no “{name}”."), N_("It has: {names}."), name=name, names=list(names)
                )
        return list(dict.fromkeys(self.args.only))

    def say(self, told: Mapping[str, Any], words: Iterable[str]) -> None:
        """Results: for a machine, or for people."""
        text = json.dumps(told, ensure_ascii=False, indent=1) if self.args.json else "\n\n".join(words)
        self.progress.clear()
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


# --- work on a pilot file


def validate(desk: Desk) -> int:
    store = desk.store()
    plan = desk.plan(store)
    data = {name: survey.of_data(one, store) for name, one in plan.sources.items()}
    wrong: list[tuple[str, UserError]] = []

    def surveyed(names: Iterable[str], of: Callable[[Plan, str, Store], Told]) -> dict[str, Told]:
        told = {}
        for name in names:
            try:
                told[name] = of(plan, name, store)
            except UserError as error:
                wrong.append((name, error))
        return told

    maps = surveyed(desk.wanted(plan.views), survey.of_view)
    trainings = surveyed(plan.runs, survey.of_run)
    studies = {name: {"maps": list(one.views)} | one.design.to_json() for name, one in plan.studies.items()}
    told = {"pilot": plan.name, "data": data, "maps": maps, "trainings": trainings, "studies": studies}
    tables = ((N_("data"), data, survey.DATA), (MAP, maps, survey.MAPS), (TRAINING, trainings, survey.TRAININGS))
    words = [outcomes.table(desk.voice._(first), rows, columns, desk.voice) for first, rows, columns in tables if rows]
    desk.say(told | {"failed": [outcomes.of_error(name, error) for name, error in wrong]}, [plan.name, *words])
    for line in outcomes.errors(wrong, desk.voice):
        desk.progress.line(line)
    return SOME_FAILED if wrong else DONE


def embed(desk: Desk) -> int:
    store = desk.store()
    plan = desk.plan(store)
    found = _made(desk, store, errands.embeddings(plan, desk.wanted(plan.views)))
    told = _told(found, "embedding", lambda name: outcomes.of_embedding(plan.views[name], store))
    desk.say({"embeddings": told, "failed": _failed(found)}, [_table(desk, MAP, told, outcomes.EMBEDDINGS)])
    return _end(desk, found)


def project(desk: Desk) -> int:
    store = desk.store()
    plan = desk.plan(store)
    found = _made(desk, store, errands.measured(plan, desk.wanted(plan.views)))
    told = _told(found, "view", lambda name: outcomes.of_view(plan.views[name], store))
    desk.say({"maps": told, "failed": _failed(found)}, [_table(desk, MAP, told, outcomes.VIEWS)])
    return _end(desk, found)


def tune(desk: Desk) -> int:
    store = desk.store()
    plan = desk.plan(store)
    found = _made(desk, store, errands.trainings(plan, desk.wanted(plan.runs)))
    told = _told(found, "run", lambda name: outcomes.of_run(plan.runs[name], store))
    shown = {name: outcomes.run_for_people(one) for name, one in told.items()}
    desk.say({"trainings": told, "failed": _failed(found)}, [_table(desk, TRAINING, shown, outcomes.RUNS)])
    return _end(desk, found)


def probe(desk: Desk) -> int:
    store = desk.store()
    plan = desk.plan(store)
    found = _made(desk, store, errands.probed(plan, desk.wanted(plan.views)))
    told = _told(found, "probes", lambda name: outcomes.of_probes(ProbeSpec(plan.views[name]), store))
    tables = (
        outcomes.table(name, outcomes.probes_for_people(one, desk.voice), outcomes.PROBES, desk.voice)
        for name, one in told.items()
    )
    desk.say({"probes": told, "failed": _failed(found)}, tables)
    return _end(desk, found)


def _made(desk: Desk, store: Store, waves: Waves) -> Outcomes:
    with errands.crew_at(desk.args.dask, store) as crew:
        return errands.carry_out(waves, store, crew, desk.progress)


def _told(found: Outcomes, kind: str, tell: Callable[[str], Told]) -> dict[str, Told]:
    """Of each thing of a kind that is there now, by what people call it."""
    return {
        name: tell(name) | {"new": one.new} for (of, name), one in found.items() if of == kind and one.error is None
    }


def _failed(found: Outcomes) -> list[Told]:
    return [outcomes.of_error(name, one.error) for (_kind, name), one in found.items() if one.error is not None]


def _table(desk: Desk, first: str, told: Mapping[str, Told], columns: tuple[Column, ...]) -> str:
    return outcomes.table(desk.voice._(first), told, (*columns, FINGERPRINT), desk.voice)


def _end(desk: Desk, found: Outcomes) -> int:
    failed = [(name, one.error) for (_kind, name), one in found.items() if one.error is not None]
    for line in outcomes.errors(failed, desk.voice):
        desk.progress.line(line)
    return SOME_FAILED if failed else DONE


# --- what goes on


def watch(desk: Desk) -> int:
    store = desk.store()
    plan = desk.plan(store)
    names = desk.wanted(plan.views)
    found = errands.carry_out(errands.maps(plan, names), store, errands.Here(store), desk.progress)
    drawn = {name: plan.views[name] for name in names if found["view", name].error is None}
    ended = _end(desk, found)
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        desk.progress.clear()
        line = json.dumps(outcomes.of_event(event), ensure_ascii=False, default=watching.as_json)
        sys.stdout.write(f"{line if desk.args.json else outcomes.event_for_people(event, desk.voice)}\n")
        sys.stdout.flush()

    go = watching.once if desk.args.once else watching.run
    go(Watch(desk.args.folder, drawn, store, every=desk.args.every), tell, quiet)
    if any(one.judged is not None and one.judged.state == "ask again" for one in told):
        return ALERT
    return SOME_FAILED if any(one.judged is None for one in told) else ended


# --- what people answered


def evidence(desk: Desk) -> int:
    found = evidence_of(read_answers(desk.args.answers))
    desk.say(found.to_json(), [outcomes.text(document_of(found, desk.voice.language))])
    return DONE


def report(desk: Desk) -> int:
    write(document_of(evidence_of(read_answers(desk.args.answers)), desk.voice.language), desk.args.to)
    desk.say({"file": str(desk.args.to)}, [str(desk.args.to)])
    return DONE


COMMANDS: Mapping[str, Callable[[Desk], int]] = {
    one.__name__: one for one in (validate, embed, project, tune, probe, watch, evidence, report)
}
