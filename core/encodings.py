"""Bytes → text, block by block, or a refusal that says what to do. Nothing is replaced."""

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from charset_normalizer import from_bytes

from core.errors import N_, UserError

_LATIN = ("cp1252", "iso8859-15", "cp1250")
_NATIONAL = (*_LATIN, "cp1251", "gb18030", "big5", "cp949")
# What a person can choose from: Python's names.
ENCODINGS = (
    *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932", "euc_jp", "iso2022_jp", "iso2022_jp_ext"),
    *_NATIONAL,
)
_BEYOND_ASCII = ("utf-8", "cp932", "euc_jp", *_NATIONAL)  # ASCII bytes are ASCII, but for second halves
MOST_BYTES = int(os.environ.get("PILOT_MOST_MB") or 200) * 1024 * 1024
BLOCK = 4 * 1024 * 1024  # bytes decoded at a time
ENOUGH = 64 * 1024  # bytes that an encoding is guessed from
LONGEST_LINE = 4 * 1024 * 1024  # characters; a thousand columns of anything sensible

_SAVE_AS_UTF8 = N_("Open it in the program that made it and save it as “CSV UTF-8”, then upload that file.")
_UNPACK = N_("Unpack it, then upload the CSV file that is inside.")
_FROM_SOURCE = N_("Export the measurements as CSV from the program that recorded them, then upload that file.")
_MAGIC = (
    (b"%PDF", N_("This is a PDF document, not a CSV file."), _FROM_SOURCE),
    (b"\x89PNG", N_("This is a picture, not a CSV file."), _FROM_SOURCE),
    (b"\xff\xd8\xff", N_("This is a picture, not a CSV file."), _FROM_SOURCE),
    (b"GIF8", N_("This is a picture, not a CSV file."), _FROM_SOURCE),
    (b"PK\x03\x04", N_("This is a ZIP file, not a CSV file."), _UNPACK),
    (b"PK\x05\x06", N_("This is a ZIP file, not a CSV file."), _UNPACK),
    (b"\x1f\x8b", N_("This is a compressed (gz) file, not a CSV file."), _UNPACK),
    (b"BZh", N_("This is a compressed (bz2) file, not a CSV file."), _UNPACK),
    (b"7z\xbc\xaf", N_("This is a compressed (7z) file, not a CSV file."), _UNPACK),
    (b"\xfd7zXZ", N_("This is a compressed (xz) file, not a CSV file."), _UNPACK),
    (b"\x28\xb5\x2f\xfd", N_("This is a compressed (zst) file, not a CSV file."), _UNPACK),
    (b"Rar!", N_("This is a compressed (rar) file, not a CSV file."), _UNPACK),
    (b"PAR1", N_("This is a Parquet file, not a CSV file."), _FROM_SOURCE),
    (b"\x89HDF", N_("This is an HDF5 or MATLAB file, not a CSV file."), _FROM_SOURCE),
    (b"MATLAB 5.0", N_("This is an HDF5 or MATLAB file, not a CSV file."), _FROM_SOURCE),
    (b"SQLite format 3", N_("This is a database, not a CSV file."), _FROM_SOURCE),
)
_BOMS = (
    (b"\xff\xfe\x00\x00", ""),
    (b"\x00\x00\xfe\xff", ""),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# What Python lets through although no text has it: another encoding, then.
_NOT_CP932 = re.compile("[\x80-\xa0\uf8f0-\uf8f3]")
_NO_TEXT = re.compile("[\x80-\x9f]")
_HALF_WIDTH = re.compile("[｡-ﾟ]+")
_KATAKANA = re.compile("(?=..)(?:(?:[ｦｱ-ﾝ]|[ｳｶ-ﾄﾊ-ﾎ]ﾞ|[ﾊ-ﾎ]ﾟ)[ｧ-ｰ･]*)+")  # voiced where it can be, small ones behind


def check(data: bytes) -> None:
    """Refuse what cannot be a table in text, before any work is spent on it."""
    check_size(len(data))
    for magic, problem, remedy in _MAGIC:
        if data.startswith(magic):
            raise UserError(problem, remedy)


def check_size(n_bytes: int) -> None:
    if n_bytes > MOST_BYTES:
        raise UserError(
            N_("The file has {size} MB; the most is {most} MB."),
            N_("Split it into shorter periods, or leave out columns you do not need."),
            size=-(-n_bytes // 1024**2),
            most=MOST_BYTES // 1024**2,
        )


def encoding_of(data: bytes) -> str:
    """How the characters are written: a byte order mark, else strict UTF-8, else what the text looks like."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            if not name:
                raise _unreadable()
            return name
    if b"\0" in data:
        return _utf16_of(data)
    if b"\x1b" in data and (found := _first_that_decodes(data, ("iso2022_jp", "iso2022_jp_ext"))):
        return found
    if data.isascii():
        return "utf-8"
    if found := _first_that_decodes(data, chain(["utf-8"], _likely(data))):
        return found
    raise _unreadable()


def _likely(data: bytes) -> Iterator[str]:
    """Encodings, the likeliest first.

    Bytes mean something in many encodings. "°C" in cp1252 and kanji in EUC-JP turn into half-width katakana in cp932
    (Japanese Windows), "é" and its like into rare kanji; Chinese turns into rare kanji in EUC-JP.
    """
    head = data[: data.rfind(b"\n", 0, ENOUGH) + 1 or ENOUGH]
    cp932, euc = _text(head, "cp932"), _text(head, "euc_jp")
    half_width = _HALF_WIDTH.findall(cp932)
    if cp932 and _share_from(0x99, cp932, "cp932") < 0.8:
        yield "cp932"
    if euc and _share_from(0xD0, euc, "euc_jp") < 0.1:
        yield "euc_jp"
    if half_width and all(map(_KATAKANA.fullmatch, half_width)):
        yield "cp932"
    alone = all(len(run) == 1 for run in re.findall(rb"[\x80-\xff]+", head))  # accents among letters
    best = from_bytes(head, cp_isolation=list(_LATIN if alone else _NATIONAL), enable_fallback=False).best()
    if best and str(best) != _text(head, "cp1252"):
        yield codecs.lookup(best.encoding).name
    yield from ("cp1252", "iso8859-15", "cp932")


def _share_from(first_byte: int, text: str, encoding: str) -> float:
    """Of the characters beyond ASCII, those whose bytes begin at one or after it: the rarer ones."""
    beyond = [c for c in text if c > "\x7f"]
    return sum(c.encode(encoding)[0] >= first_byte for c in beyond) / max(1, len(beyond))


def _text(data: bytes, encoding: str) -> str:
    """Nothing where the bytes are not written so."""
    return data.decode(encoding) if _decodes(data, encoding) else ""


def _first_that_decodes(data: bytes, encodings: Iterable[str]) -> str:
    return next((name for name in encodings if _decodes(data, name)), "")


def _utf16_of(data: bytes) -> str:
    """UTF-16 without its mark: every other byte of digits and separators is 0. Other zeros mean that it is no text."""
    head = data[: 64 * 1024]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) > 0.3 * len(zeros) and _decodes(data, name):
            return name
    raise UserError(N_("This is not a text file: it has bytes that no text has."), _SAVE_AS_UTF8)


def _decodes(data: bytes, encoding: str) -> bool:
    """Whether bytes can be text in an encoding."""
    strange = _NOT_CP932 if encoding == "cp932" else _NO_TEXT
    try:
        for text in _decoded(data, encoding):
            if "\0" in text or (encoding != "utf-8" and not text.isascii() and strange.search(text)):
                return False
    except UnicodeError:
        return False
    return True


def _decoded(data: bytes, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for at in range(0, len(data), BLOCK):
        piece = data[at : at + BLOCK]
        if encoding in _BEYOND_ASCII and piece.isascii() and not decoder.getstate()[0]:
            yield piece.decode("ascii")  # most of a large file, and much quicker
        else:
            yield decoder.decode(piece, final=at + BLOCK >= len(data))


def blocks(data: bytes, encoding: str) -> Iterator[str]:
    """The text in pieces of whole lines, so that the text of a large file is never all in memory.

    Raises:
        UserError: the bytes are not written so, or a line has no end.
    """
    pending = ""
    try:
        for i, text in enumerate(_decoded(data, encoding)):
            if "\0" in text:
                raise UserError(N_("This is not a text file: it has bytes that no text has."), _SAVE_AS_UTF8)
            pending += text if i else text.removeprefix("\ufeff")  # a mark that this encoding does not take for one
            cut = _end_of_last_line(pending)
            if cut:
                yield pending[:cut]
                pending = pending[cut:]
            if len(pending) > LONGEST_LINE:
                raise UserError(
                    N_("The file has a line of more than {most:,} characters."),
                    N_("Check that it is a table with one row for each point in time."),
                    most=LONGEST_LINE,
                )
    except UnicodeError:
        raise UserError(
            N_("The characters in this file cannot be read as {encoding}."),
            N_("Choose another character encoding, or save the file as “CSV UTF-8”."),
            encoding=encoding,
        ) from None
    if pending:
        yield pending


def _end_of_last_line(text: str) -> int:
    """Where the line after the last line break begins; a carriage return at the very end may have its other half."""
    at = text.rfind("\n") + 1
    return at or text.rfind("\r", 0, len(text) - 1) + 1


def _unreadable() -> UserError:
    return UserError(N_("The characters in this file cannot be read."), _SAVE_AS_UTF8)
