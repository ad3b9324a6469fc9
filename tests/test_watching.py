"""A folder that is watched: each file is placed once, whatever happens, and what has drifted raises the alert."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import demo, placing, watching
from core.artifacts import Store
from core.drift import State
from core.encoders import EncoderSpec
from core.errors import UserError
from core.placing import PlacedSpec
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.steps import Impute, Scale
from core.tables import guess
from core.views import ViewSpec
from core.watching import Event, Watch, journal, once
from tests.test_structure import ROOT

RECIPE = Recipe((Impute("linear", 8), Scale("z-score", "all")), 1.0, WindowSpec(40, 20))


def press(seed: int, vibration: float = 0.0, most: int | None = None) -> bytes:
    """The generated press line, its vibration so many mm/s higher."""
    head, *rows = demo.press_line("en", seed).decode().splitlines()[:most]
    cells = [row.split(",") for row in rows]
    return "\n".join([head, *(",".join([*c[:2], f"{float(c[2]) + vibration:.4f}", *c[3:]]) for c in cells)]).encode()


def map_of(store: Store, data: bytes | None = None, encoder: str = "raw") -> ViewSpec:
    data = data or press(7)
    source = Source(store.keep(data, {}), guess(data))
    return ViewSpec((source,), RECIPE, EncoderSpec(encoder), ProjectionSpec("pca"))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def watch(tmp_path: Path, inbox: Path) -> Watch:
    store = Store(tmp_path / "store")
    return Watch(inbox, {"Map 1": map_of(store)}, store, every=0.01)


def seen(watch: Watch) -> list[Event]:
    """What one go through the folder tells."""
    told: list[Event] = []
    once(watch, told.append)
    return told


def states(told: list[Event]) -> list[tuple[str, State | None]]:
    return [(one.seen.file, one.judged and one.judged.state) for one in told]


def test_a_file_like_the_pilots_fits_and_one_that_has_drifted_raises_the_alert(watch, inbox):
    (inbox / "june.csv").write_bytes(press(8))
    (inbox / "july.csv").write_bytes(press(9, vibration=9))
    os.utime(inbox / "june.csv", (1, 1))
    assert states(seen(watch)) == [("june.csv", "fits"), ("july.csv", "ask again")]
    [view] = watch.views.values()
    june, july = journal(view.fingerprint(), watch.store)
    assert (june.error, july.error) == (None, None)
    spec = PlacedSpec(view, (july.source,))
    assert july.placed == spec.fingerprint()
    made = placing.load(spec, watch.store)
    assert made.found == july.found
    assert july.found.outside > 0.9 > 0.05 > june.found.outside


def lines_of(watch: Watch) -> list[str]:
    [view] = watch.views.values()
    return [one.file for one in journal(view.fingerprint(), watch.store)]


# What is taken up


def test_what_is_there_already_is_not_placed_again_whatever_it_is_called(watch, inbox):
    (inbox / "a.csv").write_bytes(press(8))
    assert len(seen(watch)) == 1
    assert seen(watch) == []
    (inbox / "a.csv").rename(inbox / "b.csv")
    (inbox / "c.csv").write_bytes(press(8))
    assert seen(watch) == []
    assert lines_of(watch) == ["a.csv"]


def test_a_file_that_changed_is_another(watch, inbox):
    (inbox / "a.csv").write_bytes(press(8))
    seen(watch)
    (inbox / "a.csv").write_bytes(press(9))
    assert len(seen(watch)) == 1
    assert lines_of(watch) == ["a.csv", "a.csv"]


def test_a_file_is_left_alone_while_it_grows(watch, inbox):
    file, data = inbox / "a.csv", press(8)

    def grow(path: Path) -> None:
        with path.open("ab") as out:
            out.write(data[path.stat().st_size :][:20_000])

    with watching._watcher(watch, watching.quiet) as watcher:
        file.write_bytes(b"")
        while file.stat().st_size < len(data):
            assert list(watcher.look()) == []
            grow(file)
        assert list(watcher.look()) == []  # it may go on
        [told] = watcher.look()
        assert list(watcher.look()) == []
    assert told.seen.mark.size == len(data)


def test_a_file_that_changes_or_goes_while_it_is_read_is_left_to_the_next_look(watch, inbox, caplog):
    file = inbox / "a.csv"
    file.write_bytes(press(8))
    with watching._watcher(watch, watching.quiet) as watcher:
        before = watching._mark(file)
        with file.open("ab") as out:
            out.write(b"\n")
        assert watcher._kept("a.csv", before) is None
        file.unlink()
        assert watcher._kept("a.csv", before) is None
        assert "cannot be read, and is tried again" in caplog.text
        file.write_bytes(press(8))
        assert [len(list(watcher.look())) for _ in range(3)] == [0, 1, 0]


@pytest.mark.parametrize("name", [".a.csv", "~$a.xlsx", "a.csv.part", "a.crdownload", "a.pdf", "folder.csv"])
def test_what_is_no_file_of_data_or_some_programs_own_is_left_alone(watch, inbox, name):
    if name == "folder.csv":
        (inbox / name).mkdir()
    else:
        (inbox / name).write_bytes(press(8, most=100))
    assert seen(watch) == []


def test_a_maps_own_data_are_no_news(watch, inbox):
    (inbox / "a.csv").write_bytes(press(7))
    assert seen(watch) == []


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text there")
def test_a_name_that_is_no_text_stops_nothing(watch, inbox):
    (inbox / os.fsdecode(b"\xff.csv")).write_bytes(press(8, most=20))
    [told] = seen(watch)
    assert told.seen.file == "?.csv"
    assert seen(watch) == []


def test_a_map_that_comes_later_gets_the_files_that_are_there(watch, inbox):
    (inbox / "a.csv").write_bytes(press(8))
    seen(watch)
    both = replace(watch, views={**watch.views, "Map 2": map_of(watch.store, encoder="statistics")})
    assert [one.view for one in seen(both)] == ["Map 2"]
    assert seen(both) == []


# How it is read


def test_a_file_is_read_as_the_maps_own_data_were(watch, inbox):
    """Somebody had to say of the pilot's file that its load is no channel."""
    [view] = watch.views.values()
    [own] = view.sources
    reading = replace(own.reading, channels=own.reading.channels[1:])
    corrected = replace(watch, views={"Map 1": replace(view, sources=(Source(own.sha256, reading),))})
    (inbox / "a.csv").write_bytes(press(8))
    [told] = seen(corrected)
    assert told.seen.source.reading == replace(reading, site="a")


def test_where_that_does_not_fit_it_is_read_as_it_looks(watch, inbox):
    (inbox / "a.csv").write_bytes(press(8).replace(b",", b";").replace(b".", b","))
    [told] = seen(watch)
    assert told.judged.state == "fits"
    assert told.seen.source.reading.notation.decimal == ","


def test_a_file_that_cannot_be_placed_is_told_once_and_tried_again_when_it_has_changed(watch, inbox):
    files = {
        "no table.csv": (b"no table", "The file"),
        "other channels.csv": (press(8).replace(b"load", b"lead"), "The files do not have the same channels"),
        "short.csv": (press(8, most=20), "No series is as long as one stretch"),
    }
    for name, (data, _why) in files.items():
        (inbox / name).write_bytes(data)
    told = {one.seen.file: one for one in seen(watch)}
    assert [one.judged for one in told.values()] == [None] * 3
    assert [why in told[name].seen.error.problem for name, (_data, why) in files.items()] == [True] * 3
    kept = journal(watch.views["Map 1"].fingerprint(), watch.store)
    assert {one.file: str(one.error) for one in kept} == {name: str(one.seen.error) for name, one in told.items()}
    assert seen(watch) == []
    (inbox / "no table.csv").write_bytes(press(8))
    assert states(seen(watch)) == [("no table.csv", "fits")]


def test_a_file_too_large_to_be_read_is_told_and_not_read(watch, inbox):
    with (inbox / "a.csv").open("wb") as file:
        file.truncate(1 << 40)
    [told] = seen(watch)
    assert "MB" in told.seen.error.problem
    assert seen(watch) == []
    with (inbox / "b.csv").open("wb") as file:
        file.truncate(1 << 40)
    assert states(seen(watch)) == [("b.csv", None)]


# Whatever happens


def test_one_folder_has_one_watcher(watch):
    with watching._watcher(watch, watching.quiet), pytest.raises(UserError, match="is watched already"):
        seen(watch)
    assert seen(watch) == []


def test_a_folder_that_is_not_there_is_told(watch):
    with pytest.raises(UserError, match="There is no folder"):
        seen(replace(watch, folder=watch.folder / "none"))


def test_a_folder_that_goes_away_for_a_while_is_looked_at_again(watch, inbox, caplog):
    with watching._watcher(watch, watching.quiet) as watcher:
        inbox.rename(inbox.with_name("away"))
        assert [*watcher.look(), *watcher.look()] == []
        assert [one.getMessage() for one in caplog.records if "is tried again" in one.getMessage()][1:] == []
        assert str(inbox) in caplog.text
        inbox.with_name("away").rename(inbox)
        (inbox / "a.csv").write_bytes(press(8))
        assert [len(list(watcher.look())) for _ in range(3)] == [0, 1, 0]


def test_a_line_that_was_cut_off_is_read_over_said_and_its_file_placed_again(watch, inbox, caplog):
    for name, seed in (("a.csv", 8), ("b.csv", 9)):
        (inbox / name).write_bytes(press(seed))
        seen(watch)
    [view] = watch.views.values()
    [file] = watch.store.root.glob("*.jsonl")
    assert file.name == f"{view.fingerprint()}.watched.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    assert lines_of(watch) == ["a.csv"]
    (inbox / "c.csv").write_bytes(press(10))
    assert [one.seen.file for one in seen(watch)] == ["b.csv", "c.csv"]
    assert "Map 1: 1 lines of the journal are not whole" in caplog.text
    assert lines_of(watch) == ["a.csv", "b.csv", "c.csv"]


KILLED = """if True:
    import sys
    from pathlib import Path
    from core import placing, watching
    from tests.test_watching import Watch, Store, map_of
    store = Store(Path(sys.argv[2]))

    def told(event):
        print(event.seen.file, flush=True)

    def progress(stage, done, total):
        if stage == placing.COMPARING and stuck.is_file():
            print("stuck", flush=True)
            sys.stdin.read()

    stuck = Path(sys.argv[3])
    watching.run(Watch(Path(sys.argv[1]), {"Map 1": map_of(store)}, store, every=0.01), told, progress)
"""


@pytest.fixture
def process(watch, inbox, tmp_path) -> Iterator[subprocess.Popen[str]]:
    """A watcher of its own, which stops in the middle of a file once there is a file `stuck`."""
    words = [sys.executable, "-c", KILLED, str(inbox), str(watch.store.root), str(tmp_path / "stuck")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, cwd=ROOT, text=True, **pipes) as running:
        yield running
        running.kill()


def test_killed_in_the_middle_of_a_file_nothing_is_lost_and_nothing_doubled(process, watch, inbox, tmp_path):
    (inbox / "a.csv").write_bytes(press(8))
    assert process.stdout.readline() == "a.csv\n"
    (tmp_path / "stuck").touch()
    (inbox / "b.csv").write_bytes(press(9))
    assert process.stdout.readline() == "stuck\n"
    with pytest.raises(UserError, match="is watched already"):
        seen(watch)
    process.kill()
    process.wait()
    assert lines_of(watch) == ["a.csv"]
    assert states(seen(watch)) == [("b.csv", "fits")]
    assert lines_of(watch) == ["a.csv", "b.csv"]
    assert seen(watch) == []


def test_ctrl_c_ends_it_without_a_word(process, inbox):
    (inbox / "a.csv").write_bytes(press(8))
    assert process.stdout.readline() == "a.csv\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0


def test_ctrl_c_while_a_map_is_drawn_does_too(watch):
    def press_it(*_at: object) -> None:
        raise KeyboardInterrupt

    once(watch, lambda _event: None, press_it)
