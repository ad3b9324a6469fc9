"""How a file's bytes become a table: every decision, as something that a person can correct and a database can keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from core.cells import Notation
from core.delimited import Dialect
from core.encodings import ENCODINGS
from core.errors import N_, UserError
from core.layouts import LAYOUTS, REPEATS, Layout, Repeats


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file's bytes become a table. Every field is a guess that a person can correct."""

    encoding: str = "utf-8"  # one of ENCODINGS
    sheet: str = ""  # of a workbook
    dialect: Dialect = field(default_factory=Dialect)
    notation: Notation = field(default_factory=Notation)
    layout: Layout = "wide"
    time: str | None = None  # column name; None: no time column, samples are counted
    clock: str | None = None  # the time of day, where `time` has the date alone
    written: str = ""  # how times are written, a code of core/clocks.py, where a person had to tell; "": they show it
    zone: str = ""  # where the clock hung (an IANA name), so that summer time can be undone; "": leave it as written
    rate: float | None = None  # samples a second, where there is no time column
    ordered: bool = True  # put rows in order of time
    repeats: Repeats = "keep"  # rows of one time
    channels: tuple[str, ...] = ()  # numeric columns to use; of a long table: variables
    label: str | None = None
    domain: str | None = None  # one series for each of its values (line or site)
    site: str = ""  # what the series of a file without such a column is called
    variable: str | None = None  # of a long table: the column that names the channel, and that of its values
    value: str | None = None
    missing: tuple[str, ...] = ()  # texts that mean "no value" in a channel, beside the empty cell

    def __post_init__(self) -> None:
        known = ((self.encoding, ENCODINGS), (self.layout, LAYOUTS), (self.repeats, REPEATS))
        for value, values in known:
            if value not in values:
                raise ValueError(f"{value!r} is none of {values}")
        if self.rate is not None and not 0 < self.rate < 1e12:
            raise UserError(
                N_("{rate} samples a second is no rate."), N_("Give a number above 0, or none."), rate=self.rate
            )

    @property
    def measured(self) -> tuple[str, ...]:
        """The columns that are read as numbers."""
        return (self.value or "",) if self.layout == "long" else self.channels

    def to_json(self) -> dict[str, object]:
        return asdict(self) | {"channels": list(self.channels), "missing": list(self.missing)}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        d = dict(d)
        if "delimiter" in d:  # as written before dialects had more to them
            d["dialect"] = {"delimiter": d.pop("delimiter"), "header": int(d.pop("header"))}
            d["notation"] = {"decimal": d.pop("decimal")}
        d |= {"dialect": Dialect(**d["dialect"]), "notation": Notation(**d["notation"])}
        return cls(**d | {"channels": tuple(d["channels"]), "missing": tuple(d["missing"])})
