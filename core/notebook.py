"""The library for a notebook or a script: what the screens do, in a dozen calls. Plain arrays and tables come out.

docs/EXAMPLES.md shows all of it, and is run as a test.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core import errands, outcomes, pilot_file, points, preparation, views
from core.artifacts import Store
from core.charts import Chart
from core.comparison import ComparisonSpec
from core.drift import Limits, judge
from core.encoders import EncoderSpec
from core.errands import Here
from core.errors import UserError
from core.findings import Findings, evidence_of
from core.findings_report import report as document_of
from core.findings_report import write
from core.kinds import KINDS, Spec, kind_of
from core.lessons import TrainSpec
from core.measures import MeasureSpec
from core.pilot_file import Plan
from core.placing import PlacedSpec
from core.preparation import PreparationSpec
from core.probes import ProbeSpec
from core.progress import Reporter
from core.projection import ProjectionSpec
from core.reader import Reader, Source, table_of
from core.recipes import Recipe, Windows, WindowSpec, cut, propose
from core.returns import read_answers
from core.steps import Impute, Resample, Scale, Smooth
from core.tables import guess
from core.tuning import TuneSpec
from core.views import ViewSpec
from core.words import Language, Voice

__all__ = [
    "Arrived",
    "EncoderSpec",
    "Impute",
    "ProjectionSpec",
    "Recipe",
    "Resample",
    "Scale",
    "Smooth",
    "Trained",
    "UserError",
    "WindowSpec",
    "Workbench",
    "evidence",
    "report",
]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What came of training a model further."""

    view: ViewSpec  # the same windows by the trained model, drawn the same way
    numbers: Mapping[str, Any]  # about windows that the training never looked at: `errors` before and after, `moved`, …
    curve: pd.DataFrame  # a row an evaluation: step, train, held (errors), seconds


@dataclass(frozen=True, slots=True, eq=False)
class Arrived:
    """New data on a map that stays as it is."""

    points: pd.DataFrame  # a row a new window: x, y, series, start (sample), outside (looks like nothing in the pilot)
    state: str  # "fits", "watch", "ask again" or "cannot tell"
    because: tuple[str, ...]  # sentences


class Workbench:
    """A folder in which all that was computed is kept: what is asked for twice, in whatever session, is computed once.

    Errors that you can put right are UserErrors, which say what happened and what to do about it. Work that is
    interrupted goes on where it was when it is asked for again.
    """

    def __init__(self, folder: Path | str, language: Language = "en") -> None:
        """Open a folder, or make it.

        Args:
            folder: `data/artifacts` is the app's own, and shares its results.
            language: of sentences, charts and reports.
        """
        self.store = Store(Path(folder))
        self.voice = Voice(language)
        self._report = Reporter(self.voice, sys.stderr)

    # --- data

    def open(self, file: Path | str, **reading: Any) -> Source:
        """Read a file of measurements: CSV, text, Excel or .ts. How it is written is guessed.

        Args:
            file: kept untouched in the folder; the result knows it by its content, not by its name.
            reading: what was guessed wrongly, as fields of core.readings.Reading: `channels`, `time`, `label`,
                `domain`, `rate`, `missing`, …
        """
        path = Path(file)
        data = path.read_bytes()
        key = self.store.keep(data, {"made": "opened", "bytes": len(data)})
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in reading.items()
        }
        source = Source(key, replace(guess(data, site=path.stem[:100]), **told))
        table_of(source, self.store)  # what is wrong with the file is told now
        return source

    def table(self, data: Source) -> pd.DataFrame:
        """What was read: a row a sample, with `series`, `time` where there is a clock, the channels, and `label`."""
        frames = []
        for i, one in enumerate(table_of(data, self.store).series):
            told: dict[str, Any] = {"series": i} | ({} if one.time is None else {"time": one.time})
            told |= dict(zip(one.channels, one.values.T, strict=True))
            frames.append(pd.DataFrame(told | ({} if one.label is None else {"label": one.label})))
        return pd.concat(frames, ignore_index=True)

    # --- maps

    def view(
        self,
        data: Source | Sequence[Source],
        recipe: Recipe | None = None,
        encoder: EncoderSpec | str = "compact",
        projection: ProjectionSpec | str = "pca",
    ) -> ViewSpec:
        """What decides a map: data × preparation × model × way of drawing. Nothing is computed yet.

        Args:
            data: one file, or several with the same channels.
            recipe: None: gaps are filled, each series is brought to one scale, and windows get a length that suits.
            encoder: "raw", "statistics", "random-init", "compact", or EncoderSpec("moment", folder or name on the hub).
            projection: "pca", "tsne", "umap", "pacmap", or a ProjectionSpec.
        """
        sources = (data,) if isinstance(data, Source) else tuple(data)
        if recipe is None:
            series = [one for source in sources for one in table_of(source, self.store).series]
            recipe = Recipe(window=propose([len(one.values) for one in series]))
        model = EncoderSpec(encoder) if isinstance(encoder, str) else encoder  # type: ignore[arg-type]
        drawn = ProjectionSpec(projection) if isinstance(projection, str) else projection  # type: ignore[arg-type]
        return ViewSpec(sources, recipe, model, drawn)

    def windows(self, view: ViewSpec) -> NDArray[np.float64]:
        """(n_windows, n_channels, length) what the model reads: after the preparation, in its units."""
        return self._windows(view).values()

    def embed(self, view: ViewSpec) -> NDArray[np.float32]:
        """(n_windows, d) what the model makes of each window."""
        self._made(view.drawn_by(views.PCA))
        return self.store.array(view.embedding_fingerprint(), "vectors")

    def project(self, view: ViewSpec) -> pd.DataFrame:
        """The map, a row a window: x, y, series, start (sample), time, label, error (of reconstruction; 0 perfect)."""
        self._made(view)
        return points.table(view, self.store)

    def chart(self, view: ViewSpec, colour: str = "") -> Chart:
        """The map as an Altair chart, which `.save` writes as HTML, PNG or SVG.

        Args:
            colour: a column of `project`; "": label where there is one, else time.
        """
        return points.chart(self.project(view), colour)

    # --- numbers

    def measures(self, view: ViewSpec) -> dict[str, Any]:
        """How far a map can be trusted, by name, with `warnings` in sentences; the same as `project --json` gives."""
        self._made(MeasureSpec(view))
        return outcomes.of_view(view, self.store)

    def compare(self, named: Mapping[str, ViewSpec]) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Numbers of several maps, a row each, and what is known of them together, in sentences."""
        made = self._made(ComparisonSpec(tuple(named.values()), tuple(named)))
        rows = {name: self.measures(view) for name, view in named.items()}
        return _numbers(rows), tuple(map(self.voice.notice, made.told))

    def probe(self, view: ViewSpec) -> pd.DataFrame:
        """What of a truth that was planted into the windows can be read, a row a kind: 1 all of it, 0 nothing.

        Columns: model (from the embedding), map (from the picture), shuffled (by chance), phases (from the spectrum).
        """
        self._made(ProbeSpec(view))
        return pd.DataFrame.from_dict(outcomes.of_probes(ProbeSpec(view), self.store)["scores"], orient="index")

    def tune(self, view: ViewSpec, **train: Any) -> Trained:
        """Train the model of a map further on the map's own windows.

        Args:
            train: fields of core.lessons.TrainSpec: `trained` ("head", "last", "lora", "all"), `steps`, `rate`,
                `contrast`, …
        """
        spec = TuneSpec(view.sources, view.recipe, view.encoder, TrainSpec(**train))
        done = self._made(spec)
        new = replace(view, encoder=spec.encoder_in(self.store))
        return Trained(new, outcomes.of_run(spec, self.store), pd.DataFrame([dict(one) for one in done.curve]))

    def place(self, view: ViewSpec, data: Source | Sequence[Source]) -> Arrived:
        """Put new data on a map that stays as it is, and say whether the map still holds them."""
        sources = (data,) if isinstance(data, Source) else tuple(data)
        made = self._made(PlacedSpec(view, sources))
        judged = judge(made.found, Limits())
        placed = {"x": made.xy[:, 0], "y": made.xy[:, 1], "series": made.where.series, "start": made.where.start}
        because = (*judged.because, *made.notices)
        return Arrived(
            pd.DataFrame(placed | {"outside": made.outside}), judged.state, tuple(map(self.voice.notice, because))
        )

    # --- a pilot

    def pilot(self, file: Path | str) -> Plan:
        """What a pilot file holds: its data (`sources`), `views` and `runs` by name, for the calls above."""
        with closing(Reader()) as reader:
            return pilot_file.read(Path(file), self.store, reader)

    def project_all(self, file: Path | str) -> pd.DataFrame:
        """All maps of a pilot file with their numbers, a row a map; trainings that they need come first.

        What could not be made has a sentence in column `failed`, and keeps nothing else from being made.
        """
        here, tell = Here(self.store), self._report
        plan, found = errands.known(lambda: self.pilot(file), None, self.store, here, tell)
        found = errands.carry_out(errands.measured(plan, plan.views), self.store, here, tell, found)
        self._report.clear()
        failed = errands.failures(found)
        rows: dict[str, Mapping[str, Any]] = {
            name: outcomes.of_view(view, self.store) for name, view in plan.views.items() if name not in failed
        }
        return _numbers(rows | {name: {"failed": self.voice.error(error)} for name, error in failed.items()})

    def _windows(self, view: ViewSpec) -> Windows:
        """Where they lie; what they are cut from is prepared first if need be."""
        ready = preparation.made(PreparationSpec.of(view.sources, view.recipe), self.store, self._tell)
        return cut(ready.series, view.recipe)

    def _made(self, spec: Spec) -> Any:
        """Made before or now."""
        kind = KINDS[kind_of(spec)]
        if kind.load(spec, self.store) is None:
            kind.build(spec, self.store, self._tell)
            self._report.clear()
        return kind.load(spec, self.store)

    def _tell(self, stage: str, done: int, total: int) -> None:
        self._report("", stage, done, total)


def _numbers(rows: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Without what is no single number or word."""
    single = {
        name: {field: value for field, value in facts.items() if not isinstance(value, dict | list)}
        for name, facts in rows.items()
    }
    return pd.DataFrame.from_dict(single, orient="index")


def evidence(answers: Path | str) -> Findings:
    """What people's answers say: every figure of the Evidence screen; `to_json()` has them as plain numbers.

    Args:
        answers: the file “All data (ZIP)” of a pilot, its folder, or answers.csv.
    """
    return evidence_of(read_answers(Path(answers)))


def report(answers: Path | str, to: Path | str, language: Language = "en") -> Path:
    """The same as a document of one to three pages.

    Args:
        to: ends with .pdf or .html.
    """
    file = Path(to)
    write(document_of(evidence(answers), language), file)
    return file
