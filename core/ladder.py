"""The ladder: the same windows embedded by less and by more of a model. Which rung sees what the one below did not?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.encoders import EncoderSpec
from core.errors import N_
from core.notices import Notice
from core.recognition import Hits, LabelHits, Where, brought, label_hits, resampled, time_hits
from core.series import Floats
from core.views import PCA, ViewSpec

Yardstick = Literal["labels", "time"]

MODEL = "pretrained"  # the rung that the others are compared with
BELOW = ("random-init", "raw", "statistics")  # what costs nothing; all others are runs of extra training
NAMES = {
    "raw": N_("The waveform itself"),
    "statistics": N_("Statistics"),
    "random-init": N_("Untrained model"),
    MODEL: N_("Pretrained model"),
}
ERROR = 0.01  # how often noise is taken for something, by all rungs together and each of the two yardsticks
TINY = 1e-12
MARGIN = 0.05  # a smaller difference is none that anybody would pay for


def rungs(chosen: EncoderSpec) -> list[tuple[str, EncoderSpec]]:
    """The encoders below the chosen one, and it, lowest first; where the chosen one is no model, the one that ships.

    All look at the same channels. The untrained model differs from the chosen one in nothing but its weights, while the
    waveform and its statistics hold by themselves what `join` and `side` are about.
    """
    model = chosen if chosen.kind in ("compact", "moment") else replace(chosen, kind="compact", source="")
    plain = EncoderSpec("raw", channel=model.channel, precision=model.precision)
    return [
        ("raw", plain),
        ("statistics", replace(plain, kind="statistics")),
        ("random-init", replace(model, kind="random-init", source="")),
        (MODEL, model),
    ]


def ladder(view: ViewSpec, trained: Mapping[str, EncoderSpec]) -> list[tuple[str, ViewSpec]]:
    """The views to stand side by side: same windows, drawn the same way; by PCA where this is one model's own map.

    Args:
        trained: what came of extra training, by names of runs; the uppermost rungs.
    """
    every = [*rungs(view.encoder), *trained.items()]
    drawn = view.drawn_by(PCA) if view.projection.method == "trained" else view
    return [(code, replace(drawn, encoder=encoder)) for code, encoder in every]


# --- what each rung sees


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What lies close in an embedding or in a picture; or why nobody can tell."""

    labels: LabelHits | Notice
    time: Hits | Notice

    def by(self, yardstick: Yardstick) -> Hits | Notice:
        if yardstick == "time":
            return self.time
        return self.labels if isinstance(self.labels, Notice) else self.labels.neighbours_balanced


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    code: str  # see NAMES, or the name of a run of extra training
    embedding: Seen
    picture: Seen


def measured(code: str, vectors: Floats, xy: Floats, where: Where, labels: NDArray[np.str_] | None) -> Rung:
    """
    Args:
        vectors: (n, d) embedding.
        xy: (n, 2) the picture of it.
        labels: (n,), see label_hits.
    """
    found = [Seen(label_hits(points, labels, where), time_hits(points, where)) for points in (vectors, xy)]
    return Rung(code, *found)


# --- the verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more one rung sees than another, in their embeddings."""

    above: str
    below: str
    value: float  # of the one above
    other: float
    low: float  # of the difference; all that are compared hold together in 95 %
    high: float

    @property
    def outcome(self) -> Literal["more", "same", "less", "open"]:
        if self.low > 0:
            return "more"
        if self.high < 0:
            return "less"
        return "same" if self.high < MARGIN else "open"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """All rungs by one yardstick."""

    by: Yardstick
    hits: Mapping[str, Hits]
    bars: Mapping[str, float]

    @property
    def seeing(self) -> tuple[str, ...]:
        return tuple(code for code, one in self.hits.items() if one.value > self.bars[code])

    @property
    def best(self) -> dict[str, object]:
        """Of the rung that comes closest to its bar, as facts."""
        code = max(self.hits, key=lambda code: self.hits[code].value - self.bars[code])
        return {"best": self.hits[code].value, "bar": self.bars[code]}


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    by: Yardstick | None  # what the rungs are compared by; None: there is nothing to see, or too little to tell
    measured: tuple[Measured, ...]  # by each yardstick that there is
    differences: tuple[Difference, ...]
    notices: tuple[Notice, ...]


def compare(found: Sequence[Rung]) -> Verdict:
    """What the ladder says, in numbers and in sentences.

    By labels where any rung sees them, else by time. The bars that chance sets are for the best of all rungs, and the
    intervals hold for all differences at once: of four rungs, one would soon look good by chance.

    Args:
        found: the pretrained model among them; measured on the same windows.
    """
    every = [_measured(found, "labels"), _measured(found, "time")]
    reasons = list({one.message: one for one in every if isinstance(one, Notice)}.values())
    known = tuple(one for one in every if isinstance(one, Measured))
    lead = next((one for one in known if one.seeing), None)
    if lead is None:
        nothing = [Notice(NOTHING[one.by], one.best) for one in known]
        return Verdict(None, known, (), (*nothing, *reasons))
    before = [Notice(NOT_LABELS, one.best) for one in known if one.by == "labels" and not one.seeing]
    pairs = [(MODEL, code) if code in BELOW else (code, MODEL) for code in lead.hits if code != MODEL]
    differences = compared(lead.hits, pairs)
    [model] = [rung for rung in found if rung.code == MODEL]
    said = [*_on_model(lead), *_on_differences(lead, differences), *_on_picture(model, lead.by)]
    return Verdict(lead.by, known, differences, (*before, *said, *reasons))


def _measured(found: Sequence[Rung], by: Yardstick) -> Measured | Notice:
    """Whether that can be told depends on the windows alone, so it is so for all rungs or for none."""
    ones = {rung.code: rung.embedding.by(by) for rung in found}
    hits = {code: one for code, one in ones.items() if isinstance(one, Hits)}
    return Measured(by, hits, bars(hits)) if hits else next(one for one in ones.values() if isinstance(one, Notice))


def bars(hits: Mapping[str, Hits]) -> dict[str, float]:
    """What each rung has to exceed, so that chance lets any of them do so in ERROR of all cases.

    From the largest of their standardised draws of chance, which are made in step (Westfall & Young 1993, maxT).
    """
    moved = np.array([one.moved for one in hits.values()])
    mean, spread = moved.mean(axis=1, keepdims=True), np.maximum(moved.std(axis=1, keepdims=True), TINY)
    largest = float(np.quantile(((moved - mean) / spread).max(axis=0), 1 - ERROR, method="higher"))
    return dict(zip(hits, (mean + largest * spread)[:, 0].tolist(), strict=True))


def compared(hits: Mapping[str, Hits], pairs: Sequence[tuple[str, str]]) -> tuple[Difference, ...]:
    """Of pairs (above, below) of rungs: same windows, same blocks of time, same draws of them.

    Intervals reach as far as the largest of all standardised deviations does in 95 % of the draws (maxT again).
    """
    if not pairs:
        return ()
    blocks = min((one.blocks for one in hits.values()), key=lambda blocks: int(blocks.max()))  # the longest
    parts = {code: brought(one, blocks) for code, one in hits.items()}
    drawn = np.array([resampled(parts[above] - parts[below]) for above, below in pairs])
    spread = drawn.std(axis=1)
    reach = float(np.quantile((np.abs(drawn) / np.maximum(spread, TINY)[:, None]).max(axis=0), 0.95)) * spread
    found = []
    for (above, below), r in zip(pairs, reach.tolist(), strict=True):
        a, b = hits[above].value, hits[below].value
        found.append(Difference(above, below, a, b, a - b - r, a - b + r))
    return tuple(found)


# --- in words

NOTHING: dict[Yardstick, str] = {
    "labels": N_(
        "There is nothing to see: even the best of these puts stretches of one label no closer together than chance "
        "does: {best:.0%}, where chance reaches {bar:.0%}."
    ),
    "time": N_(
        "There is nothing to see: even the best of these puts stretches that follow each other no closer together "
        "than chance does: {best:.0%}, where chance reaches {bar:.0%}."
    ),
}
NOT_LABELS = N_("None of these tells the labels apart: {best:.0%} at best, where chance reaches {bar:.0%}.")
SEEN: dict[Yardstick, str] = {
    "labels": N_(
        "The model sees the labels: of the stretches nearest to one, {value:.0%} have the same label; by chance it "
        "would be {chance:.0%}."
    ),
    "time": N_(
        "The model sees an order in time: the next stretch is nearer than another one in {value:.0%} of all cases; by "
        "chance it would be {chance:.0%}."
    ),
}
UNSEEN = N_("The model does not see what others of these do: {value:.0%}, where chance reaches {bar:.0%}.")
ONLY = {
    "raw": N_("Only the waveform itself shows it."),
    "statistics": N_("Only statistics show it."),
    "random-init": N_("Only the untrained model shows it."),
    MODEL: N_("Only the pretrained model shows it."),
}
AGAINST = {
    ("random-init", "more"): N_("The model adds something: {a:.0%} against {b:.0%} of an untrained one."),
    ("random-init", "same"): N_(
        "The model added nothing here: an untrained one does as well ({a:.0%} against {b:.0%})."
    ),
    ("random-init", "less"): N_(
        "The model added nothing here: an untrained one does better ({a:.0%} against {b:.0%})."
    ),
    ("random-init", "open"): N_(
        "Whether the model adds anything cannot be told here: {a:.0%} against {b:.0%} of an untrained one, a "
        "difference between {low:+.0%} and {high:+.0%}."
    ),
    ("raw", "more"): N_("The model shows more than the waveform itself: {a:.0%} against {b:.0%}."),
    ("raw", "same"): N_("The waveform itself does as well as the model ({a:.0%} against {b:.0%})."),
    ("raw", "less"): N_("The waveform itself does better than the model ({a:.0%} against {b:.0%})."),
    ("raw", "open"): N_(
        "Whether the model shows more than the waveform itself cannot be told here: {a:.0%} against {b:.0%}, a "
        "difference between {low:+.0%} and {high:+.0%}."
    ),
    ("statistics", "more"): N_("The model shows more than statistics do: {a:.0%} against {b:.0%}."),
    ("statistics", "same"): N_("Statistics do as well as the model ({a:.0%} against {b:.0%})."),
    ("statistics", "less"): N_("Statistics do better than the model ({a:.0%} against {b:.0%})."),
    ("statistics", "open"): N_(
        "Whether the model shows more than statistics do cannot be told here: {a:.0%} against {b:.0%}, a difference "
        "between {low:+.0%} and {high:+.0%}."
    ),
}
TRAINED = {
    "more": N_("Extra training “{run}” adds something: {a:.0%} against {b:.0%} without it."),
    "same": N_("Extra training “{run}” added nothing here: {a:.0%} against {b:.0%} without it."),
    "less": N_("Extra training “{run}” made it worse: {a:.0%} against {b:.0%} without it."),
    "open": N_(
        "Whether extra training “{run}” adds anything cannot be told here: {a:.0%} against {b:.0%} without it, a "
        "difference between {low:+.0%} and {high:+.0%}."
    ),
}
FLAT = N_("The flat map shows less of it than the model sees: {b:.0%} against {a:.0%}.")


def _on_model(lead: Measured) -> list[Notice]:
    model = lead.hits[MODEL]
    if MODEL in lead.seeing:
        return [Notice(SEEN[lead.by], {"value": model.value, "chance": model.chance})]
    return [Notice(UNSEEN, {"value": model.value, "bar": lead.bars[MODEL]})]


def _on_differences(lead: Measured, differences: Sequence[Difference]) -> list[Notice]:
    """Where the model sees nothing, only what does see something is worth a comparison."""
    seeing, told = lead.seeing, []
    if len(seeing) == 1 and seeing[0] in ONLY and len(lead.hits) > 1:
        told.append(Notice(ONLY[seeing[0]], {}))
    for one in differences:
        if not {MODEL, one.above if one.below == MODEL else one.below} & set(seeing):
            continue
        facts: dict[str, object] = {"a": one.value, "b": one.other, "low": one.low, "high": one.high}
        if one.above == MODEL:
            told.append(Notice(AGAINST[one.below, one.outcome], facts))
        else:
            told.append(Notice(TRAINED[one.outcome], facts | {"run": one.above}))
    return told


def _on_picture(model: Rung, by: Yardstick) -> list[Notice]:
    """Whether its picture loses what the model sees."""
    high, low = model.embedding.by(by), model.picture.by(by)
    if isinstance(high, Notice) or isinstance(low, Notice):
        return []
    [lost] = compared({"embedding": high, "picture": low}, [("embedding", "picture")])
    return [Notice(FLAT, {"a": high.value, "b": low.value})] if lost.low > 0 else []
