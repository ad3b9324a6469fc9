"""The page of examples does what it says: every block of it is run, in order, and what it shows comes out."""

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from core.__main__ import main
from tests.test_structure import ROOT

PAGE = ROOT / "docs" / "EXAMPLES.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    kind: str
    text: str
    line: int


def blocks() -> Iterator[Block]:
    text = PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield Block(found[1], found[2], text[: found.start()].count("\n") + 1)


def run_session(block: Block, names: dict[str, Any]) -> None:
    """Statements, and what each shows."""
    test = doctest.DocTestParser().get_doctest(block.text, names, PAGE.name, str(PAGE), block.line)
    test.globs = names  # which later blocks go on with
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(test, out=told.append, clear_globs=False)
    assert not told, "".join(told)


def run_commands(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands, and what each writes to standard output."""
    for call in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, shown = call.split("\n", 1)
        python, flag, module, *words = shlex.split(command)
        assert (python, flag, module) == ("python", "-m", "core")
        assert main([*words, "--language", "en"] if "--language" not in words else words) == 0, command
        out = capsys.readouterr().out
        assert doctest.OutputChecker().check_output(shown, out, FLAGS), f"{command}\n{out}"


def test_every_block_of_the_page_runs_and_shows_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks():
        if block.kind == "python":
            exec(compile(block.text, PAGE.name, "exec"), names)  # noqa: S102 — the page is ours
        elif block.kind == "pycon":
            run_session(block, names)
        elif block.kind == "toml":
            Path("pilot.toml").write_text(block.text, encoding="utf-8")
        elif block.kind == "console":
            run_commands(block, capsys)
        else:
            pytest.fail(f"nobody runs the block in line {block.line}")
    assert {"map.png", "report.pdf", "report.html"} <= {file.name for file in tmp_path.iterdir()}
    assert {file.suffix for file in (tmp_path / "maps").iterdir()} == {".csv", ".png"}
