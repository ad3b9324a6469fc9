"""Words in the reader's language, and other people's words as plain text."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import cast

import streamlit as st

from core.errors import UserError
from core.words import Language, Voice

LANGUAGES: Mapping[Language, str] = {"ja": "日本語", "en": "English"}
# Nobody sees it, no line breaks at it. Streamlit looks for links, icons and arrows after the backslashes are gone;
# this in their middle hides them from it.
JOINER = "\u2060"
_spoken: ContextVar[Language | None] = ContextVar("spoken", default=None)


@contextmanager
def speaking(one: Language) -> Iterator[None]:
    """In this language, also where there is no screen: Streamlit makes a file on a thread that has no session."""
    token = _spoken.set(one)
    try:
        yield
    finally:
        _spoken.reset(token)


def language() -> Language:
    """The reader's: chosen in the header, else from the address, else the browser's, else Japanese."""
    if (spoken := _spoken.get()) is not None:
        return spoken
    chosen = st.session_state.get("language") or st.query_params.get("lang") or (st.context.locale or "ja")[:2]
    return cast("Language", chosen) if chosen in LANGUAGES else "en"


def _(message: str) -> str:
    return Voice(language())._(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    return Voice(language()).ngettext(singular, plural, n)


def plain(text: object) -> str:
    """Somebody's own words, so that Markdown shows them as they are and runs nothing."""
    one_line = " ".join(str(text).split())
    apart = re.sub(r"(?i)(?<=:)(?=[/a-z])|(?<=@)|(?<=www)(?=\.)|(?<=[-<>=~])(?=[-<>=~])", JOINER, one_line)
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$&^=])", r"\\\1", apart)


def say(error: UserError) -> str:
    """What happened and what to do, ready for Markdown."""
    return f"**{fill(error.problem, error.facts)}**  \n{fill(error.remedy, error.facts)}"


def fill(message: str, facts: Mapping[str, object]) -> str:
    """A message of the library in the reader's language, its facts shown as plain text; numbers as it says."""
    told = {name: fact if isinstance(fact, int | float) else plain(fact) for name, fact in facts.items()}
    return _(message).format(**told)


def bare(message: str, facts: Mapping[str, object]) -> str:
    """The same where nothing is Markdown, as on paper."""
    return _(message).format(**facts)


def together(*sentences: str) -> str:
    """Sentences one after the other; Japanese puts no space between them."""
    return Voice(language()).together(*sentences)


def listed(names: Iterable[str]) -> str:
    """Names one after the other."""
    return Voice(language()).listed(names)


def moment_of(at: datetime) -> str:
    """A time of day as people here write it, in this computer's time zone."""
    return at.astimezone().strftime("%Y/%m/%d %H:%M")
