"""Where people's words could become markup or a program, read from the files themselves. Also part of `check`.

Each place that hands something to a browser as markup is listed here with its reason; any other is named with its line.
What cannot be seen here, such as a word that goes through a variable, tests/test_browser_hostile.py looks for.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.test_structure import PRODUCT, ROOT, imports, parsed, python_files

# file and what is used there → why it may be
ALLOWED = {
    ("pages/frame.py", "st.html"): "a style sheet of ours, read from its file",
    ("pages/rate.py", "st.html"): "a style of ours, a constant",
    ("pages/parts/header.py", "st.html"): "a word of our catalogue without quotes, in a style",
    ("pages/entrance/caller.py", "HTMLResponse"): "the door's pages: doorway.py escapes every word that is put in",
    ("pages/parts/mishap.py", "HTMLResponse"): "words of our catalogue and a number that we drew",
    ("core/bucket.py", "aiohttp"): "only its faults are caught; who runs the app says which address is asked",
    ("pages/parts/scatter_points.js", "insertAdjacentHTML"): "a shape of ours; names beside it are set as text",
}
MARKUP = {"st.html", "st.iframe", "components.v1.html", "components.v1.iframe", "HTMLResponse"}
RUNNING = {"os.system", "os.popen", "torch.load", "torch.save", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
BUILT_IN = {"eval", "exec", "compile", "__import__"}
FETCHERS = {"urllib.request", "requests", "httpx", "aiohttp", "http.client", "ftplib", "urllib3", "fsspec"}
SCRIPTED = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write(?:ln)?|eval|new Function|srcdoc|DOMParser"
    r"|createContextualFragment|setHTMLUnsafe)\b|\b(set(?:Timeout|Interval))\(\s*['\"`]"
)
# Streamlit's elements whose words are Markdown, and the fields of our records that hold what people wrote.
MARKDOWN = set(
    "markdown caption write title header subheader info success warning error toast expander popover spinner status "
    "metric table button link_button download_button page_link form_submit_button checkbox toggle radio pills tabs "
    "segmented_control progress text_input text_area selectbox multiselect number_input date_input slider "
    "file_uploader".split()
)
WORDS = {"label", "help", "body", "text", "caption", "captions", "data"}  # their arguments, besides the first
PEOPLES = set(
    "question team file_name read_like domain site comment why reason source what guard own channels channel name "
    "label".split()
)
HARMLESS = {"plain", "fill", "say"}


@dataclass(frozen=True, slots=True)
class Found:
    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def called(node: ast.AST) -> str:
    """What is listed above, however its module is named here; "": nothing of it."""
    if isinstance(node, ast.Name) and node.id in BUILT_IN:
        return node.id
    name = f".{ast.unparse(node)}"
    return next((one for one in MARKUP | RUNNING if name.endswith(f".{one}")), "")


def python_uses(file: str, tree: ast.Module) -> Iterator[Found]:
    """Whatever makes markup, runs text as a program or asks another computer for something."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (what := called(node.func)):
            yield Found(file, node.lineno, what)
        elif isinstance(node, ast.keyword) and is_unsafe(node):
            yield Found(file, node.value.lineno, str(node.arg))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = {name for _statement, name in imports(node, "")} & FETCHERS
            yield from (Found(file, node.lineno, name) for name in sorted(names))


def is_unsafe(node: ast.keyword) -> bool:
    """A switch that is on, or may be."""
    named = (node.arg or "").startswith("unsafe_") or node.arg in ("shell", "allow_pickle")
    return named and ast.unparse(node.value) != "False"


def script_uses(file: str, text: str) -> Iterator[Found]:
    for number, line in enumerate(text.splitlines(), start=1):
        yield from (Found(file, number, one[1] or one[2]) for one in SCRIPTED.finditer(line))


def people_in_markdown(file: str, tree: ast.Module) -> Iterator[Found]:
    """A field that holds somebody's words, said where Streamlit reads Markdown, and not through plain()."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MARKDOWN:
            said = [*node.args[:1], *(one.value for one in node.keywords if one.arg in WORDS)]
            found = (field for part in said for field in bare_fields(part))
            yield from (Found(file, field.lineno, f"{ast.unparse(field)} in {node.func.attr}") for field in found)


def bare_fields(node: ast.AST) -> Iterator[ast.Attribute]:
    """Fields with people's words. A code that looks a word up, and a method that only has the name, are none."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in HARMLESS:
            return
        inner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
        parts: list[ast.AST] = [inner, *node.args, *(one.value for one in node.keywords)]
    elif isinstance(node, ast.Subscript):
        parts = [node.value]
    else:
        if isinstance(node, ast.Attribute) and node.attr in PEOPLES:
            yield node
        parts = list(ast.iter_child_nodes(node))
    for part in parts:
        yield from bare_fields(part)


@cache
def uses() -> list[Found]:
    """Of the whole product."""
    found: list[Found] = []
    for file in python_files(*PRODUCT):
        found += [*python_uses(file, parsed(file)), *people_in_markdown(file, parsed(file))]
    for path in sorted((ROOT / "pages").rglob("*.js")):
        file = path.relative_to(ROOT).as_posix()
        found += script_uses(file, path.read_text(encoding="utf-8"))
    return found


def test_whatever_could_run_or_show_peoples_words_as_markup_is_listed_with_its_reason():
    assert [str(one) for one in uses() if (one.file, one.what) not in ALLOWED] == []


def test_nothing_is_listed_that_is_not_there():
    assert set(ALLOWED) == {(one.file, one.what) for one in uses()} & set(ALLOWED)


@pytest.mark.parametrize(
    "code",
    [
        "st.markdown(x, unsafe_allow_html=True)",
        "st.html(x)",
        "st.iframe(x)",
        "left.markdown(x, unsafe_allow_html=flag)",
        "streamlit.components.v1.html(x)",
        "eval(x)",
        "torch.load(x)",
        "np.load(x, allow_pickle=True)",
        "yaml.load(x)",
        "subprocess.run(x, shell=True)",
        "os.system(x)",
        "import requests",
        "from urllib.request import urlopen",
        "from urllib import request",
        "starlette.responses.HTMLResponse(x)",
    ],
)
def test_each_way_is_seen_in_python(code):
    assert [one.line for one in python_uses("x.py", ast.parse(code))] == [1]


@pytest.mark.parametrize(
    "code",
    [
        "node.innerHTML = name",
        "a.outerHTML += x",
        "e.insertAdjacentHTML('beforeend', x)",
        "document.write(x)",
        "eval(x)",
        "new Function(x)",
        'setTimeout("go()", 1)',
        "frame.srcdoc = x",
    ],
)
def test_each_way_is_seen_in_scripts(code):
    assert [one.line for one in script_uses("x.js", f"{code}\n")] == [1]


@pytest.mark.parametrize("code", ["node.textContent = name", "const evaluated = 1", "setTimeout(go, 1)"])
def test_harmless_scripts_are_left_alone(code):
    assert list(script_uses("x.js", code)) == []


@pytest.mark.parametrize(
    "code",
    [
        'st.markdown(f"**{pilot.question}**")',
        "left.caption(_('by {name}').format(name=one.name))",
        "st.expander(one.file_name)",
        "st.button('x', help=one.comment)",
        "st.table([{'a': one.source}])",
        "st.markdown(' '.join(one.why for one in all))",
    ],
)
def test_peoples_words_in_markdown_are_seen(code):
    assert [one.line for one in people_in_markdown("x.py", ast.parse(code))] == [1]


@pytest.mark.parametrize(
    "code",
    [
        'st.markdown(f"**{plain(pilot.question)}**")',
        "st.caption(fill(one.message, {'name': one.name}))",
        "st.markdown(_(WHAT[one.what]))",
        "st.caption(found.name(view))",
        "st.text(one.name)",
        "st.selectbox('x', [one.name])",
    ],
)
def test_plain_words_are_left_alone(code):
    assert list(people_in_markdown("x.py", ast.parse(code))) == []
