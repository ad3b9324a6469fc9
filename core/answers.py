"""What people answered in a study, as the analysis reads it: one record for each person and item."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["view", "repeat", "null", "check", "quiz", "plain", "pair"]
TaskKind = Literal["intruder", "odd", "same", "joins"]

LOWEST, HIGHEST = 1, 5  # of a rating


@dataclass(frozen=True, slots=True)
class Answer:
    """The last answer of one person to one item; what an item does not ask for is None."""

    rater: str
    item: str
    kind: Kind
    view: str = ""  # what is rated, or what the quiz was made from; "" for null and check
    other: str = ""  # of a pair: the second view
    score: int | None = None  # 1 … 5; None: "I can't tell", or not asked
    task: TaskKind | None = None
    right: bool | None = None  # None: no quiz. "I can't tell" is not right
    chance: float | None = None  # of a right answer by guessing
    confidence: int | None = None  # 1 a guess … 3 sure
    preferred: str | None = None  # of a pair: the clearer view; None: "I can't tell"
    seconds: float | None = None  # from seeing the map to its rating, or to the choice of a pair
    task_seconds: float | None = None  # from seeing the quiz to its answer

    @property
    def has_map(self) -> bool:
        return self.kind != "plain"


def named(answers: Iterable[Answer], names: Mapping[str, str]) -> tuple[Answer, ...]:
    """The same answers, views by what people call them."""
    return tuple(
        replace(
            one,
            view=names.get(one.view, one.view),
            other=names.get(one.other, one.other),
            preferred=one.preferred and names.get(one.preferred, one.preferred),
        )
        for one in answers
    )
