"""Read how large files are from a list that somebody already has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from mds_sim import _validate
from mds_sim._reading import Chunk, Column, SizesReport, open_column
from mds_sim._reading.report import Count
from mds_sim._reading.stamps import MISSING_WORDS
from mds_sim._tables import html_columns
from mds_sim.units import counted, format_bytes

Ints = NDArray[np.int64]

_THOUSANDS = ("B", "KB", "MB", "GB", "TB")
_UNITS = {unit: 1000**power for power, unit in enumerate(_THOUSANDS)}
_UNITS |= {
    unit.replace("B", "iB"): 1024**power
    for power, unit in enumerate(_THOUSANDS)
    if power
}
_SIZE = re.compile(r"(\d+\.?\d*|\.\d+)(?:e\+?(\d+))?\s*([a-z]*)", re.ASCII | re.I)
_BY_NAME = {unit.lower(): bytes_ for unit, bytes_ in _UNITS.items()}
_BY_NAME |= {"byte": 1, "bytes": 1}
_MOST = np.iinfo(np.int64).max
_DIGITS = 400  # of a number; Python refuses to read thousands of them


@dataclass(frozen=True, eq=False)
class SizeList:
    """Sizes that were read from a list; wherever sizes are taken, it will do.

    Parameters
    ----------
    sizes : array_like of int, shape (n_files,)
        Sizes [bytes], each >= 0, in the order of the list.
    report : SizesReport, optional
        How they were read: rows, what was left out and why.

    Examples
    --------
    >>> SizeList([2_000_000, 500_000])
    SizeList(2 files, 2.5 MB)
    >>> np.sum(SizeList([3, 4]))
    np.int64(7)
    """

    sizes: ArrayLike
    report: SizesReport | None = None

    def __post_init__(self) -> None:
        sizes = _validate.sealed(_validate.sizes("sizes", self.sizes))
        object.__setattr__(self, "sizes", sizes)

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        return np.array(self.sizes, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return int(np.size(self.sizes))

    def __iter__(self) -> Iterator[int]:
        return iter(np.asarray(self.sizes).tolist())

    def __repr__(self) -> str:
        total = format_bytes(float(np.sum(np.asarray(self.sizes, np.float64))))
        return f"SizeList({counted(len(self), 'file', spec='')}, {total})"

    def _repr_html_(self) -> str:
        total = format_bytes(float(np.sum(np.asarray(self.sizes, np.float64))))
        title = f"{counted(len(self), 'file')}, {total}"
        page = html_columns(title, {"size [bytes]": np.asarray(self.sizes)})
        return page + (self.report._repr_html_() if self.report else "")


def read_sizes(
    path: str | PathLike[str],
    column: str | None = None,
    *,
    format: str | None = None,
    unit: str = "B",
    encoding: str = "utf-8",
    invalid: str = "raise",
) -> SizeList:
    r"""Read file sizes from a list: CSV, JSON lines, Parquet, or one size a line.

    Parameters
    ----------
    path : path-like
        Text, packed with gzip or not, or a Parquet file.
    column : str, optional
        Name of the column; without it the file has one column, whose name the first
        line may be unless it begins as a number does.
    format : {"csv", "jsonl", "parquet"}, optional
        Found out by the name and the first line.
    unit : str, optional
        What numbers without a unit count: ``"B"``, ``"KB"``, ``"MB"``, ``"GB"``,
        ``"TB"`` (powers of 1000) or ``"KiB"``, ``"MiB"``, ``"GiB"``, ``"TiB"`` (of
        1024).
    encoding : str, optional
        Of the text.
    invalid : {"raise", "skip"}, optional
        What to do with a size that cannot be read. Missing ones are always left out.

    Returns
    -------
    SizeList
        In the order of the list; ``.report`` says what was read and left out.

    Raises
    ------
    ValueError
        If a column is not there (the message names those that are), a size cannot be
        read (it names the line), there is no size at all, or the file is no text.
    OSError
        If the file is not there, a folder, or cannot be read.

    Notes
    -----
    A size is a number with or without a unit: ``5008``, ``1.5 MB``, ``10MiB``. A
    letter alone is refused: K is 1000 for some programs and 1024 for others. On Linux,
    ``find folder -type f -printf '%s\n'`` writes such a list.

    Examples
    --------
    >>> from mds_sim.data import DEB_SIZES
    >>> packages = read_sizes(DEB_SIZES, column="bytes")
    >>> packages
    SizeList(5000 files, 7.17 GB)
    >>> from mds_sim.files import pack
    >>> pack(packages, capacity=10 * 2**20).n_buckets
    311
    """
    path = Path(path)
    _validate.choice("invalid", invalid, ("raise", "skip"))
    _validate.choice("unit", unit, tuple(_UNITS))
    if format == "log":
        raise ValueError("format must be 'csv' or 'jsonl' or 'parquet', got 'log'")
    reading = _Reading(path.name, _UNITS[unit], invalid == "skip")
    with open_column(
        path, column, _is_size, format=format, encoding=encoding, what="a size"
    ) as source:
        for chunk in source.chunks:
            reading.take(chunk)
    return reading.sizes(source)


class _Reading:
    """What was read so far."""

    def __init__(self, name: str, unit: int, skips: bool) -> None:
        self.name, self.unit, self.skips = name, unit, skips
        self.parts: list[Ints] = []
        self.missing, self.bad = Count(), Count()
        self.rows = self.half = 0

    def take(self, chunk: Chunk) -> None:
        """Read some cells."""
        self.rows += len(chunk.lines)
        words = [cell.strip() for cell in chunk.cells]
        sizes = _plain(words, self.unit)
        if sizes is None:
            sizes = self._one_by_one(chunk, words)
        self.parts.append(sizes)

    def _one_by_one(self, chunk: Chunk, words: list[str]) -> Ints:
        """Read words with units, and those that are none."""
        sizes = []
        for line, word in zip(chunk.lines, words, strict=True):
            if word.lower() in MISSING_WORDS:
                self.missing.add([line])
                continue
            size = _size(word, self.unit)
            if size is not None:
                sizes.append(size)
                continue
            if not self.skips:
                self._refuse(line, word, chunk.is_cut)
            self.half = line if chunk.is_cut else 0
            self.bad.add([line])
        return np.array(sizes, np.int64)

    def _refuse(self, line: int, word: str, is_cut: bool) -> None:
        """Say which size cannot be read, where, and what to do."""
        end = ", the last and without an end," if is_cut else ""
        raise ValueError(
            "every size must be a number of bytes >= 0, or with a unit such as 1.5 MB "
            f"or 10 MiB, but line {line} of {self.name}{end} has {word[:60]!r}; "
            'invalid="skip" leaves such lines out'
        )

    def sizes(self, source: Column) -> SizeList:
        """Put all together, and say what was done."""
        sizes = np.concatenate([np.empty(0, np.int64), *self.parts])
        if not sizes.size:
            rows = f" in {counted(self.rows, 'row', spec='')}" if self.rows else ""
            raise ValueError(f"{self.name} must hold a size, got none{rows}")
        report = SizesReport(
            name=self.name,
            format=source.format,
            rows=self.rows,
            missing=self.missing.total,
            unreadable=self.bad.total,
            missing_lines=self.missing.first,
            unreadable_lines=self.bad.first,
            header=source.header,
            half_line=self.half,
            total=int(_validate.addable("sizes", sizes).sum()),
            empty=int(np.count_nonzero(sizes == 0)),
        )
        return SizeList(sizes, report)


def _plain(words: list[str], unit: int) -> Ints | None:
    """Read words that are whole numbers, all of them; None if one is not."""
    joined = "".join(words)
    if not (joined.isascii() and joined.isdigit()):
        return None
    try:
        sizes = np.array(list(map(int, words)), np.int64)
    except (ValueError, OverflowError):
        return None
    return sizes * unit if sizes.max(initial=0) <= _MOST // unit else None


def _size(word: str, unit: int) -> int | None:
    """Return a size in whole bytes; None if the word is none."""
    found = _SIZE.fullmatch(word)
    if not found or len(found[1]) > _DIGITS or len(found[2] or "") > 2:
        return None
    each = _BY_NAME.get(found[3].lower()) if found[3] else unit
    if each is None:
        return None
    whole, _, part = found[1].partition(".")
    # In whole numbers, from which no float takes anything.
    size = int(whole + part or "0") * each * 10 ** int(found[2] or 0)
    size, rest = divmod(size, 10 ** len(part))
    if rest and each == 1:  # half a byte
        return None
    return size if size <= _MOST else None


def _is_size(word: str) -> bool:
    """Tell whether a first line is a size already rather than a name."""
    return _size(word, 1) is not None
