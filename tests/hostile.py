"""Strings that somebody could use to make a screen, a chart or a spreadsheet do something. Shown, they do nothing."""

import csv
import io
from collections.abc import Sequence

MARK = "data-hostile"  # an attribute that no element may ever get

MARKUP = (
    f"<script>alert(1)</script><b {MARK}>x",
    f'"><img src=x {MARK} onerror=alert(1)>',
    f"' {MARK} onmouseover=alert(1) x='",
    f"<svg {MARK} onload=alert(1)><style>*{{display:none}}",
    "</textarea></script></style><iframe src=//evil.example>",
    "&lt;b&gt; &amp;amp; &#x3c;",
    "<!-- --> ]]> <?xml?>",
)
MARKDOWN = (
    "[tap](javascript:alert(1)) [x]: //evil.example",
    "![](https://evil.example/x.png) https://evil.example www.evil.example a@evil.example",
    "**bold** _it_ ~~gone~~ `code` # | a | b | [^1]",
    ":red[x] :material/home: :smile: :blue-background[x] $math$ $$x^2$$",
)
FORMULAS = (
    '=HYPERLINK("http://evil.example","x")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "＝1＋1",
    "'=1+1",
)
PATHS = ("../../etc/passwd", "..\\..\\windows\\win.ini", "C:\\users\\x4\\", "file:///etc/passwd", "%2e%2e%2f")
PROGRAMS = (
    "a.b[0]",
    "x:Q",
    "mean(y):N",
    "datum.picked",
    "it's \\\\ \\",
    '\\" + warn(1) + "',
    '\\":warn(1),"y":"',
    "{0} {name} {braces} %s %(x)d %n",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "'; DROP TABLE pilot; --",
    "constructor __proto__ toString",
)
LETTERS = (
    "\u202eright to left\u202c \u2066x\u2069",
    "zero\u200bwidth\u200d\ufeff\u2060",
    "😀👩‍👩‍👧 か\u3099 cafe\u0301 Z͑ͫ̓ͪ̂",
    "שלום مرحبا",
    "W" * 200,
    "鑑" * 200,
)
# What a text field or a file hardly lets through, and JSON does.
CONTROLS = ("a\x00b", "a\x1b[31mb\x07\x7f", "one\r\ntwo\x0bthree\x85four", "half \ud800", "\ufffe", "\t=1", "\r=1")

SHOWN = (*MARKUP, *MARKDOWN, *FORMULAS, *PATHS, *PROGRAMS, *LETTERS)
EVERYTHING = (*SHOWN, *CONTROLS)


def recording(names: Sequence[str], labels: Sequence[str], lines: Sequence[str], n: int = 240) -> bytes:
    """A CSV file: a channel for each name, a label, and a line or site; each label and line holds a run of rows."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow([*names, "label", "line"])
    for i in range(n):
        waves = (f"{i * (k + 2) % (7 + k) + 0.25 * k:g}" for k in range(len(names)))
        writer.writerow([*waves, labels[i // 20 % len(labels)], lines[i * len(lines) // n]])
    return file.getvalue().encode()
