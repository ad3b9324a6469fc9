"""A workbook's sheet is read like a CSV file, and what would fill the memory is refused at once."""

import io
import time
import zipfile
from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pytest

from core import workbooks
from core.errors import UserError
from core.tables import open_file, read
from core.workbooks import Workbook, is_workbook

NS = "http://schemas.openxmlformats.org"
TYPES = f"""<Types xmlns="{NS}/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/></Types>"""
RELATION = '<Relationship Id="{}" Type="' + NS + '/officeDocument/2006/relationships/{}" Target="{}"/>'
# Cell styles: 1 date and time, 2 date, 3 time of day, 4 hours beyond a day
STYLES = f"""<styleSheet xmlns="{NS}/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="165"
formatCode="[h]:mm:ss"/></numFmts><cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="14"/>
<xf numFmtId="21"/><xf numFmtId="165"/></cellXfs></styleSheet>"""


def relations(*each: tuple[str, str, str]) -> str:
    found = "".join(RELATION.format(*one) for one in each)
    return f'<Relationships xmlns="{NS}/package/2006/relationships">{found}</Relationships>'


def xlsx(sheets: Mapping[str, str], **more: str) -> bytes:
    """A workbook, by the rows of its sheets as XML; and other members of the archive."""
    book = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(sheets, 1))
    members = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations(("r1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{NS}/spreadsheetml/2006/main" '
        f'xmlns:r="{NS}/officeDocument/2006/relationships"><sheets>{book}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relations(
            ("styles", "styles", "styles.xml"),
            *((f"r{i}", "worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)),
        ),
        "xl/styles.xml": STYLES,
        **more,
    }
    for i, rows in enumerate(sheets.values(), 1):
        xml = f'<worksheet xmlns="{NS}/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
        members[f"xl/worksheets/sheet{i}.xml"] = xml
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return out.getvalue()


def row(at: int, *cells: object, style: int = 0) -> str:
    """The XML of a row: numbers as they are, texts in place."""
    written = []
    for letter, cell in zip("ABCDEFG", cells, strict=False):
        place = f'r="{letter}{at}"'
        if isinstance(cell, str):
            written.append(f'<c {place} t="inlineStr"><is><t>{cell}</t></is></c>')
        elif cell is not None:
            written.append(f'<c {place} s="{style}"><v>{cell}</v></c>')
    return f'<row r="{at}">{"".join(written)}</row>'


def text_of(rows: str) -> str:
    return "".join(Workbook(xlsx({"one": rows})).texts("one"))


TABLE = row(1, "load", "temp") + "".join(row(i, i + 0.5, i * 2) for i in range(2, 12))


def refusal(data: bytes) -> str:
    with pytest.raises(UserError) as caught:
        open_file(data)
    assert caught.value.remedy
    return str(caught.value)


# ---- cells


def test_numbers_are_written_as_excel_stores_them():
    cells = [0.1, 1e-300, 12345678901234.5, 3, -2.0, 1e20]
    assert text_of(row(1, *cells)) == "0.1,1e-300,12345678901234.5,3,-2,1e+20\n"


@pytest.mark.parametrize(
    ("style", "stored", "written"),
    [
        (1, 45000.5, "2023-03-15 12:00:00"),
        (1, 45000, "2023-03-15"),  # midnight
        (2, 45000, "2023-03-15"),
        (3, 0.75, "18:00:00"),
        (4, 1.75, "42:00:00"),
    ],
)
def test_times_are_written_as_texts_of_one_kind(style: int, stored: float, written: str):
    assert text_of(row(1, stored, style=style)) == written + "\n"


def test_elapsed_times_keep_their_fraction():
    assert workbooks._text(timedelta(days=1, seconds=61, milliseconds=5)) == "24:01:01.005"


def test_a_line_break_in_a_cell_is_no_row():
    assert text_of(row(1, "two &#10; lines&#13;&#10;x", "a  b")) == "two lines x,a  b\n"


def test_delimiters_and_quotation_marks_in_cells_stay_in_them():
    assert text_of(row(1, 'say "x"', "a,b")) == '"say ""x""","a,b"\n'
    _, table = open_file(xlsx({"one": row(1, "a;b", "c;d") + "".join(row(i, 1.5, "x;y") for i in range(2, 9))}))
    assert (table.names, table.preview[0]) == (("a;b", "c;d"), ("1.5", "x;y"))


def test_empty_rows_above_count_so_that_lines_are_excels_rows():
    rows = row(3, "load", "temp") + row(4, 1.5, 2) + row(6, 2.5, 3) + row(7, "x", 1) + row(9, 3.5, 4)
    reading, table = open_file(xlsx({"one": rows}))
    assert reading.dialect.delimiter == ","
    assert table.heading == (3,)
    assert [one.line for one in table.rejected] == [1, 2, 5, 8]
    assert {one.reason for one in table.rejected} == {"It is empty."}


def test_cells_need_not_say_where_they_are():
    assert text_of("<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>") == "1,2\n3,\n"


# ---- sheets


def test_a_cover_does_not_hide_the_table_on_the_sheet_below_it():
    book = xlsx({"cover": row(1, "Report of line 3"), "notes": "", "data": TABLE, "more": TABLE})
    reading, table = open_file(book)
    assert (reading.sheet, table.names, table.n_rows) == ("data", ("load", "temp"), 10)
    assert table.sheets == ("cover", "notes", "data", "more")
    assert read(book, reading).preview == table.preview


def test_a_chosen_sheet_is_read_or_refused_and_without_any_table_the_first_one_says_why():
    book = xlsx({"cover": row(1, "Report of line 3"), "data": TABLE, "word": row(1, "x") + row(2, "y") + row(3, "z")})
    with pytest.raises(UserError, match="only a header"):
        open_file(book, sheet="cover")
    assert "only a header" in refusal(xlsx({"cover": row(1, "Report"), "word": row(1, "x") + row(2, "y")}))


def test_the_first_sheet_with_anything_in_it_is_read_unless_another_is_chosen():
    data = xlsx({"empty": "", "one": TABLE, "two": TABLE.replace("load", "force")})
    reading, table = open_file(data)
    assert (reading.sheet, table.names, table.sheets) == ("one", ("load", "temp"), ("empty", "one", "two"))
    other = open_file(data, sheet="two")[0]
    assert read(data, other).names == ("force", "temp")
    assert read(data, other).series[0].values[:2].tolist() == [[2.5, 4], [3.5, 6]]


@pytest.mark.parametrize("sheet", ["empty", "nowhere"])
def test_a_sheet_without_anything_is_refused_by_name(sheet: str):
    with pytest.raises(UserError, match=f"“{sheet}”"):
        open_file(xlsx({"empty": "", "one": TABLE}), sheet=sheet)
    assert "no sheet with anything" in refusal(xlsx({"empty": ""}))


def test_times_and_labels_of_a_sheet_are_found():
    rows = row(1, "when", "load", "state")
    rows += "".join(
        f'<row r="{i}"><c r="A{i}" s="1"><v>{45000 + (i - 2) / 24}</v></c><c r="B{i}"><v>{i / 2}</v></c>'
        f'<c r="C{i}" t="inlineStr"><is><t>{"ok" if i % 2 else "NA"}</t></is></c></row>'
        for i in range(2, 12)
    )
    reading, table = open_file(xlsx({"one": rows}))
    assert (reading.time, reading.channels, reading.label) == ("when", ("load",), "state")
    assert (
        table.series[0].time.tolist()
        == (np.datetime64("2023-03-15", "ns") + np.arange(10) * np.timedelta64(1, "h")).tolist()
    )
    assert list(table.series[0].label)[:2] == ["NA", "ok"]


# ---- what cannot be read


def test_a_lone_cell_in_the_last_row_and_column_is_refused_at_once():
    for place in ('r="XFD1048576"', "r='XFD1048576'"):
        data = xlsx({"one": f'{TABLE}<row r="1048576"><c {place}><v>1</v></c></row>'})
        started = time.process_time()
        assert "too large" in refusal(data)
        assert time.process_time() - started < 1


def test_what_would_unpack_to_more_than_memory_holds_is_refused(monkeypatch: pytest.MonkeyPatch):
    bomb = xlsx({"one": TABLE}, **{"xl/sharedStrings.xml": " " * 10_000_000})
    assert len(bomb) < 20_000
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 10_000_000)
    assert "too large" in refusal(bomb)


def test_a_member_that_is_larger_than_it_says_is_refused():
    data = bytearray(xlsx({"one": TABLE}))
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"xl/worksheets/sheet1.xml"))
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")  # its size, as the table of contents has it
    assert "damaged" in refusal(bytes(data))


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
def test_half_a_file_is_refused(part: float):
    data = xlsx({"one": TABLE})
    assert "damaged" in refusal(data[: int(part * len(data))] + b"xl/")


def test_old_and_locked_workbooks_that_are_none_are_refused():
    assert "damaged" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert "damaged" in refusal(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(2000)
    )
    assert "damaged" in refusal(xlsx({"one": TABLE}, **{"xl/workbook.xml": "<workbook><sheets><sheet"}))


def test_other_archives_are_no_workbooks():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("data.csv", "a,b\n1,2\n")
    assert not is_workbook(out.getvalue())
    assert is_workbook(xlsx({"one": TABLE}))
    assert "ZIP" in refusal(out.getvalue())
