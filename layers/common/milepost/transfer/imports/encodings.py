"""Detects from a file's first bytes whether it can be read, and the remedy if not."""

from typing import Literal

from milepost.base.problems import Problem

Encoding = Literal["utf-8", "windows-1252", "iso-8859-1", "iso-8859-15"]
"""Encodings in which a comma, a quote and a line break are the same bytes as in ASCII."""

BOM = b"\xef\xbb\xbf"

HEAD = 64 * 1024
"""Bytes at the start of a file that are checked first."""

_SAVE = 'save it as "CSV UTF-8" (Excel) or "Unicode (UTF-8)" (LibreOffice) and upload it again'
_MAGIC = {
    b"PK\x03\x04": "is a spreadsheet or a ZIP archive, and no CSV file",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook, and no CSV file",
    b"\x1f\x8b": "is compressed (gzip)",
    b"%PDF": "is a PDF",
}


def detect_encoding(head: bytes, whole: bool, encoding: Encoding) -> list[Problem]:
    """Why a file cannot be read; `whole` if the head is the whole file."""
    if not head.removeprefix(BOM).strip():
        return [Problem("file", "is empty", "upload the file again, with a header and rows")]
    for magic, reason in _MAGIC.items():
        if head.startswith(magic):
            remedy = "unpack it first" if "gzip" in reason else _SAVE
            return [Problem("file", reason, remedy)]
    if wide := _wide(head):
        return [Problem("file", f"is encoded in {wide}, which cannot be read", _SAVE)]
    if b"\n" not in head and head.count(b"\r") > 1:
        return [Problem("file", "ends its lines as old Macs did (CR alone)", _SAVE)]
    return [] if encoding != "utf-8" else _narrow(head, whole)


def _wide(head: bytes) -> str:
    """UTF-32 or UTF-16, detected by the byte order mark or by zeros in every other byte."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    some = head[:1024]
    if max(some[::2].count(0), some[1::2].count(0)) * 4 > len(some):
        return "UTF-16 (without a mark)"
    return ""


def _narrow(head: bytes, whole: bool) -> list[Problem]:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if not whole and error.reason == "unexpected end of data":
            return []  # the head ends inside a character
        line = head.count(b"\n", 0, error.start) + 1
        guess = name_of(head)
        reason = f"is not UTF-8 (byte 0x{head[error.start]:02X} in line {line}): looks like {guess}"
        named = "windows-1252" if guess.startswith("W") else "iso-8859-1"
        return [Problem("file", reason, f'{_SAVE}, or write "encoding": "{named}" if that is it')]
    return []


def name_of(text: bytes) -> str:
    """The likely encoding of non-UTF-8 text: Latin-1 has no letters from 0x80 to 0x9F."""
    windows = any(0x80 <= byte <= 0x9F for byte in text)
    return "Windows-1252" if windows else "Latin-1 (ISO 8859-1)"
