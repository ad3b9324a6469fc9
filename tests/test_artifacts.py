import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.artifacts import Store, fingerprint

KEY = "ab" * 32


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


def test_what_was_saved_comes_back_bit_for_bit(tmp_path):
    store, x = Store(tmp_path), np.random.default_rng(0).normal(size=(7, 3))
    store.save(KEY, {"made": "test", "名": "値"}, {"x": x})
    assert store.array(KEY, "x").tobytes() == x.tobytes()
    assert store.meta(KEY) == {"made": "test", "名": "値"}


def test_an_upload_is_kept_untouched_under_its_sha256(tmp_path):
    data = b"\xef\xbb\xbfa;b\r\n1,5;\x00\xff"
    key = Store(tmp_path).keep(data, {})
    assert key == hashlib.sha256(data).hexdigest()
    assert Store(tmp_path).original(key) == data


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


def test_a_sketch_is_the_last_one_and_gone_when_forgotten(tmp_path):
    store, key = Store(tmp_path), "ab" * 32
    assert store.sketched(key) is None
    for done in (10, 20):
        store.sketch(key, done, np.full((3, 2), done))
    done, values = store.sketched(key)
    assert done == 20
    assert (values == 20).all()
    assert not store.has(key)  # it is no result
    store.forget_sketch(key)
    store.forget_sketch(key)
    assert store.sketched(key) is None
    assert list(tmp_path.iterdir()) == []


def test_the_size_is_that_of_all_files_and_nothing_before_the_first(tmp_path):
    store = Store(tmp_path / "artifacts")
    assert store.size() == 0
    store.save(KEY, {}, {"a": np.zeros(1000)})
    assert store.size() == sum(file.stat().st_size for file in store.folder(KEY).iterdir()) > 8000


def test_lines_stand_in_the_order_in_which_they_were_told_whatever_is_in_them(tmp_path):
    store = Store(tmp_path / "new")
    assert store.lines("a" * 64) == ()
    sizes = [store.n_told("a" * 64)]
    told = ["first", "二番目\u2028 \x85", "third"]
    for line in told:
        store.append_line("a" * 64, line)
        sizes.append(store.n_told("a" * 64))
    assert list(store.lines("a" * 64)) == told
    assert sizes == sorted(set(sizes))
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
