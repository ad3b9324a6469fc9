import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.artifacts import REMOTE, Store, brought, fingerprint
from core.errors import UserError

KEY = "ab" * 32


@dataclass(frozen=True)
class Named:
    """A spec that names folders."""

    folders: tuple[str, ...]
    other: str


def test_the_same_parts_give_the_same_fingerprint_in_another_process():
    code = "from core.artifacts import fingerprint; print(fingerprint('view', {'b': 1, 'a': [0.1, '油温']}))"
    root = Path(__file__).parents[1]
    other = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == fingerprint("view", {"a": [0.1, "油温"], "b": 1})


def test_any_difference_gives_another_fingerprint():
    keys = {
        fingerprint(*parts) for parts in [("a", "b"), ("ab",), ("a",), ("a", "b", 1), ("a", "b", "1"), ("a", "b", None)]
    }
    assert len(keys) == 6


def test_what_was_saved_comes_back_bit_for_bit_on_every_computer(computer):
    here, there, x = computer(), computer(), np.random.default_rng(0).normal(size=(7, 3))
    assert not there.has(KEY)
    here.save(KEY, {"made": "test", "名": "値"}, {"x": x})
    for store in (here, there):
        assert store.has(KEY)
        assert store.array(KEY, "x", mapped=True).tobytes() == x.tobytes()
        assert store.meta(KEY) == {"made": "test", "名": "値"}
        assert [store.holds(KEY, name) for name in ("x", "y")] == [True, False]


def test_an_upload_is_kept_untouched_under_its_sha256(computer):
    data = b"\xef\xbb\xbfa;b\r\n1,5;\x00\xff"
    key = computer().keep(data, {})
    assert key == hashlib.sha256(data).hexdigest()
    assert computer().original(key) == data


def test_two_computers_that_save_the_same_at_once_do_no_harm(computer):
    stores, x = [computer() for _ in range(4)], np.arange(9)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: stores[i % 4].save(KEY, {}, {"x": x}), range(16)))
    for store in (*stores, computer()):
        assert store.array(KEY, "x").tolist() == x.tolist()
        assert [folder.name for folder in store.root.iterdir() if folder.name != REMOTE] == [KEY]


def test_a_folder_that_a_spec_or_a_result_names_is_found_where_it_lies_on_each_computer(computer):
    here, there = computer(), computer()
    here.save(KEY, {}, {"model": np.arange(3)})
    spec = Named((str(here.folder(KEY)),), f"{here.root}/elsewhere")
    arrived = there.moved_here(spec, here.root)
    assert arrived == Named((str(there.folder(KEY)),), spec.other)  # names of other things stay as they are
    there.save("cd" * 32, {"spec": {"source": arrived.folders[0]}, "other": spec.other}, {})
    assert here.meta("cd" * 32) == {"spec": {"source": spec.folders[0]}, "other": spec.other}
    assert [file.name for file in brought(Path(arrived.folders[0])).glob("*.npy")] == ["model.npy"]


def test_the_first_result_stays_when_two_finish_the_same_work(tmp_path):
    store = Store(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: store.save(KEY, {"by": i}, {"x": np.full(9, i)}), range(16)))
    assert (store.array(KEY, "x") == store.meta(KEY)["by"]).all()
    assert [folder.name for folder in tmp_path.iterdir()] == [KEY]


def test_a_process_killed_while_writing_leaves_no_half_artifact(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; import numpy as np; from core import artifacts\n"
        "artifacts._sync = lambda path: os.kill(os.getpid(), 9)\n"
        f"artifacts.Store(Path(sys.argv[1])).save({KEY!r}, {{}}, {{'x': np.zeros(3)}})"
    )
    root = Path(__file__).parents[1]
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, check=False)
    assert killed.returncode == -9
    assert not Store(tmp_path).has(KEY)
    Store(tmp_path).save(KEY, {}, {"x": np.ones(3)})
    assert Store(tmp_path).array(KEY, "x").tolist() == [1, 1, 1]


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "AB" * 32, "ab" * 31, f"{'ab' * 31}/."])
def test_only_a_fingerprint_ever_becomes_a_path(tmp_path, key):
    with pytest.raises(ValueError, match="not a fingerprint"):
        Store(tmp_path).has(key)


def test_arrays_that_would_need_pickle_are_refused(tmp_path):
    with pytest.raises(ValueError, match="pickle"):
        Store(tmp_path).save(KEY, {}, {"x": np.array([{"a": 1}], dtype=object)})
    assert list(tmp_path.iterdir()) == []


def test_meta_is_readable_by_people_and_other_programs(tmp_path):
    Store(tmp_path).save(KEY, {"seconds": 1.5}, {})
    assert json.loads((tmp_path / KEY / "meta.json").read_text(encoding="utf-8")) == {"seconds": 1.5}


def test_a_sketch_is_the_last_one_and_gone_when_forgotten(computer):
    here, there = computer(), computer()
    assert there.sketched(KEY) is None
    for done in (10, 20):
        here.sketch(KEY, done, np.full((3, 2), done))
    done, values = there.sketched(KEY)
    assert done == 20
    assert (values == 20).all()
    assert not there.has(KEY)  # it is no result
    here.forget_sketch(KEY)
    here.forget_sketch(KEY)
    assert there.sketched(KEY) is None
    assert [file.name for file in here.root.iterdir() if file.name != REMOTE] == []


def test_notes_and_how_often_a_job_was_begun_are_known_on_every_computer(computer):
    here, there = computer(), computer()
    assert (here.noted("speed"), here.begun("job")) == (None, 0)
    for store, value in ((here, 1.5), (there, 2.5)):
        store.note("speed", value)
        store.begin("job")
    assert [(store.noted("speed"), store.begun("job")) for store in (here, there)] == [(2.5, 2)] * 2
    here.forget_begun("job")
    here.forget_begun("job")
    assert there.begun("job") == 0


def test_a_desk_is_found_as_the_last_one_who_worked_there_has_left_it(computer):
    def leaves(store: Store, step: int) -> None:
        desk = store.desk(KEY)
        desk.mkdir(parents=True, exist_ok=True)
        for file in desk.iterdir():
            file.unlink()
        (desk / f"{step}.safetensors").write_bytes(b"x")
        (desk / "state.json").write_text(f"{step}")
        store.leave_desk(KEY)

    here, there = computer(), computer()
    leaves(here, 1)
    leaves(there, 2)
    for store in (here, there, computer()):
        found = store.desk(KEY)
        assert {file.name: file.read_bytes() for file in found.iterdir()} == {"2.safetensors": b"x", "state.json": b"2"}
    here.clear_desk(KEY)
    assert not there.has(KEY)
    assert list(computer().desk(KEY).glob("*")) == []


# --- a bucket


def test_what_is_only_half_there_does_not_count_and_is_written_again(bucket, tmp_path):
    here, there = (Store(tmp_path / name, address) for address in [bucket.fresh()] for name in ("here", "there"))
    here.save(KEY, {}, {"x": np.ones(3)})
    [meta] = [name for name in bucket.names(here.remote.split("/")[-1]) if name.endswith("meta.json")]
    bucket.remove(meta)
    assert not there.has(KEY)
    assert not there.holds(KEY, "x")
    there.save(KEY, {}, {"x": np.full(3, 2)})
    assert Store(tmp_path / "elsewhere", here.remote).array(KEY, "x").tolist() == [2, 2, 2]


def test_who_is_killed_while_fetching_has_nothing_and_fetches_again(bucket, tmp_path):
    address = bucket.fresh()
    Store(tmp_path / "here", address).save(KEY, {}, {"x": np.ones(3)})
    code = (
        "import os, sys; from pathlib import Path; from core import artifacts\n"
        "artifacts._sync = lambda path: os.kill(os.getpid(), 9)\n"
        f"artifacts.Store(Path(sys.argv[1]), sys.argv[2]).array({KEY!r}, 'x')"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "there"), address]
    assert subprocess.run(words, cwd=Path(__file__).parents[1], check=False).returncode == -9
    assert not (tmp_path / "there" / KEY).exists()
    assert Store(tmp_path / "there", address).array(KEY, "x").tolist() == [1, 1, 1]


def test_a_network_that_fails_is_told_to_people_and_leaves_nothing_half(bucket, tmp_path):
    address = bucket.fresh()
    Store(tmp_path / "here", address).save(KEY, {}, {"x": np.ones(3)})
    with bucket.out_of_reach():
        store = Store(tmp_path / "there", address)
        for ask in (store.has, store.meta, store.sketched, store.begin, store.original):
            with pytest.raises(UserError, match="does not answer, or lets nobody in"):
                ask(KEY)
        with pytest.raises(UserError, match="does not answer"):
            store.save("cd" * 32, {}, {})
    assert [file.name for file in store.root.iterdir()] == [REMOTE]
    assert not Store(tmp_path / "there", address).has("cd" * 32)


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("address", ["s3://nobody-has-made-this-bucket/x", "nonsense://x"])
def test_a_store_that_is_not_there_is_told_as_soon_as_something_is_to_be_kept(tmp_path, address):
    with pytest.raises(UserError, match="does not answer"):
        Store(tmp_path, address).save(KEY, {}, {})


def test_workers_find_a_folder_that_the_app_was_told_of_from_where_it_was_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store(Path("data/artifacts"))
    store.save(KEY, {}, {})
    monkeypatch.chdir(tmp_path.parent)
    assert Store(store.root).has(KEY)


def test_the_size_is_that_of_all_files_and_nothing_before_the_first(tmp_path):
    store = Store(tmp_path / "artifacts")
    assert store.size() == 0
    store.save(KEY, {}, {"a": np.zeros(1000)})
    assert store.size() == sum(file.stat().st_size for file in store.folder(KEY).iterdir()) > 8000


def test_lines_stand_in_the_order_in_which_they_were_told_whatever_is_in_them(computer):
    store = computer()
    assert store.lines("a" * 64) == ()
    sizes = [store.n_told("a" * 64)]
    told = ["first", "二番目\u2028 \x85", "third"]
    for line in told:
        store.append_line("a" * 64, line)
        sizes.append(store.n_told("a" * 64))
    assert list(store.lines("a" * 64)) == told
    assert sizes == sorted(set(sizes))
    assert (computer().lines("a" * 64), computer().n_told("a" * 64)) == (tuple(told), sizes[-1])
    assert store.lines("b" * 64) == ()


def test_a_line_that_was_cut_off_costs_no_other(tmp_path):
    store = Store(tmp_path)
    store.append_line("a" * 64, "first")
    [file] = tmp_path.iterdir()
    with file.open("ab") as journal:
        journal.write("二".encode()[:2])
    store.append_line("a" * 64, "third")
    first, cut, third = store.lines("a" * 64)
    assert (first, third) == ("first", "third")
    assert "�" in cut
