"""What is in a pilot file, whether it fits together, and what is there already. Nothing that takes long is made."""

from collections.abc import Mapping, Sequence

from core import encoders, preparation
from core.artifacts import Store
from core.encoders import EncoderSpec, check_channel, check_length, operations_of
from core.errors import N_, UserError
from core.kinds import Spec
from core.measures import MeasureSpec
from core.outcomes import MAP, STRETCHES, TRAINING, Column, Told, english, notices, table
from core.pilot_file import Plan
from core.preparation import PreparationSpec
from core.probes import ProbeSpec
from core.reader import Source, table_of
from core.recipes import Recipe, Windows, check_same_channels, cut
from core.tuning import enough
from core.views import SPEED, ViewSpec
from core.watching import quiet
from core.words import Voice

DATA = (
    Column(N_("series"), "series", ",d"),
    Column(N_("rows"), "rows", ",d"),
    Column(N_("channels"), "n_channels", ",d"),
    Column(N_("rows not used"), "rejected", ",d"),
)
THERE = Column(N_("there already"), "there")
MAPS = (STRETCHES, Column(N_("seconds of the model, about"), "seconds", ",.0f"), THERE)
TRAININGS = (STRETCHES, Column(N_("steps, at most"), "steps", ",d"), THERE)


STUDIES = (Column(N_("maps"), "n_maps"), Column(N_("items for each person, at most"), "n_items"))
WAITS = N_("{name} waits for the extra training “{run}”.")
WORDS = {"view": N_("map"), "measures": N_("numbers"), "probes": N_("planted truths"), "run": N_("trained model")}


def taken(plan: Plan, store: Store) -> tuple[Told, list[tuple[str, UserError]]]:
    """All that is said, and why some of the maps and trainings cannot be made."""
    found: dict[str, dict[str, Told]] = {"maps": {}, "trainings": {}}
    failed: list[tuple[str, UserError]] = []
    for kind, names, of in (("maps", plan.views, of_view), ("trainings", plan.runs, of_run)):
        for name in names:
            try:
                found[kind][name] = of(plan, name, store)
            except UserError as error:
                failed.append((name, error))
    data = {name: of_data(one, store) for name, one in plan.sources.items()}
    studies = {
        name: {"maps": list(one.views), "n_maps": len(one.views)} | one.design.to_json()
        for name, one in plan.studies.items()
    }
    return {"pilot": plan.name, "data": data, **found, "waiting": dict(plan.waiting), "studies": studies}, failed


def in_words(plan: Plan, store: Store, told: Told, voice: Voice) -> list[str]:
    """The same for people, with what was decided while the files were read."""
    return [
        plan.name,
        table(N_("data"), told["data"], DATA, voice),
        notices({name: table_of(one, store).notices for name, one in plan.sources.items()}, voice),
        table(MAP, _worded(told["maps"], voice), MAPS, voice),
        table(TRAINING, _worded(told["trainings"], voice), TRAININGS, voice),
        "\n".join(voice.filled(WAITS, {"name": name, "run": run}) for name, run in plan.waiting.items()),
        table(N_("study"), told["studies"], STUDIES, voice),
    ]


def _worded(each: Mapping[str, Told], voice: Voice) -> Mapping[str, Told]:
    """With words for what is there."""
    return {
        name: told | {"there": voice.listed(voice._(WORDS[kind]) for kind in told["there"] or ()) or None}
        for name, told in each.items()
    }


def of_data(source: Source, store: Store) -> Told:
    """What was read of a file."""
    read = table_of(source, store)
    return {
        "sha256": source.sha256,
        "series": len(read.series),
        "rows": read.n_rows,
        "rejected": len(read.rejected),
        "n_channels": len(read.series[0].channels),
        "channels": list(read.series[0].channels),
        "labelled": read.series[0].label is not None,
        "notices": [*map(english, read.notices)],
    }


def of_view(plan: Plan, name: str, store: Store) -> Told:
    """What a map takes, and what of it is there.

    Raises:
        UserError: it cannot be drawn.
    """
    spec = plan.views[name]
    windows = _windows(spec.sources, spec.recipe, spec.encoder, store)
    told: Told = {"n_windows": None if windows is None else len(windows)}
    waits = _waits_for(plan, name, store)
    if waits:
        return told | {"waits_for": waits, "there": None}
    told["seconds"] = _seconds(spec, told, store)
    made: Mapping[str, Spec] = {"view": spec, "measures": MeasureSpec(spec), "probes": ProbeSpec(spec)}
    return told | {"there": [kind for kind, one in made.items() if store.has(one.fingerprint())]}


def of_run(plan: Plan, name: str, store: Store) -> Told:
    """Likewise of a training."""
    spec = plan.runs[name]
    windows = _windows(spec.sources, spec.recipe, spec.encoder, store)
    if windows is not None:
        enough(windows, spec)
    told: Told = {"n_windows": None if windows is None else len(windows), "steps": spec.train.steps}
    waits = _waits_for(plan, name, store)
    if waits:
        return told | {"waits_for": waits, "there": None}
    return told | {"there": ["run"] if store.has(spec.fingerprint()) else []}


def _waits_for(plan: Plan, name: str, store: Store) -> str:
    """The training that has to come before; "": none has."""
    before = plan.learners.get(name, "")
    if not before or (not _waits_for(plan, before, store) and store.has(plan.runs[before].fingerprint())):
        return ""
    return before


def _windows(sources: Sequence[Source], recipe: Recipe, encoder: EncoderSpec, store: Store) -> Windows | None:
    """What the model would read; None where preparing it takes long.

    Raises:
        UserError: there is nothing to read, or the model cannot read it.
    """
    raw = [one for source in sources for one in table_of(source, store).series]
    check_same_channels(raw)
    check_channel(encoder, raw[0].channels)
    if encoder.reads_patches:
        check_length(recipe.window.length)
    how = PreparationSpec.of(sources, recipe)
    if not store.has(how.fingerprint()) and not how.is_light(sum(one.values.size for one in raw)):
        return None
    return cut(preparation.made(how, store, quiet).series, recipe)


def _seconds(spec: ViewSpec, told: Told, store: Store) -> float | None:
    """About how long the model takes: it embeds the windows, and is scored on them. None: nobody has counted them."""
    if told["n_windows"] is None or store.has(spec.embedding_fingerprint()):
        return None
    channels = table_of(spec.sources[0], store).series[0].channels
    operations = 2 * told["n_windows"] * operations_of(spec.encoder, channels, spec.recipe.window.length)
    return encoders.seconds(operations, store.noted(SPEED))
