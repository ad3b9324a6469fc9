"""What docs/CLUSTER.md names is there. Its lines for scheduler and worker are started by tests/test_cluster.py."""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from typing import Any

import dask
import pypdfium2
import pytest
import yaml
from distributed import Nanny, Scheduler, SSHCluster, Worker
from distributed.cli import dask_scheduler, dask_worker
from markdown_it import MarkdownIt
from playwright.sync_api import Browser

import manage
from tests.browser import PATIENCE, ROOT
from tests.cluster import PAGE, lines
from tests.test_operations import PATHS, PRINTED, program

COMMANDS = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text(), re.DOTALL | re.MULTILINE)


def commands() -> Iterator[list[str]]:
    """Every `dask …` that is started, as words: by hand, and in the containers."""
    yield from (shlex.split(line) for line in lines(text()) if line.startswith("dask "))
    [cluster] = map(yaml.safe_load, blocks("yaml"))
    for part in ("scheduler", "worker"):
        yield from (one["args"] for one in cluster["spec"][part]["spec"]["containers"])


def options(command: Any) -> set[str]:
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {one.arg: one.value for one in call.keywords if one.arg}


def called(name: str) -> dict[str, ast.expr]:
    """What an example in Python hands to a class."""
    calls = [node for one in blocks("python") for node in ast.walk(ast.parse(one)) if isinstance(node, ast.Call)]
    [found] = [node for node in calls if ast.unparse(node.func) == name]
    return keywords(found)


def taken(*classes: type) -> set[str]:
    return {name for one in classes for name in inspect.signature(one.__init__).parameters}


def test_every_option_of_dask_is_one_that_it_knows():
    found = list(commands())
    assert [words[:2] for words in found] == [["dask", "scheduler"], ["dask", "worker"]] * 2
    for words in found:
        assert {word for word in words if word.startswith("--")} <= options(COMMANDS[words[1]])
    more = {word for word in re.findall(r"(?<=[`\s\"])--[a-z][\w-]+", text()) if f"`{word}" in text()}
    assert more
    assert more <= options(dask_worker.main)


def test_a_worker_has_one_thread_for_jobs_wherever_it_is_started():
    workers = [words for words in commands() if words[1] == "worker"]
    assert [words[words.index("--nthreads") + 1] for words in workers] == ["1", "1"]
    assert ast.literal_eval(called("SSHCluster")["worker_options"])["nthreads"] == 1
    slurm = {name: ast.literal_eval(value) for name, value in called("SLURMCluster").items()}
    assert (slurm["cores"], slurm["processes"]) == (1, 1)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"DASK_(DISTRIBUTED__\w+)", PAGE.read_text(encoding="utf-8")))))
def test_every_setting_of_dask_is_one_that_it_knows(name):
    missing = object()
    known = dask.config.get(name.lower().replace("__", ".").replace("_", "-"), default=missing)
    assert known is not missing


def test_every_setting_command_and_file_of_ours_is_there():
    named = set(re.findall(r"\bPILOT_[A-Z_]*[A-Z]\b", text()))
    assert {name for name in named if name not in program()} == set()
    assert named >= {"PILOT_DASK", "PILOT_STORE", "PILOT_DATABASE_URL", "PILOT_DATA"}
    assert set(re.findall(r"manage\.py (\w+)", text())) <= {*manage.COMMANDS}
    assert {name for name in PATHS.findall(text()) if not (ROOT / name).is_file()} == set()
    assert (ROOT / "docs" / "Containerfile").is_file()


def test_the_example_for_ssh_hands_over_what_dask_takes():
    given = called("SSHCluster")
    assert set(given) <= set(inspect.signature(SSHCluster).parameters)
    assert set(ast.literal_eval(given["scheduler_options"])) <= taken(Scheduler)
    assert set(ast.literal_eval(given["worker_options"])) <= taken(Nanny, Worker)
    assert set(ast.literal_eval(called("SLURMCluster")["scheduler_options"])) <= taken(Scheduler)


def test_containers_speak_tls_with_the_certificates_that_they_are_given():
    [cluster] = map(yaml.safe_load, blocks("yaml"))
    for part in ("scheduler", "worker"):
        spec = cluster["spec"][part]["spec"]
        [container] = spec["containers"]
        assert "tls" in " ".join(container["args"])
        assert [one["name"] for one in container["volumeMounts"]] == [one["name"] for one in spec["volumes"]]
        [folder] = [one["mountPath"] for one in container["volumeMounts"]]
        certificates = [line.split("=")[1] for line in lines(text()) if line.endswith(".pem")]
        assert all(file.startswith(f"{folder}/") for file in certificates)


def test_the_page_is_two_pages_when_it_is_printed(browser: Browser):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    html = MarkdownIt("commonmark").enable("table").render(text())
    page.set_content(f"<!DOCTYPE html><style>{PRINTED}</style>{html}")
    margins = dict.fromkeys(("top", "bottom", "left", "right"), "12mm")
    assert len(pypdfium2.PdfDocument(page.pdf(format="A4", margin=margins))) <= 2
