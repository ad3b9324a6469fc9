"""A folder here and one in a bucket are used alike: listed, read, and written whole or not at all."""

from pathlib import Path

import pytest

from core.errors import UserError
from core.remote import Folder
from tests.bucket import Server


@pytest.fixture(params=["here", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "folder") if request.param == "here" else request.getfixturevalue("bucket").fresh()


def test_what_was_put_is_there_for_whoever_opens_the_folder(url: str):
    Folder(url).put("a/b.csv", b"one,two")
    assert Folder(url).get("a/b.csv") == b"one,two"
    with Folder(url).open("a/b.csv") as file:
        file.seek(4)
        assert file.read(2) == b"tw"


def test_what_is_not_there_is_none_and_an_empty_list(url: str):
    assert Folder(url).get("a") is None
    assert Folder(url).files(".csv") == []


def test_files_are_listed_by_their_ends_in_order_of_names_and_without_what_engines_leave(url: str):
    for name in ("b.csv", "a/c.csv", "a/d.parquet", "_SUCCESS.csv", "a/.hidden.csv", "_temporary/0.csv"):
        Folder(url).put(name, b"x")
    assert [(one.name, one.size) for one in Folder(url).files(".csv")] == [("a/c.csv", 1), ("b.csv", 1)]


def test_a_file_that_was_written_again_is_another_one(url: str):
    Folder(url).put("a.csv", b"one")
    before = Folder(url).found("a.csv")
    assert before == Folder(url).found("a.csv") == Folder(url).files(".csv")[0]
    Folder(url).put("a.csv", b"two")
    assert Folder(url).found("a.csv") != before


def test_nothing_of_a_file_that_is_being_written_is_left(tmp_path: Path):
    Folder(str(tmp_path)).put("a.csv", b"one")
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


def test_a_bucket_that_does_not_answer_is_told(bucket: Server):
    address = bucket.fresh()
    with bucket.out_of_reach():
        for use in (lambda: Folder(address).get("a"), lambda: Folder(address).files(".csv"), lambda: opened(address)):
            with pytest.raises(UserError, match="does not answer") as refused:
                use()
            assert address in str(refused.value)


def opened(address: str) -> bytes:
    with Folder(address).open("a") as file:
        return file.read()
