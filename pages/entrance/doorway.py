"""The HTML of the pages in front of the app. No script: they work in any browser, and nothing in them can be run."""

from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from core.errors import UserError
from pages.parts.text import LANGUAGES, _, bare, language

AUTOCOMPLETE = {"name": "username", "passphrase": "current-password", "chosen": "new-password", "again": "new-password"}


def page(title: str, *parts: str, path: str, query: Mapping[str, str]) -> str:
    """A whole page.

    Args:
        title: as text; the parts as HTML.
        path, query: the page's address, for the links to the other language.
    """
    tongues = "".join(_tongue(code, path, query) for code in LANGUAGES)
    # Other sites learn nothing of an address that holds a key. With "no-referrer" we would not learn either where a
    # form comes from: browsers then send "Origin: null".
    return (
        f'<!DOCTYPE html><html lang="{language()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="referrer" content="same-origin"><title>{escape(title)}</title><style>{_style()}</style></head>'
        f"<body><header><strong>{escape(_('Waveform pilot'))}</strong><nav>{tongues}</nav></header>"
        f"<main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    )


def form(action: str, hidden: Mapping[str, str], fields: Iterable[str], button: str) -> str:
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    return (
        f'<form method="post" action="{escape(action)}">{kept}{"".join(fields)}<button>{escape(button)}</button></form>'
    )


def field(label: str, name: str, value: str = "", hint: str = "") -> str:
    """One line to write in. What is secret is never sent back to the page."""
    kind = "text" if name == "name" else "password"
    number = ' inputmode="numeric"' if name == "pin" else ""
    told = f'<span class="hint">{escape(hint)}</span>' if hint else ""
    return (
        f'<label>{escape(label)}{told}<input type="{kind}" name="{name}" value="{escape(value)}" required{number} '
        f'autocomplete="{AUTOCOMPLETE.get(name, "off")}" autocapitalize="none" spellcheck="false"></label>'
    )


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def said(text: str) -> str:
    """News."""
    return f'<p class="said" role="status">{escape(text)}</p>'


def wrong(error: UserError) -> str:
    problem, remedy = (escape(bare(words, error.facts)) for words in (error.problem, error.remedy))
    return f'<p class="said wrong" role="alert"><strong>{problem}</strong>{remedy}</p>'


def way(address: str, text: str) -> str:
    """A link that looks like a button, the lesser one."""
    return f'<a class="button" href="{escape(address)}">{escape(text)}</a>'


def _tongue(code: str, path: str, query: Mapping[str, str]) -> str:
    current = ' aria-current="true"' if code == language() else ""
    address = escape(f"{path}?{urlencode({**query, 'lang': code})}")
    return f'<a href="{address}" lang="{code}" hreflang="{code}"{current}>{LANGUAGES[code]}</a>'


@cache
def _style() -> str:
    return (Path(__file__).parent / "door.css").read_text(encoding="utf-8")
