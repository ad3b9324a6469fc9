"""What each command of the command line does: results in the store, numbers on standard output, progress beside it."""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core import errands, outcomes, pilot_file, points, survey, watching
from core.artifacts import Store
from core.errands import Outcomes, Waves, carry_out, crew_at
from core.errors import N_, UserError
from core.findings import evidence_of
from core.findings_report import report as document_of
from core.findings_report import write
from core.outcomes import MAP, TRAINING, Told, table
from core.pilot_file import Plan
from core.probes import ProbeSpec
from core.progress import Reporter
from core.reader import Reader, table_of
from core.returns import read_answers
from core.views import PCA
from core.watching import Event, Watch, quiet
from core.words import Voice

DONE, SOME_FAILED, ALERT = 0, 1, 3  # how the process ends


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
        """The pilot file as far as it is known what it holds."""
        with closing(Reader()) as reader:
            return pilot_file.read(self.args.pilot, store, reader)

    def wanted(self, names: Collection[str], waiting: Mapping[str, str]) -> list[str]:
        """All of them, or those that somebody asks for. What waits for a training may be one of them."""
        if not self.args.only:
            return list(names)
        for name in self.args.only:
            if name not in names and name not in waiting:
                raise UserError(
                    N_("The pilot file has no “{name}”."), N_("It has: {names}."), name=name, names=[*names, *waiting]
                )
        return [name for name in names if name in self.args.only]

    def say(self, told: Mapping[str, Any], words: Iterable[str]) -> None:
        """Results: for a machine, or for people."""
        self.line(outcomes.as_json(told, indent=1) if self.args.json else "\n\n".join(filter(None, words)))

    def line(self, text: str) -> None:
        self.progress.clear()
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def end(self, failed: Iterable[tuple[str, UserError]]) -> int:
        """Say what could not be made, and how the process ends."""
        lines = outcomes.errors(failed, self.voice)
        for line in lines:
            self.progress.line(line)
        return SOME_FAILED if lines else DONE


# --- work on a pilot file


def validate(desk: Desk) -> int:
    store = desk.store()
    plan = desk.plan(store)
    told, failed = survey.taken(plan, store)
    each = [outcomes.of_error(name, error) for name, error in failed]
    desk.say(told | {"failed": each}, survey.in_words(plan, store, told, desk.voice))
    return desk.end(failed)


def embed(desk: Desk) -> int:
    plan, store, found = _made(desk, errands.embeddings, _maps)

    def tell(name: str) -> Told:
        shared = plan.views[name].drawn_by(PCA)
        maps = [other for other, one in plan.views.items() if one.drawn_by(PCA) == shared]
        return outcomes.of_embedding(plan.views[name], store) | {"maps": maps}

    told = _told(found, "embedding", tell)
    return _finish(desk, found, {"embeddings": told}, [table(MAP, told, outcomes.EMBEDDINGS, desk.voice)])


def project(desk: Desk) -> int:
    plan, store, found = _made(desk, errands.measured, _maps)
    told = _told(found, "view", lambda name: outcomes.of_view(plan.views[name], store))
    for name in told if desk.args.to else ():
        points.save(points.table(plan.views[name], store), name, desk.args.to)
    warnings = outcomes.notices({name: outcomes.warnings(plan.views[name], store) for name in told}, desk.voice)
    return _finish(desk, found, {"maps": told}, [table(MAP, told, outcomes.VIEWS, desk.voice), warnings])


def tune(desk: Desk) -> int:
    plan, store, found = _made(desk, errands.trainings, lambda plan: plan.runs)
    told = _told(found, "run", lambda name: outcomes.of_run(plan.runs[name], store))
    shown = {name: outcomes.run_for_people(one) for name, one in told.items()}
    return _finish(desk, found, {"trainings": told}, [table(TRAINING, shown, outcomes.RUNS, desk.voice)])


def probe(desk: Desk) -> int:
    plan, store, found = _made(desk, errands.probed, _maps)
    specs = {name: ProbeSpec(view) for name, view in plan.views.items()}
    told = _told(found, "probes", lambda name: outcomes.of_probes(specs[name], store))
    words = [outcomes.probes_for_people(name, specs[name], store, desk.voice) for name in told]
    return _finish(desk, found, {"probes": told}, words)


def _maps(plan: Plan) -> Collection[str]:
    return plan.views


def _made(
    desk: Desk, waves: Callable[[Plan, Collection[str]], Waves], names_in: Callable[[Plan], Collection[str]]
) -> tuple[Plan, Store, Outcomes]:
    """What is asked for."""
    store = desk.store()
    with crew_at(desk.args.dask, store) as crew:
        plan, found = errands.known(lambda: desk.plan(store), desk.args.only, store, crew, desk.progress)
        wanted = waves(plan, desk.wanted(names_in(plan), plan.waiting))
        return plan, store, carry_out(wanted, store, crew, desk.progress, found)


def _told(found: Outcomes, kind: str, tell: Callable[[str], Told]) -> dict[str, Told]:
    """Of each thing of a kind that is there now, by what people call it."""
    there = [(name, one.new) for (of, name), one in found.items() if of == kind and one.error is None]
    return {name: tell(name) | {"new": new} for name, new in there}


def _finish(desk: Desk, found: Outcomes, told: Mapping[str, Any], words: Iterable[str]) -> int:
    failed = errands.failures(found)
    desk.say({**told, "failed": [outcomes.of_error(*one) for one in failed.items()]}, words)
    return desk.end(failed.items())


def bulk(desk: Desk) -> int:
    """A map of the pilot, of a folder that is larger than memory; docs/SCALE.md says what is written."""
    from core import bulk, jobs, spreading  # here, because Dask takes seconds to load
    from core.folders import FolderSpec

    plan, store, found = _made(desk, errands.maps, _maps)
    names, args = desk.wanted(plan.views, plan.waiting), desk.args
    if len(names) != 1:
        raise UserError(N_("It is not clear which map is meant."), N_("Say it with --only: {names}."), names=names)
    if failed := errands.failures(found):
        return desk.end(failed.items())
    view = plan.views[names[0]]
    reading = view.sources[0].reading  # where nothing else is said, columns are called as in the pilot
    channels = args.channels or table_of(view.sources[0], store).series[0].channels
    series = args.series or filter(None, [reading.domain])
    folder = FolderSpec(args.folder, tuple(channels), args.time or reading.time or "", tuple(series))
    spec = bulk.BulkSpec(folder, view.recipe, view.encoder, view.projection, args.sample)
    try:
        with jobs.workers(args.cluster) as client:
            written = spreading.draw(spec, args.to, client, partial(desk.progress, names[0]))
    except OSError as error:
        raise errands.silence(args.cluster) from error
    told = {"map": names[0], "fingerprint": written.key, "where": f"{args.to}/{written.where}"} | written.meta
    words = desk.voice._(N_("{n:,} stretches are on the map; their places lie in {where}."))
    desk.say(told, [words.format(n=told["n_windows"], where=told["where"])])
    return desk.end((desk.voice.listed(one.names), one.error) for one in written.missing)


# --- what goes on


def watch(desk: Desk) -> int:
    """Ends at Ctrl-C, as it should; or, once, with what was found."""
    plan, store, found = _made(desk, errands.maps, _maps)
    drawn = _told(found, "view", lambda _name: {})
    ended = desk.end(errands.failures(found).items())
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        desk.line(
            outcomes.as_json(outcomes.of_event(event))
            if desk.args.json
            else outcomes.event_for_people(event, desk.voice)
        )

    watched = Watch(desk.args.folder, {name: plan.views[name] for name in drawn}, store, every=desk.args.every)
    if not desk.args.once:
        watching.run(watched, tell, quiet)
        return DONE
    watching.once(watched, tell, quiet)
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
    one.__name__: one for one in (validate, embed, project, tune, probe, bulk, watch, evidence, report)
}
