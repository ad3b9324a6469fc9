"""What can be made of a pilot's data, and by which code: for screens, the engine and the command line alike."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from core import comparison, controls, effects, measures, placing, preparation, probes, tuning, views
from core.artifacts import Store
from core.comparison import ComparisonSpec, LadderSpec
from core.controls import ControlSpec
from core.effects import EffectSpec
from core.measures import MeasureSpec, StabilitySpec
from core.placing import PlacedSpec
from core.preparation import PreparationSpec
from core.probes import ProbeSpec
from core.tuning import TuneSpec
from core.views import Progress, ViewSpec

Spec = (
    ViewSpec
    | PreparationSpec
    | EffectSpec
    | MeasureSpec
    | StabilitySpec
    | ComparisonSpec
    | LadderSpec
    | ProbeSpec
    | ControlSpec
    | TuneSpec
    | PlacedSpec
)


class Kind(NamedTuple):
    """Something that can be made."""

    spec: type[Spec]
    build: Callable[[Any, Store, Progress], object]
    load: Callable[[Any, Store], Any]  # what it made, or None
    urgency: int = 0  # below 0: nobody waits for it, and it makes way for what is more urgent


KINDS: Mapping[str, Kind] = {  # a class stands above the one that it is a kind of
    "view": Kind(ViewSpec, views.build, views.load),
    "prepared": Kind(PreparationSpec, preparation.build, preparation.load),
    "effect": Kind(EffectSpec, effects.build, effects.load, urgency=-1),
    "stability": Kind(StabilitySpec, measures.build_stability, measures.load_stability, urgency=-1),
    "measures": Kind(MeasureSpec, measures.build, measures.load, urgency=-1),
    "probes": Kind(ProbeSpec, probes.build, probes.load),
    "control": Kind(ControlSpec, controls.build, controls.load),
    "ladder": Kind(LadderSpec, comparison.build_ladder, comparison.load),
    "run": Kind(TuneSpec, tuning.build, tuning.load, urgency=-2),
    "comparison": Kind(ComparisonSpec, comparison.build, comparison.load),
    "placed": Kind(PlacedSpec, placing.build, placing.load),
}


def kind_of(spec: Spec) -> str:
    return next(name for name, kind in KINDS.items() if isinstance(spec, kind.spec))
