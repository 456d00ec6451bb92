"""Open a text file that somebody already has, or say why it is none."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

_HEAD = 4096  # bytes that tell what kind of file it is
_GZIP = b"\x1f\x8b"
# What people try to read although it is no text, and what to do about it.
_KNOWN = (
    (b"PAR1", "a Parquet file", 'pass format="parquet"'),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet", "export it as CSV"),
    (b"SQLite format 3\x00", "a SQLite database", "export the table as CSV"),
    (b"BZh", "packed with bzip2", "unpack it first"),
    (b"\xfd7zXZ\x00", "packed with xz", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it first"),
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PRINTED = frozenset(b"\t\n\r\f\x1b")  # control signs that a text may have


class _Watched(io.BufferedIOBase):
    """A stream of bytes that knows the last one it gave away.

    So the end of a packed file is known too, which has none to jump to.
    """

    def __init__(self, inner: io.BufferedIOBase) -> None:
        self._inner = inner
        self.last = b""

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        data = self._inner.read1(size)
        self.last = data[-1:] or self.last
        return data

    def read(self, size: int | None = -1) -> bytes:
        data = self._inner.read(size)
        self.last = data[-1:] or self.last
        return data


class Text:
    """The lines of an open file.

    Attributes
    ----------
    name : str
        Of the file, for messages.
    lines : TextIO
        What a reader takes.
    """

    def __init__(self, name: str, bytes_: _Watched, encoding: str) -> None:
        self.name = name
        self._bytes = bytes_
        codec = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
        self.lines = io.TextIOWrapper(cast(BinaryIO, bytes_), codec, newline="")

    @property
    def ends_open(self) -> bool:
        """Whether the last line, once it was read, had no end of line.

        In two-byte encodings the last byte of an end of line may be 0.
        """
        return self._bytes.last not in (b"", b"\n", b"\r", b"\0")


def check_path(path: Path) -> None:
    """Refuse a path at which no file is."""
    if not path.exists():
        raise FileNotFoundError(f"path must exist, got {str(path)!r}")
    if path.is_dir():
        raise IsADirectoryError(
            f"path must be a file, got the folder {str(path)!r}; "
            "scan_files lists the files of a folder"
        )


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[Text]:
    """Open a text file, packed with gzip or not, and explain what goes wrong."""
    check_path(path)
    _check_encoding(encoding)
    try:
        with path.open("rb") as raw, _unpacked(path, raw) as data:
            # `data` is a BufferedReader or a GzipFile: both can peek.
            head = data.peek(_HEAD)[:_HEAD]  # type: ignore[attr-defined]
            _check_text(path.name, head, encoding)
            yield Text(path.name, _Watched(data), encoding)
    except UnicodeDecodeError as error:
        raise ValueError(_bad_byte(path, encoding, error)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(
            f"{path.name} cannot be unpacked: {error}; fetch or pack it again"
        ) from None
    except PermissionError as error:
        raise PermissionError(
            f"path must be readable, got {str(path)!r}: {error.strerror}; "
            "ask its owner, or look at its rights"
        ) from None


def is_packed(path: Path) -> bool:
    """Tell whether a file is packed by gzip, by its name."""
    return path.suffix.lower() == ".gz"


@contextmanager
def _unpacked(path: Path, raw: io.BufferedReader) -> Iterator[io.BufferedIOBase]:
    """Unpack a file whose name or whose first bytes say that it is packed."""
    if is_packed(path) or raw.peek(2)[:2] == _GZIP:
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield unpacked
    else:
        yield raw


def _check_encoding(encoding: str) -> None:
    """Refuse an encoding that Python does not know."""
    try:
        "".encode(encoding)
    except (LookupError, TypeError):
        raise ValueError(
            "encoding must be one that Python knows, such as 'utf-8' or 'latin-1', "
            f"got {encoding!r}"
        ) from None


def _check_text(name: str, head: bytes, encoding: str) -> None:
    """Refuse a file whose first bytes say that it is no text."""
    for magic, kind, remedy in _KNOWN:
        if head.startswith(magic):
            raise ValueError(f"{name} must be text, but it is {kind}: {remedy}")
    if encoding.lower().startswith(("utf-16", "utf-32")):
        return
    if head.startswith(_UTF_16):
        raise ValueError(
            f"{name} must be text in {encoding.upper()}, but it begins as UTF-16 does; "
            'pass encoding="utf-16"'
        )
    strange = sum(byte < 32 and byte not in _PRINTED for byte in head)
    if strange > len(head) / 10:
        raise ValueError(
            f"{name} must be text, but {strange} of its first {len(head)} bytes are "
            "no signs of a text: it is a binary file; export it as CSV"
        )


def _bad_byte(path: Path, encoding: str, error: UnicodeDecodeError) -> str:
    """Say in which line the byte is that is not in the encoding."""
    byte = error.object[error.start]
    where = f"line {line} has" if (line := _bad_line(path, encoding)) else "it has"
    remedy = (
        'pass encoding="latin-1" if it is from western Europe, or save it as UTF-8'
        if encoding.lower().startswith("utf")
        else "pass another encoding"
    )
    return (
        f"{path.name} must be text in {encoding.upper()}, but {where} the byte "
        f"0x{byte:02x}; {remedy}"
    )


def _bad_line(path: Path, encoding: str) -> int:
    """Return the first line that cannot be decoded; 0 if nobody can tell."""
    if not path.is_file():  # a pipe is read once only
        return 0
    with path.open("rb") as raw, _unpacked(path, raw) as data:
        for number, line in enumerate(data, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return 0
