"""Bytes become text exactly, or not at all."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import encodings
from core.encodings import ENCODINGS, blocks, check, encoding_of
from core.errors import UserError

ROWS = "".join(f"2026/11/23 14:{i:02},{i}.5,{i % 7}\n" for i in range(60))


def text_of(data: bytes, encoding: str) -> str:
    return "".join(blocks(data, encoding))


@pytest.fixture
def tiny_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "BLOCK", 3)


# ---- which encoding


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("time,load,temp", "utf-8"),
        ("時刻,荷重,温度", "utf-8"),
        ("時刻,荷重,温度", "utf-8-sig"),
        ("時刻,荷重,温度", "utf-16"),
        ("時刻,荷重,温度", "utf-16-le"),
        ("時刻,荷重,温度", "utf-16-be"),
        ("時刻,荷重,温度", "cp932"),
        ("時刻,①荷重,温度[℃]", "cp932"),
        ("髙さ,﨑", "cp932"),
        ("ｼﾞｺｸ,ｵﾝﾄﾞ,ｱﾂﾘｮｸ", "cp932"),
        ("ﾌﾟﾚｽ,ﾓｰﾀｰ,ﾎﾟﾝﾌﾟ", "cp932"),
        ("時刻,荷重,温度", "euc_jp"),
        ("時刻,ポンプの圧力,モーター温度", "euc_jp"),
        ("時刻,荷重,温度", "iso2022_jp"),
        ("時刻,荷重,ｵﾝﾄﾞ", "iso2022_jp_ext"),
        ("time,load,Temp [°C]", "cp1252"),
        ("temps,Débit,Température", "cp1252"),
        ("Zeit,Prüfstück,Größe [µm]", "cp1252"),
        ("čas,Příkon,Teplota ložiska", "cp1250"),
        ("czas,Prędkość,Ciśnienie", "cp1250"),
        ("время,Давление,Температура", "cp1251"),
        ("时间,进口压力,电机温度,设备状态,报警信息", "gb18030"),
        ("時間,壓力,溫度", "big5"),
    ],
)
def test_the_encoding_of_a_table_is_recognised(header: str, encoding: str):
    data = f"{header}\n{ROWS}".encode(encoding)
    assert encoding_of(data) == encoding
    assert text_of(data, encoding) == f"{header}\n{ROWS}"


def test_two_lines_of_japanese_windows_are_enough():
    assert encoding_of("温度,異常\n1.5,0\n".encode("cp932")) == "cp932"
    assert encoding_of("温度,異常\n1.5,0\n".encode("euc_jp")) == "euc_jp"
    assert encoding_of("t,°C\n1.5,0\n".encode("cp1252")) == "cp1252"


@pytest.mark.parametrize("size", [encodings.ENOUGH - 1, encodings.ENOUGH, encodings.ENOUGH + 1])
def test_a_character_is_not_cut_where_the_guess_ends(size: int):
    line = "电机温度,进口压力\n".encode("gb18030")
    data = b"x" * (size % len(line)) + b"\n" + line * (2 * size // len(line))
    assert encoding_of(data) == "gb18030"


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from("a1,\r\n 温度表ソ℃①ｱ゛é°ßжč电機온"), max_size=40), name=st.sampled_from(ENCODINGS))
def test_whatever_can_be_encoded_is_decoded_to_the_same(text: str, name: str):
    try:
        data = text.encode(name)
    except UnicodeEncodeError:
        return
    if data.decode(name) == text:  # some encodings of several bytes do not tell all characters apart
        assert text_of(data, name) == text.removeprefix("\ufeff")


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_have_an_encoding_that_reads_them_or_are_refused(data: bytes):
    try:
        name = encoding_of(data)
    except UserError:
        return
    assert name in ENCODINGS
    assert text_of(data, name) == data.decode(name).removeprefix("\ufeff")  # nothing was replaced


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    for name in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        assert text_of("\ufeffa,b\n".encode(name), name) == "a,b\n"


def test_an_encoding_that_does_not_fit_is_refused_by_name():
    with pytest.raises(UserError, match="cannot be read as utf-8"):
        text_of("温度\n".encode("cp932"), "utf-8")
    with pytest.raises(UserError, match="cannot be read as cp932"):
        text_of("温度".encode("cp932")[:-1], "cp932")  # half a character at the end


# ---- block by block


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932", "euc_jp", "iso2022_jp"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks_are_whole_lines_whatever_they_cut(encoding: str, end: str):
    lines = [f"温度{end}", f"1,2{end}", end, f"表{end}", "最後"]
    pieces = list(blocks("".join(lines).encode(encoding), encoding))
    assert "".join(pieces) == "".join(lines)
    assert all(piece.endswith(end) for piece in pieces[:-1])
    assert len(pieces) > 2
    assert not any(piece.startswith("\n") for piece in pieces if end == "\r\n")


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encodings, "BLOCK", 10)
    monkeypatch.setattr(encodings, "LONGEST_LINE", 100)
    assert text_of(b"1" * 99 + b"\n2\n", "utf-8") == "1" * 99 + "\n2\n"
    with pytest.raises(UserError, match="a line of more than 100 characters"):
        text_of(b"1" * 200, "utf-8")


# ---- what is no text


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "1")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7\n1 0 obj\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xff\xd8\xff\xe0", "picture"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "gz"),
        (zipped("data.csv"), "ZIP"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"SQLite format 3\0", "database"),
    ],
)
def test_what_is_no_text_is_refused_by_its_kind(data: bytes, says: str):
    with pytest.raises(UserError, match=says) as caught:
        check(data)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a,b\n1,2\n\x00,3\n", "not a text file"),
        ("a,b\n1,2\n".encode("utf-32"), "characters"),
        (b"a,\xff\x98,\x81\n", "characters"),
    ],
)
def test_bytes_that_no_text_has_are_refused(data: bytes, says: str):
    with pytest.raises(UserError, match=says):
        encoding_of(data)


@pytest.mark.parametrize("name", ["utf-8", "cp932", "cp1252"])
def test_a_zero_byte_is_refused_also_where_a_person_names_the_encoding(name: str):
    with pytest.raises(UserError, match="not a text file"):
        text_of(b"a,b\n1,\0\n", name)


def test_a_file_over_two_hundred_megabytes_is_refused_unread():
    with pytest.raises(UserError, match="201 MB"):
        check(b"1" * (200 * 1024**2 + 1))
