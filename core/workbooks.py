"""Excel workbooks → the text of one sheet, as a CSV file would have it."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import islice

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from core.errors import N_, UserError
from core.grids import MOST_CELLS

OLD, NEW = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
MOST_UNPACKED = 600 * 1024 * 1024  # bytes of XML
ROWS = 5000  # turned into text at a time
WRITTEN = {"delimiter": ",", "quote": '"', "comment": ""}  # how the text of a sheet is
_PLACE = re.compile(rb"""\br=["']([A-Z]{0,3})([0-9]{1,7})["']""")  # of a cell or a row


def is_workbook(data: bytes) -> bool:
    return data.startswith(OLD) or (data.startswith(NEW) and b"xl/" in data)


class Workbook:
    """An opened file."""

    def __init__(self, data: bytes) -> None:
        if data.startswith(NEW):
            _check_size(data)
        with _refusing():
            self._book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        self._sheets: dict[str, CalamineSheet] = {}  # that were looked into

    @property
    def sheets(self) -> tuple[str, ...]:
        """Names of the sheets that can hold cells: a chart has a sheet of its own, without any."""
        return tuple(one.name for one in self._book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet)

    def first(self) -> str:
        """The first sheet with anything in it."""
        found = next(filter(self._holds_cells, self.sheets), None)
        if found is None:
            raise UserError(N_("The workbook has no sheet with anything in it."), N_("Choose another file."))
        return found

    def texts(self, sheet: str) -> Iterator[str]:
        """A sheet as comma-separated text, numbers exactly as Excel stores them, times as 2026-11-23 14:05:06."""
        if not self._holds_cells(sheet):
            raise UserError(
                N_("The workbook has no sheet “{sheet}” with anything in it."),
                N_("Choose another sheet."),
                sheet=sheet,
            )
        rows = self._sheets[sheet].iter_rows()
        while piece := list(islice(rows, ROWS)):
            out = io.StringIO(newline="")
            csv.writer(out, lineterminator="\n").writerows([_text(cell) for cell in row] for row in piece)
            yield out.getvalue()

    def _holds_cells(self, sheet: str) -> bool:
        if sheet in self.sheets and sheet not in self._sheets:
            with _refusing():
                self._sheets[sheet] = self._book.get_sheet_by_name(sheet)
        return sheet in self._sheets and self._sheets[sheet].height > 0


@contextmanager
def _refusing() -> Iterator[None]:
    """What the library that opens workbooks says about a file, as a sentence."""
    try:
        yield
    except PasswordError:
        raise UserError(
            N_("This Excel file is protected by a password."), N_("Save it without a password, then upload it again.")
        ) from None
    except (CalamineError, OSError):
        raise _damaged() from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # its way to give up on some damaged files
            raise
        raise _damaged() from None


def _damaged() -> UserError:
    return UserError(
        N_("This Excel file cannot be opened; it may be damaged."),
        N_("Open it in Excel and save it as “CSV UTF-8 (comma delimited)”, then upload that file."),
    )


def _check_size(data: bytes) -> None:
    """Refuse what would unpack to more than this computer has: a lone cell in the last row makes a million rows."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if unpacked > MOST_UNPACKED or sum(_cells(archive, m) for m in members if _is_sheet(m)) > MOST_CELLS:
                raise UserError(
                    N_("This Excel file is too large to be read."),
                    N_("Keep only the sheet and the columns you need, or save the sheet as CSV."),
                )
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise _damaged() from None


def _is_sheet(member: zipfile.ZipInfo) -> bool:
    return member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml")


def _cells(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Rows × columns of the rectangle that holds all cells of a sheet."""
    columns, row, rest = {b"A"}, 1, b""  # cells need not say where they are: they are side by side, then
    with archive.open(member) as file:
        while piece := file.read(1024 * 1024):
            text = rest + piece
            places = _PLACE.findall(text)
            columns.update(letters for letters, _ in places)
            row = max([row, *(int(digits) for _, digits in places)])
            rest = text[-16:]
    return row * max(map(_column_number, columns))


def _column_number(letters: bytes) -> int:
    n = 0
    for letter in letters:
        n = 26 * n + letter - 64
    return n


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, timedelta):  # longer than a day, or it would be a time of day
        minutes, seconds = divmod(round(cell.total_seconds(), 3), 60)
        return f"{int(minutes // 60)}:{int(minutes % 60):02}:{seconds:06.3f}".removesuffix(".000")
    if isinstance(cell, date | time):
        return cell.isoformat()
    text = str(cell)
    broken = "\n" in text or "\r" in text  # quick to see, where a text is long
    return re.sub(r"\s*[\r\n]\s*", " ", text) if broken else text  # a line break in a cell is no row
