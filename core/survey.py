"""What is in a pilot file, whether it fits together, and what is there already. Nothing that takes long is made."""

from collections.abc import Mapping, Sequence

from core import encoders, preparation
from core.artifacts import Store
from core.encoders import EncoderSpec, check_channel, check_length, operations_of
from core.errors import N_
from core.kinds import Spec
from core.measures import MeasureSpec
from core.notices import Notice
from core.outcomes import Column, Told, english
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
STRETCHES, THERE = Column(N_("stretches"), "n_windows", ",d"), Column(N_("there already"), "there")
MAPS = (STRETCHES, Column(N_("seconds of the model, about"), "seconds", ",.0f"), THERE)
TRAININGS = (STRETCHES, Column(N_("steps, at most"), "steps", ",d"), THERE)


WORDS = {"view": N_("map"), "measures": N_("numbers"), "probes": N_("planted truths"), "run": N_("model")}


def for_people(each: Mapping[str, Told], voice: Voice) -> Mapping[str, Told]:
    """With words for what is there."""
    return {
        name: told | {"there": voice.listed(voice._(WORDS[kind]) for kind in told["there"] or ()) or None}
        for name, told in each.items()
    }


def of_data(source: Source, store: Store) -> Told:
    """What was read of a file."""
    table = table_of(source, store)
    return {
        "sha256": source.sha256,
        "series": len(table.series),
        "rows": table.n_rows,
        "rejected": len(table.rejected),
        "n_channels": len(table.series[0].channels),
        "channels": list(table.series[0].channels),
        "labelled": table.series[0].label is not None,
        "notices": [*map(english, table.notices)],
    }


def notices(source: Source, store: Store) -> tuple[Notice, ...]:
    """What was decided while it was read."""
    return table_of(source, store).notices


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
