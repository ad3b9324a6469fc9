"""A study from its opening to each person's questionnaire: what is asked is drawn once, kept, and handed out."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from core import controls, material, tasks
from core import studies as designing
from core.answers import TaskKind
from core.artifacts import fingerprint
from core.controls import Control, ControlSpec
from core.errors import N_, UserError
from core.notices import Notice
from core.studies import INSTANCES, Design, Sitting
from core.tasks import Ground, Task
from core.views import ViewSpec, find
from feedback_db import raters, ratings, studies
from feedback_db.raters import Rater
from feedback_db.studies import Item, Study
from feedback_db.views import View
from pages.parts import pilot, post, questions, who
from pages.parts.scene import scene_of, starts
from pages.parts.text import language
from pages.parts.watch import await_result, await_view
from pages.parts.work import database, store, windows_of

LATER = 2**32  # samples, more than a series has: one series comes after the other
VERSION = 1  # raise it when the same view would be shown to raters otherwise
FILE = "material.json"


# --- before it opens


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What raters see of one view or control, and what quizzes are made from it. Row i is shown window i."""

    ground: Ground
    waves: dict[str, Any]
    colour: material.Levels  # by time
    lines: Mapping[int, dict[str, Any]]  # by series


@lru_cache(maxsize=16)
def quizzes_of(view_fingerprint: str, spec: ViewSpec) -> tuple[dict[TaskKind, list[Task]], dict[TaskKind, Notice]]:
    """The quizzes that can be made from the data as they are, and why the other kinds cannot."""
    ground = _view(view_fingerprint, spec).ground
    kinds, why_not = tasks.possible(ground)
    return {kind: tasks.draw(kind, ground, INSTANCES, seed=0) for kind in kinds}, why_not


def plan(design: Design, chosen: Sequence[View]) -> Sitting:
    """How long a sitting will be; kinds of quizzes that need planted events are taken to be possible."""
    counts = {one.id: dict.fromkeys(design.tasks, INSTANCES) for one in chosen}
    return designing.plan(design, len(chosen), counts)


@dataclass(frozen=True, slots=True)
class Missing:
    """A kind of quiz that cannot be made of some maps as they are."""

    kind: TaskKind
    why: Notice
    maps: list[int]  # their numbers
    is_planted: bool  # it is made of planted events instead; False: it is left out


def missing_quizzes(design: Design, chosen: Sequence[View]) -> list[Missing]:
    """What will be asked otherwise, or not at all, of which maps."""
    found: dict[tuple[TaskKind, str, bool], Missing] = {}
    for one in chosen:
        spec = ViewSpec.from_json(one.spec)
        why_not = quizzes_of(one.fingerprint, spec)[1]
        planted = to_plant(design, why_not, spec)
        for kind, why in why_not.items():
            if kind in design.tasks:
                key = kind, why.message, kind in planted
                found.setdefault(key, Missing(kind, why, [], kind in planted)).maps.append(one.number)
    return list(found.values())


Made = Mapping[str, Mapping[TaskKind, Sequence[tuple[Task, str]]]]  # quizzes of each view, with their material


def open_study(pilot_id: str, chosen: Sequence[View], design: Design) -> Study:
    """Have ready what needs a model, draw everything that may be asked, keep it, and let people in."""
    kept, quizzes = _make_ready(chosen, design)
    views = [one.id for one in chosen]
    counts = {view: {kind: len(made) for kind, made in of_view.items()} for view, of_view in quizzes.items()}
    minutes = designing.minutes(designing.plan(design, len(views), counts))
    told = {"design": design.to_json(), "minutes": round(minutes), **kept}
    with database().session(who.here()) as db:
        items = _items(designing.pool(design, views, counts), quizzes)
        study = studies.open_with(db, pilot_id, views, secrets.randbelow(2**31), told, items)
        raters.invite(db, study.id, is_shared=True)
    return study


def restore(study: Study, kept: Sequence[View]) -> None:
    """Make again what somebody has cleared away since, before anybody sits down to rate it."""
    design = study.design
    keys = [*design["maps"].values(), design["null"], *design["events"]] if design else []
    if not all(store().has(key) for key in keys):
        chosen = sorted((one for one in kept if one.id in study.view_ids), key=lambda one: study.view_ids.index(one.id))
        for one in chosen:
            await_view(ViewSpec.from_json(one.spec), key="study")
        _make_ready(chosen, Design.from_json(design["design"]))


def _make_ready(chosen: Sequence[View], design: Design) -> tuple[dict[str, Any], Made]:
    """Keep what browsers get: of the maps, of a map of noise, and of planted events; and draw the quizzes."""
    specs = {one.id: ViewSpec.from_json(one.spec) for one in chosen}
    noise = _control(await_result(ControlSpec(specs[chosen[0].id], "noise"), key="noise"))
    maps: dict[str, str] = {}
    events: list[str] = []
    quizzes: dict[str, dict[TaskKind, list[tuple[Task, str]]]] = {}
    for one in chosen:
        own, why_not = quizzes_of(one.fingerprint, specs[one.id])
        lines = {task.line for task in own.get("odd", ()) if isinstance(task, tasks.Odd)}
        maps[one.id] = _keep(one.fingerprint, _view(one.fingerprint, specs[one.id]), design, lines)
        made = {kind: [(task, maps[one.id]) for task in own[kind]] for kind in design.tasks if kind in own}
        if planted := to_plant(design, why_not, specs[one.id]):
            key, drawn = _planted(specs[one.id], planted, design)
            events.append(key)
            made |= {kind: [(task, key) for task in of_kind] for kind, of_kind in drawn.items() if of_kind}
        quizzes[one.id] = {kind: made[kind] for kind in design.tasks if kind in made}
    return {"maps": maps, "null": _keep("noise", noise, design, ()), "events": events}, quizzes


def to_plant(design: Design, why_not: Mapping[TaskKind, Notice], spec: ViewSpec) -> list[TaskKind]:
    """Kinds of quizzes that need planted events, where the data have room for them."""
    wanted = [kind for kind in design.tasks if kind in why_not and kind not in designing.WITH_MAP_ONLY]
    return wanted if len(controls.apart(windows_of(spec.sources, spec.recipe))) >= controls.FEWEST else []


def _planted(spec: ViewSpec, kinds: Sequence[TaskKind], design: Design) -> tuple[str, dict[TaskKind, list[Task]]]:
    """Quizzes about events that were planted into the data, for data without labels; and their material."""
    control = ControlSpec(spec, "events")
    shown = _control(await_result(control, key=f"events-{control.fingerprint()[:8]}"))
    drawn = {kind: tasks.draw(kind, shown.ground, INSTANCES, seed=0) for kind in kinds}
    return _keep(control.fingerprint(), shown, design, shown.lines), drawn


def _items(asked: Iterable[designing.Item], quizzes: Made) -> list[Item]:
    found = []
    for number, one in enumerate(asked):
        task: dict[str, Any] | None = {"instance": one.instance} if one.kind == "check" else None
        if one.task is not None:
            quiz, key = quizzes[one.view][one.task][one.instance]
            task = {"instance": one.instance, "quiz": quiz.to_json(), "material": key}
        found.append(Item(number, one.kind, one.view or None, one.other or None, task))
    return found


def _view(view_fingerprint: str, spec: ViewSpec) -> Shown:
    drawn = find(view_fingerprint, store())
    if drawn is None:
        raise FileNotFoundError(f"the picture {view_fingerprint} is no longer kept")
    scene = scene_of(spec, drawn, names=[])
    ids = material.shown(len(scene.windows))
    ground = Ground.of(drawn.xy, scene.windows, ids)
    values = scene.in_units().values(ids)
    channels = material.channels_shown(values)
    lines = {i: material.line(one.values[:, channels], i, ground.where) for i, one in enumerate(scene.series)}
    return Shown(ground, material.waves(values[:, channels]), material.ranks(starts(scene)[ids]), lines)


def _control(control: Control) -> Shown:
    channels = material.channels_shown(control.values)
    values = control.values[:, channels].astype(np.float64)
    where = control.ground.where
    lines = {i: material.line(one.values[:, channels], i, where) for i, one in enumerate(control.series)}
    return Shown(control.ground, material.waves(values), material.ranks(where.series * LATER + where.start), lines)


def _keep(name: str, shown: Shown, design: Design, lines: Iterable[int]) -> str:
    """What a browser gets of it, in a file; returns its fingerprint."""
    colour = shown.colour if design.colour == "time" else None
    content = {
        "map": material.points(shown.ground.xy, colour),
        "waves": shown.waves,
        "lines": {str(i): shown.lines[i] for i in sorted(lines)},
    }
    key = fingerprint("material", VERSION, name, content)

    def write(folder: Path) -> dict[str, object]:
        (folder / FILE).write_text(json.dumps(content), encoding="utf-8")
        return {"made": "material", "of": name}

    store().make(key, write)
    return key


# --- for one person


def core_items(items: Iterable[Item]) -> list[designing.Item]:
    """The items as the order of a sitting is drawn from them."""
    return [
        designing.Item(
            one.kind,
            one.view_id or "",
            one.other_view_id or "",
            one.task["quiz"]["kind"] if one.task and "quiz" in one.task else None,
            one.task["instance"] if one.task else 0,
        )
        for one in items
    ]


def questionnaire(study: Study, rater: Rater) -> dict[str, Any]:
    """All that one person is asked, for rating.js. No right answer is in it, and nothing of a model or a method."""
    with database().reading(who.here()) as db:
        items = {one.number: one for one in studies.items(db, study.id)}
        answered = ratings.answered_by(db, rater)
    pack = Pack(study.design)
    design = Design.from_json(study.design["design"])
    with_previs = next(
        (n for n in rater.asked if items[n].kind == "view" and designing.gets_previs(design, rater.seat)), None
    )
    asked = [
        {"id": items[n].id, "steps": list(pack.steps(items[n], with_previs=n == with_previs))} for n in rater.asked
    ]
    address = f"{pilot.base_address()}/rate?{urlencode({'seat': rater.token, 'lang': language()})}"
    return {
        "seat": rater.token,
        "study": study.id,
        "address": post.ADDRESS,
        "language": language(),
        "words": questions.words(address),
        "introduce": rater.literacy is None,
        "literacy": questions.literacy(),
        "answered": sorted(answered),
        "items": asked,
        **pack.content(),
    }


class Pack:
    """The material of one person's items, each under a name that tells nothing: m1, m2, … in the order of meeting."""

    def __init__(self, design: Mapping[str, Any]) -> None:
        self._design = design
        self._numbers: dict[str, int] = {}
        self._lines: dict[str, dict[str, Any]] = {}

    def steps(self, item: Item, *, with_previs: bool) -> Iterable[dict[str, Any]]:
        """What is asked about an item, one screen after the other."""
        if item.kind == "check" and item.task:
            yield {"kind": "check", "asks": str(post.CHECKS[item.task["instance"]])}
        elif item.kind == "pair":
            yield {"kind": "pair", "maps": [self._map(self._design["maps"][one]) for one in _both(item)]}
        if item.kind in ("view", "repeat", "null"):
            of = self._design["null"] if item.kind == "null" else self._design["maps"][item.view_id]
            yield {"kind": "rating", "map": self._map(of)}
            for scale in questions.PREVIS if with_previs else ():
                yield {"kind": "previs", "map": self._map(of), "scale": scale, "items": questions.previs(scale)}
        if item.task and "quiz" in item.task:
            yield self._quiz(Task.from_json(item.task["quiz"]), item.task["material"], item.kind != "plain")

    def _quiz(self, task: Task, key: str, has_map: bool) -> dict[str, Any]:
        step = tasks.for_browser(task)
        if isinstance(task, tasks.Intruder):
            return step | {"waves": self._waves(key)}
        if has_map:
            return step | {"map": self._map(key)}
        if isinstance(task, tasks.Odd):
            return step | {"line": self._line(key, task.line)}
        return step | {"waves": self._waves(key)}

    def content(self) -> dict[str, Any]:
        """Everything that the steps name."""
        read = {key: _read(key) for key in self._numbers}
        return {
            "waves": {self._waves(key): one["waves"] for key, one in read.items()},
            "maps": {self._map(key): one["map"] | {"waves": self._waves(key)} for key, one in read.items()},
            "lines": {
                name: read[of["key"]]["lines"][str(of["series"])] | {"waves": self._waves(of["key"])}
                for name, of in self._lines.items()
            },
        }

    def _number(self, key: str) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def _map(self, key: str) -> str:
        return f"m{self._number(key)}"

    def _waves(self, key: str) -> str:
        return f"w{self._number(key)}"

    def _line(self, key: str, series: int) -> str:
        name = f"l{self._number(key)}-{series}"
        self._lines[name] = {"key": key, "series": series}
        return name


def _read(key: str) -> Any:
    """A rater waits for no calculation, which would tell of a model."""
    if not store().has(key):
        raise UserError(N_("This map cannot be shown just now."), N_("Please tell the person who gave you the tablet."))
    return json.loads((store().here(key) / FILE).read_text(encoding="utf-8"))


def _both(item: Item) -> tuple[str, str]:
    return item.view_id or "", item.other_view_id or ""
