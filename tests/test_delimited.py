"""What is no CSV file is refused at once, and says what it is."""

import gzip
import io
import zipfile

import pytest

from core.delimited import check, grid, unique_names
from core.errors import UserError
from core.tables import guess


def refusal(data: bytes) -> str:
    with pytest.raises(UserError) as caught:
        guess(data)
    assert caught.value.remedy
    return str(caught.value)


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "1")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\n \r\n", "empty"),
        (b",,,\n,,,\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"time,load\n", "only a header"),
        (b"time,load\n2026-11-23 14:05,1.5\n", "only one row"),
        (b"1.5,2.5\n", "only one row"),
        (b"name,word\na,b\nc,d\n", "no column of measurements"),
        (b"time,load\n2026-11-23,\n2026-11-24,NaN\n", "no column of measurements"),
        (b"%PDF-1.7\n1 0 obj\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xff\xd8\xff\xe0", "picture"),
        (gzip.compress(b"a,b\n1,2\n"), "gz"),
        (zipped("data.csv"), "ZIP"),
        (zipped("xl/workbook.xml"), "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "not a text file"),
        (b"a,b\n1,2\n\x00,3\n", "not a text file"),
        (b"caf\xe9,b\n1,2\n3,4\n", "characters"),
        (b"caf\x80\xa0,b\n1,2\n3,4\n", "characters"),
        (b'a,b\n1,2\n"3,4\n5,6\n', "line 3"),
    ],
)
def test_a_hopeless_file_is_refused_with_a_reason(data: bytes, says: str):
    assert says in refusal(data)


def test_fifty_thousand_columns_are_refused_before_they_are_read():
    data = ("value," * 50_000 + "\n" + "1," * 50_000 + "\n").encode()
    assert "columns; the most is 1000" in refusal(data)
    with pytest.raises(UserError, match="50001 columns"):
        grid(data.decode(), ",", header=True)


def test_a_thousand_columns_are_read():
    names = [f"s{i}" for i in range(1000)]
    text = "\n".join([",".join(names), *(",".join(str(i + k / 8) for i in range(1000)) for k in range(3))])
    assert guess(text.encode()).channels == tuple(names)


def test_a_file_over_two_hundred_megabytes_is_refused_unread():
    with pytest.raises(UserError, match="201 MB"):
        check(b"1" * (200 * 1024**2 + 1))


def test_repeated_and_empty_headers_become_unique_names():
    assert unique_names(["a", "a", "a (2)", "", "a"]) == ("a", "a (3)", "a (2)", "column 4", "a (4)")
