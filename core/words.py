"""The catalogues: every sentence of the product in the reader's language, with or without a screen."""

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

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
