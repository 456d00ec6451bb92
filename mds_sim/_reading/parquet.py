"""A column of a Parquet file, where pyarrow is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .source import check_path, no_right

if TYPE_CHECKING:
    from .tables import Column


def parquet_column(path: Path, column: str | None, rows: int) -> Column:
    """Open a column, `rows` rows at a time; the lines of its chunks are rows."""
    from .tables import Column

    check_path(path)
    file = _open(path)
    names = list(file.schema_arrow.names)
    if column is None and len(names) != 1:
        raise ValueError(f"column must be given for {path.name}, one of {names}")
    name = names[0] if column is None else column
    if names.count(name) != 1:
        rule = "be" if name not in names else "have a name of its own,"
        raise ValueError(f"column must {rule} one of {names}, got {name!r}")
    return Column(f"Parquet, column {name!r}", "", _chunks(file, path.name, name, rows))


def _open(path: Path) -> Any:
    """Open a Parquet file, or say what is missing."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError:
        raise ModuleNotFoundError(
            f"pyarrow must be installed to read {path.name}: `pip install pyarrow`, "
            "or write the column to a CSV file"
        ) from None
    try:
        return parquet.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path.name} must be a Parquet file, but: {error}") from None
    except PermissionError as error:
        raise no_right(path, error) from None


def _chunks(file: Any, path: str, name: str, rows: int) -> Iterator[Any]:
    """Yield the column as words, as they would stand in a CSV file."""
    from .tables import Chunk

    first = 1
    with file:
        for cells in _cells(file, path, name, rows):
            yield Chunk(list(range(first, first + len(cells))), cells)
            first += len(cells)


def _cells(file: Any, path: str, name: str, rows: int) -> Iterator[list[str]]:
    """Yield some words at a time, or say that the file is broken."""
    import pyarrow as pa

    try:
        for batch in file.iter_batches(batch_size=rows, columns=[name]):
            if batch.num_rows:
                yield _words(batch.column(0))
    except (pa.ArrowException, OSError) as error:
        raise OSError(
            f"{path} cannot be read: {error}; fetch or write it again"
        ) from None


def _words(column: Any) -> list[str]:
    """Return the values of a column as words; an empty one for a null."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        zone = column.type.tz
        # Microseconds are what a stamp is kept to; Parquet with a zone is in UTC.
        whole = column.cast(pa.timestamp("us"), safe=False).to_numpy(
            zero_copy_only=False
        )
        words = whole.astype("datetime64[us]").astype(str).tolist()
        return ["" if word == "NaT" else word + "Z" * bool(zone) for word in words]
    return ["" if value is None else str(value) for value in column.to_pylist()]
