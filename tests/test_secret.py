"""The secret of team mode: made once, kept from others, and nothing else is taken for it."""

import os
from pathlib import Path

import pytest

from core.errors import UserError
from pages.entrance import secret

posix = pytest.mark.skipif(os.name != "posix", reason="files have no such permissions here")


def test_it_is_made_once_and_read_back(tmp_path: Path):
    secret.make(tmp_path / "data")
    first = secret.read(tmp_path / "data")
    assert len(bytes.fromhex(first)) == 32
    secret.make(tmp_path / "data")
    assert secret.read(tmp_path / "data") == first


def test_two_installations_have_two(tmp_path: Path):
    for name in "ab":
        secret.make(tmp_path / name)
    assert secret.read(tmp_path / "a") != secret.read(tmp_path / "b")


@posix
def test_nobody_else_may_read_it_whatever_the_umask(tmp_path: Path):
    before = os.umask(0)
    try:
        secret.make(tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / secret.NAME).stat().st_mode & 0o777 == 0o600


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_one_that_others_may_read_is_refused(tmp_path: Path, mode: int):
    secret.make(tmp_path)
    (tmp_path / secret.NAME).chmod(mode)
    with pytest.raises(UserError, match="Others on this computer may read"):
        secret.read(tmp_path)


def test_a_missing_one_is_refused_with_what_to_do(tmp_path: Path):
    with pytest.raises(UserError, match=r"it is not there.*manage.py run --team"):
        secret.read(tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],  # torn
        lambda text: "0" * 64,  # somebody's own
        lambda text: text.replace("pilot-team-1", "pilot-team-2"),
        lambda text: text[:13] + ("1" if text[13] == "0" else "0") + text[14:],  # one digit
        lambda text: f"pilot-team-1:{'0' * 8}:{secret._checksum('0' * 8)}\n",  # too short, however well signed
        lambda text: text + "more",
        lambda text: "日本語",
    ],
)
def test_whatever_is_not_ours_is_refused(tmp_path: Path, spoil):
    secret.make(tmp_path)
    file = tmp_path / secret.NAME
    file.write_text(spoil(file.read_text(encoding="ascii")), encoding="utf-8")
    with pytest.raises(UserError, match=r"not a secret that this app made.*Delete it"):
        secret.read(tmp_path)


def test_each_purpose_has_a_key_of_its_own(tmp_path: Path):
    secret.make(tmp_path)
    drawn = secret.read(tmp_path)
    keys = {secret.key(drawn, "forms"), secret.key(drawn, "streamlit"), drawn}
    assert len(keys) == 3
    assert secret.key(drawn, "forms") == secret.key(drawn, "forms")
