"""Open a text file that somebody already has, or say why it is none."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

_HEAD = 4096  # bytes that tell what kind of file it is
_LONGEST = 2**24  # bytes of a line; a packed file of 1 MB may hold one of 1 GB
_PIECE = 2**16  # bytes looked at in a search for a wrong one
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

    So the end of a packed file is known too, which has none to jump to. It refuses a
    line that nobody has the memory for.
    """

    def __init__(self, name: str, inner: io.BufferedIOBase) -> None:
        self._name, self._inner = name, inner
        self.last = b""
        self._line, self._length = 1, 0  # where it is, and how long that is so far

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        return self._seen(self._inner.read1(size))

    def read(self, size: int | None = -1) -> bytes:
        return self._seen(self._inner.read(size))

    def _seen(self, data: bytes) -> bytes:
        """Remember the end of what is given away, and how long the line is."""
        self.last = data[-1:] or self.last
        if ends := data.count(b"\n") or data.count(b"\r"):
            self._line, self._length = self._line + ends, 0
        else:
            self._length += len(data)
        if self._length > _LONGEST:
            raise ValueError(
                f"{self._name} must be text in lines, but line {self._line} has more "
                f"than {_LONGEST >> 20} MiB; is it another kind of file?"
            )
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
        codec = "utf-8-sig" if _codec(encoding) == "utf-8" else encoding
        self.lines = io.TextIOWrapper(cast(BinaryIO, bytes_), codec, newline="")

    @property
    def ends_open(self) -> bool:
        """Whether the last line, once it was read, had no end of line.

        In two-byte encodings the last byte of an end of line may be 0.
        """
        return self._bytes.last not in (b"", b"\n", b"\r", b"\0")


def check_path(path: Path) -> None:
    """Refuse a path at which no file is, or that nobody may look at."""
    try:
        is_there = path.exists()
    except PermissionError as error:
        raise no_right(path, error) from None
    if not is_there:
        raise FileNotFoundError(f"path must exist, got {str(path)!r}")
    if path.is_dir():
        raise IsADirectoryError(
            f"path must be a file, got the folder {str(path)!r}; "
            "scan_files lists the files of a folder"
        )


def no_right(path: Path, error: OSError) -> PermissionError:
    """Say that a file is not for this user."""
    return PermissionError(
        f"path must be readable, got {str(path)!r}: {error.strerror}; "
        "ask its owner, or look at its rights"
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
            yield Text(path.name, _Watched(path.name, data), encoding)
    except UnicodeDecodeError as error:
        raise ValueError(_bad_byte(path, encoding, error)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(
            f"{path.name} cannot be unpacked: {error}; fetch or pack it again"
        ) from None
    except PermissionError as error:
        raise no_right(path, error) from None


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
        codecs.getincrementaldecoder(encoding)
    except (LookupError, TypeError, UnicodeError):
        raise ValueError(
            "encoding must be one that Python knows, such as 'utf-8' or 'latin-1', "
            f"got {encoding!r}"
        ) from None


def _codec(encoding: str) -> str:
    """Return the one name of an encoding: that of ``"UTF8"`` is ``"utf-8"``."""
    return codecs.lookup(encoding).name


def _check_text(name: str, head: bytes, encoding: str) -> None:
    """Refuse a file whose first bytes say that it is no text."""
    for magic, kind, remedy in _KNOWN:
        if head.startswith(magic):
            raise ValueError(f"{name} must be text, but it is {kind}: {remedy}")
    if _codec(encoding).startswith(("utf-16", "utf-32")):
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
        if _codec(encoding).startswith("utf-8")
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
    decoder = codecs.getincrementaldecoder(encoding)()
    line, size, last = 1, _PIECE, ""
    with path.open("rb") as raw, _unpacked(path, raw) as data:
        while True:
            piece, state = data.read(size), decoder.getstate()
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError:
                if len(piece) <= 1:
                    return line
                # Byte by byte, as what comes before it in the piece has lines too.
                decoder.setstate(state)
                data.seek(-len(piece), io.SEEK_CUR)
                size = 1
                continue
            line += text.count("\n") + text.count("\r") - (last + text).count("\r\n")
            last = text[-1:]
            if not piece:
                return 0
