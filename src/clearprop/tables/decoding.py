"""From bytes to text: byte order marks, UTF-8, UTF-16, and the encoding of old spreadsheets, said aloud."""

from __future__ import annotations

import codecs

from clearprop.errors import DataError

#: mark -> encoding without it; the longer marks first
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SOME = "utf-8, utf-16, cp1252 and latin-1 are some"
SAMPLE = 4096  #: bytes that are looked at for UTF-16 without a mark
_PRINTABLE_CONTROLS = {9, 10, 11, 12, 13, 26, 27}  #: of text files; 26 ended those of DOS, 27 sets colours


def decoded(data: bytes, source: str, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    r"""Text of bytes, and what to say about how it was found.

    UTF-8 needs no word. UTF-16 and UTF-32 are known by their marks or their zero bytes; what is no valid
    UTF-8 is read as Windows-1252, which holds Latin-1, unless it looks like no text at all.

    Parameters
    ----------
    encoding : str, optional
        Taken instead of looking.

    Raises
    ------
    DataError
        When the bytes are no text, or not of the given encoding.

    Examples
    --------
    >>> decoded(b"\xef\xbb\xbfa,b", "t.csv"), decoded("a".encode("utf-16"), "t.csv")
    (('a,b', ()), ('a', ('it is UTF-16 text',)))
    >>> text, notices = decoded("é,b".encode("latin-1"), "t.csv")
    >>> print(text, notices[0])  # doctest: +ELLIPSIS
    é,b it is not UTF-8 text (line 1) and was read as Windows-1252 (Latin-1), so its first foreign letter...
    """
    if encoding is not None:
        return _as_asked(data, source, encoding), ()
    for mark, found in _MARKS:
        if data.startswith(mark):
            said = () if found == "utf-8" else (f"it is {found[:6].upper()} text",)
            return _plain(_strict(data[len(mark) :], source, found), source), said
    unmarked = _without_mark(data)
    if unmarked is not None:
        said = (f"it is {unmarked[:6].upper()} text without a byte order mark",)
        return _plain(_strict(data, source, unmarked), source), said
    try:
        return _plain(data.decode("utf-8"), source), ()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    text = _plain(_western(data), source)
    shown = _western(data[error_start(data) : error_start(data) + 1])
    return text, (
        f"it is not UTF-8 text (line {line}) and was read as Windows-1252 (Latin-1), so its first foreign "
        f"letter is {shown!r}; say another encoding if that is wrong",
    )


def error_start(data: bytes) -> int:
    """Place of the first byte that is no UTF-8; the length where all are."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


def _western(data: bytes) -> str:
    """Windows-1252, its five undefined bytes as in Latin-1."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _as_asked(data: bytes, source: str, encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise DataError(f"there is no encoding {encoding!r}; {_SOME}") from None
    try:
        text = data.decode(name)
    except LookupError:  # one of bytes to bytes, such as hex
        raise DataError(f"{encoding!r} is no encoding of text; {_SOME}") from None
    except UnicodeError as error:
        raise DataError(f"{source} is not text of the encoding {encoding!r} ({error}); try another") from None
    return _plain(text.removeprefix("\ufeff"), source)


def _without_mark(data: bytes) -> str | None:
    """UTF-16 by its zero bytes, which stand at every other place of western text; else None."""
    sample = data[:SAMPLE]
    pairs = len(sample) // 2
    if pairs < 2 or len(data) % 2:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > pairs / 2 and not even:
        return "utf-16-le"
    return "utf-16-be" if even > pairs / 2 and not odd else None


def _strict(data: bytes, source: str, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        what = "cut in the middle of a character" if "truncated" in error.reason else "damaged"
        raise DataError(
            f"{source} begins like {encoding[:6].upper()} text and is {what} (byte {error.start}); save "
            "the file as UTF-8"
        ) from None


def _plain(text: str, source: str) -> str:
    """The text; DataError where a control character shows that it is none."""
    for code in range(32):
        place = -1 if code in _PRINTABLE_CONTROLS else text.find(chr(code))
        if place >= 0:
            line = text.count("\n", 0, place) + 1
            what = "a zero byte" if code == 0 else f"the control character 0x{code:02x}"
            raise DataError(
                f"{source}, line {line}: {what} stands there, which no table of text has; the file is "
                "damaged or of another kind: save it as UTF-8 CSV"
            )
    return text
