"""A document as one page for a browser: everything is inside the file, nothing runs and nothing is fetched."""

import base64
from collections.abc import Iterator, Sequence
from html import escape

from core.document import BETWEEN, Block, Bullets, Document, Grid, Picture, Section, clean, is_numeric, says, squared
from core.pictures import FONT

MANY = 6  # sections; more of them need contents
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
# Those of Windows, of Apple's and of Google's systems. Names in single quotes stand in attributes too.
FONTS = "'Yu Gothic',YuGothic,'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',Meiryo,sans-serif"
# Words may not stretch the page on a phone: they break, and tables scroll. Pictures are drawn for white.
STYLE = """
:root { color-scheme: light dark; --ink: #1a1d21; --quiet: #4a545e; --line: #c9d0d9; --paper: #fff; --link: #0047cc; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --quiet: #b3bbc4; --line: #4a545e; --paper: #16181b; --link: #8ab4ff; }
}
body {
  font: 1rem/1.7 FONTS;
  color: var(--ink); background: var(--paper); max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 3rem;
  overflow-wrap: anywhere;
}
:lang(en) { line-height: 1.55; }
h1 { font-size: 1.75rem; line-height: 1.35; margin: 0; }
h2 { font-size: 1.3rem; line-height: 1.4; margin: 2.5rem 0 .5rem; }
p, ul { margin: .6rem 0; }
ul, ol { padding-left: 1.5rem; }
a { color: var(--link); }
header { border-bottom: 2px solid var(--ink); padding-bottom: .5rem; }
.facts, figcaption, caption, footer { color: var(--quiet); font-size: .875rem; }
.headline { font-size: 1.25rem; line-height: 1.5; margin: 1.25rem 0; }
figure { margin: 1.25rem 0; }
img { display: block; max-width: 100%; height: auto; margin: 0 auto .5rem; background: #fff; }
img { box-sizing: border-box; padding: .5rem; }
.scroll { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; width: max-content; min-width: 100%; font-size: .9375rem; line-height: 1.5; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th, td { max-width: 14em; }
thead th { border-bottom: 2px solid var(--ink); }
tbody th { font-weight: normal; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: .75rem; }
@page { size: A4; margin: 20mm; }
@media print {
  :root { --ink: #000; --quiet: #333; --line: #999; --paper: #fff; --link: #000; }
  body { font-size: 10pt; max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  table { font-size: 8.5pt; width: 100%; }
  th, td { padding: .2rem .35rem; max-width: none; }
  tbody th { min-width: 5em; }
  h2, caption { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  img { max-height: 120mm; }
  thead { display: table-header-group; }
  a { text-decoration: none; }
}
""".replace("FONTS", FONTS)


def html(document: Document) -> bytes:
    """The same document gives the same bytes."""
    return "\n".join(_page(document)).encode()


def _page(document: Document) -> Iterator[str]:
    title = _text(document.title)
    yield f'<!doctype html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>"
    if document.facts:
        yield f'<p class="facts">{_text(BETWEEN.join(document.facts))}</p>'
    yield f'</header>\n<main>\n<p class="headline">{_text(document.headline)}</p>'
    if len(document.sections) > MANY:
        yield from _contents(document.sections)
    for i, section in enumerate(document.sections):
        yield f'<section>\n<h2 id="section-{i}">{_text(section.heading)}</h2>'
        for block in filter(says, section.blocks):
            yield from _block(block, section.heading)
        yield "</section>"
    yield "</main>"
    if document.footer:
        yield f"<footer>{_text(BETWEEN.join(document.footer))}</footer>"
    yield "</body>\n</html>\n"


def _contents(sections: Sequence[Section]) -> Iterator[str]:
    yield "<nav>\n<ul>"
    for i, section in enumerate(sections):
        yield f'<li><a href="#section-{i}">{_text(section.heading)}</a></li>'
    yield "</ul>\n</nav>"


def _block(block: Block, heading: str) -> Iterator[str]:
    if isinstance(block, Grid):
        yield from _table(block, heading)
    elif isinstance(block, Picture):
        yield from _figure(block)
    elif isinstance(block, Bullets):
        yield "\n".join(["<ul>", *(f"<li>{_text(line)}</li>" for line in block.lines), "</ul>"])
    else:
        yield "\n".join(f"<p>{_text(line)}</p>" for line in block.lines)


def _figure(picture: Picture) -> Iterator[str]:
    """As an image, so that nothing inside the SVG can run. It sees no font but the reader's own."""
    letters = f'font-family="{FONT}'
    data = base64.b64encode(picture.svg.replace(f'{letters}"'.encode(), f'{letters},{FONTS}"'.encode())).decode()
    caption = f"<figcaption>{_text(picture.caption)}</figcaption>" if picture.caption else ""
    yield f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{_text(picture.alt)}">{caption}</figure>'


def _table(grid: Grid, heading: str) -> Iterator[str]:
    """Whoever cannot use a pointer scrolls it with the keyboard; the heading names it where it has no caption."""
    columns = squared(grid.rows)
    looks = ["", *(' class="number"' if is_numeric(column[1:]) else "" for column in columns[1:])]
    head, *rows = squared(columns)
    yield f'<div class="scroll" role="region" tabindex="0" aria-label="{_text(grid.caption or heading)}">\n<table>'
    if grid.caption:
        yield f"<caption>{_text(grid.caption)}</caption>"
    heads = "".join(f'<th scope="col"{look}>{_text(cell)}</th>' for cell, look in zip(head, looks, strict=True))
    yield f"<thead>\n<tr>{heads}</tr>\n</thead>\n<tbody>"
    for name, *row in rows:
        cells = "".join(f"<td{look}>{_text(cell)}</td>" for cell, look in zip(row, looks[1:], strict=True))
        yield f'<tr><th scope="row">{_text(name)}</th>{cells}</tr>'
    yield "</tbody>\n</table>\n</div>"


def _text(text: str) -> str:
    """Of an element or within double quotes."""
    return escape(clean(text))
