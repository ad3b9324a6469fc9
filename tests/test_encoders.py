"""What is said about an encoder before it starts, held against the encoder itself."""

import json
import shutil
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants as hub

from core import encoders, moment
from core.embedding import Encoder
from core.encoders import (
    HUB,
    PUBLISHED,
    SHIPPED,
    EncoderSpec,
    architecture_of,
    facts,
    fetched,
    operations_of,
    seconds,
)
from core.errors import UserError


def nobody(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


def test_the_shipped_model_has_the_parameters_that_are_said():
    said = facts(EncoderSpec(), 8)
    assert said.parameters == Encoder(EncoderSpec(), ("x",), nobody).parameters <= 8_000_000
    assert said.bytes == (SHIPPED / "model.safetensors").stat().st_size <= 32_000_000
    assert said.parameters == facts(EncoderSpec("random-init"), 8).parameters


def test_the_shipped_model_loads_unchanged_with_momentfm():
    from momentfm import MOMENTPipeline

    model = MOMENTPipeline.from_pretrained(str(SHIPPED), model_kwargs={"task_name": "embedding"})
    assert model.config.t5_config["vocab_size"] == 1


@pytest.mark.parametrize(("size", "millions"), [("small", 35.3), ("base", 109.6), ("large", 341.2)])
def test_momentfms_published_sizes_come_out_as_their_authors_count_them(size, millions):
    """As DESIGN has them, vocabulary and all: 35, 110 and 341 million."""
    said = facts(EncoderSpec("moment", HUB[size]), 64)
    assert said.parameters / 1e6 == pytest.approx(millions, rel=0.005)
    assert said.licence == "MIT"


def test_a_small_moment_takes_as_many_operations_as_were_measured():
    assert PUBLISHED["small"].operations(64) == pytest.approx(2.47e9, rel=0.01)


def test_nothing_to_compute_takes_no_time_and_what_was_measured_here_counts():
    assert seconds(0, None) == 0
    assert seconds(2e12, None) == pytest.approx(2 * seconds(1e12, None))
    assert seconds(2e12, 1e11) == 20


def test_operations_grow_with_channels_and_with_what_is_asked_of_them():
    one = operations_of(EncoderSpec(), ("a",), 64)
    assert one == facts(EncoderSpec(), 8).operations > 0
    assert operations_of(EncoderSpec(), ("a", "b", "c"), 64) == 3 * one
    assert operations_of(EncoderSpec(channel="b", side=("differenced",)), ("a", "b", "c"), 64) == 2 * one
    assert (
        operations_of(EncoderSpec("raw"), ("a",), 64) == 0 < operations_of(EncoderSpec("statistics"), ("a",), 64) < one
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    moment.untrained(seed=0).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_is_read_without_loading_it(folder):
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n", encoding="utf-8")
    said = facts(EncoderSpec("moment", str(folder)), 8)
    assert (said.parameters, said.licence) == (facts(EncoderSpec(), 8).parameters, "apache-2.0")


@pytest.mark.parametrize("spoil", [{"patch_len": 16}, {"t5_config": "t5-small"}, None], ids=["patch", "words", "empty"])
def test_a_folder_that_is_no_moment_says_so(folder, spoil):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | spoil if spoil else []), encoding="utf-8")
    with pytest.raises(UserError, match="not a MOMENT with patches of 8 samples"):
        architecture_of(folder)


# --- a hub on this computer: what it serves is a small model made here


class Hub(BaseHTTPRequestHandler):
    """The part of a model hub that a download needs."""

    def __init__(self, folder: Path, asked: list[str], *words: object) -> None:
        self.folder, self.asked = folder, asked
        super().__init__(*words)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        self.asked.append(self.path)
        names = ("config.json", "model.safetensors", "pytorch_model.bin")
        if "/tree/" in self.path:
            size = (self.folder / "model.safetensors").stat().st_size
            files = [{"type": "file", "path": name, "size": size, "oid": "0" * 40} for name in names]
            data = json.dumps(files).encode()
        elif self.path.startswith("/api/"):
            siblings = [{"rfilename": name} for name in names]
            data = json.dumps({"id": "AutonLab/MOMENT-1-small", "sha": "5" * 40, "siblings": siblings}).encode()
        else:
            data = (self.folder / self.path.rsplit("/", 1)[1]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{len(data)}"')
        self.send_header("X-Repo-Commit", "5" * 40)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def served(folder, tmp_path, monkeypatch):
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, folder, asked))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(hub, "ENDPOINT", address)
    monkeypatch.setattr(hub, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
    yield asked
    server.shutdown()


def test_a_model_is_fetched_once_with_progress_and_then_needs_no_network(served, folder):
    ticks: list[tuple[int, int]] = []
    there = fetched(HUB["small"], lambda done, total: ticks.append((done, total)))
    assert (there / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert not [path for path in served if path.endswith(".bin")]  # no pickle is ever asked for
    size = (folder / "model.safetensors").stat().st_size
    assert max(done for done, _ in ticks) >= size
    served.clear()
    assert fetched(HUB["small"], nobody) == there
    assert served == []


@pytest.mark.usefixtures("served")
def test_a_download_can_be_stopped():
    def stop(_done: int, _total: int) -> None:
        raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        fetched(HUB["small"], stop)


@pytest.mark.usefixtures("served")
def test_a_fetched_model_stays_what_it_was_when_the_hub_has_another(folder):
    there = fetched(HUB["small"], nobody)
    before = encoders.weights_hash(there)
    used = Encoder(EncoderSpec("moment", HUB["small"]), ("x",), nobody)
    assert (used.revision, used.weights) == ("5" * 40, before)  # what came is written down
    shutil.rmtree(folder)
    moment.untrained(seed=1).save_pretrained(folder)
    assert encoders.weights_hash(fetched(HUB["small"], nobody)) == before
