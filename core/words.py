"""Every sentence of the product in the reader's language, with or without a screen."""

import gettext
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from core.errors import UserError

if TYPE_CHECKING:
    from core.notices import Notice

Language = Literal["ja", "en"]
LOCALE = Path(__file__).parents[1] / "pages" / "locale"


@cache
def catalogue(language: Language) -> gettext.NullTranslations:
    """Message ids are the English text; other languages are compiled from their .po once a process."""
    if language == "en":
        return gettext.NullTranslations()
    with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaks one language. Nothing that it says is markup."""

    language: Language

    def _(self, message: str) -> str:
        """Nothing stays nothing: asked for "", gettext tells of the catalogue itself."""
        return catalogue(self.language).gettext(message) if message else ""

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return catalogue(self.language).ngettext(singular, plural, n)

    def together(self, *sentences: str) -> str:
        """Sentences one after the other; Japanese puts no space between them."""
        return ("" if self.language == "ja" else " ").join(sentences)

    def listed(self, names: Iterable[str]) -> str:
        """Names one after the other."""
        return ("、" if self.language == "ja" else ", ").join(names)

    def notice(self, one: "Notice") -> str:
        """A sentence of the library."""
        return self.filled(one.message, one.facts)

    def error(self, one: UserError) -> str:
        """What happened, and what to do about it."""
        return self.together(self.filled(one.problem, one.facts), self.filled(one.remedy, one.facts))

    def filled(self, message: str, facts: Mapping[str, object]) -> str:
        """With lists as people write them."""
        shown = {name: self.listed(fact) if isinstance(fact, list | tuple) else fact for name, fact in facts.items()}
        return self._(message).format(**shown)

    def people(self, n: int) -> str:
        return self.ngettext("{n} person", "{n} people", n).format(n=n)
