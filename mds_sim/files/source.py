"""Where the nightly files come from: a law of sizes, or real bytes on a disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim.distributions import Empirical, Exponential, Law, as_law, draw_sizes
from mds_sim.rng import RNG, as_generator
from mds_sim.theory.size_laws import fit_laws
from mds_sim.units import MB

from .file import File, inside

CHUNK = 2**20  # bytes written at a time

_MEGABYTE = Exponential(1 * MB)
_FROM_SIZES = ("resample", "auto", "exponential", "gamma", "lognormal", "Pareto")


@dataclass(frozen=True)
class FileSource:
    """So many files a night, with sizes from a law.

    Parameters
    ----------
    count : int
        Files a night, >= 1.
    sizes : Law or frozen scipy.stats distribution
        Law of a file's size [bytes]; draws are rounded to whole bytes, at least 1.

    Examples
    --------
    >>> FileSource(count=3).sample(nights=2, rng=1)
    array([[1073029,  308453, 5375437],
           [ 366427,  115362, 1799797]])
    """

    count: int = 100
    sizes: Law = _MEGABYTE

    def __post_init__(self) -> None:
        _validate.count("count", self.count)
        as_law("sizes", self.sizes)

    @classmethod
    def from_sizes(
        cls, sizes: ArrayLike, law: str = "resample", count: int | None = None
    ) -> FileSource:
        """Set a source up from sizes that were measured.

        Parameters
        ----------
        sizes : array_like of int, shape (n,) or (nights, n)
            Sizes [bytes], such as those of `read_sizes`; or a list of `File`.
        law : {"resample", "auto", "exponential", "gamma", "lognormal", "Pareto"}
            Draw from the sizes themselves, with replacement; or from a law that is
            fitted to them, for ``"auto"`` the likeliest of the four (`fit_laws` in
            `mds_sim.theory`; sizes of 0 have no part in it).
        count : int, optional
            Files a night; by default as many as there are sizes, in a row.

        Examples
        --------
        >>> from mds_sim.data import deb_sizes
        >>> packages = deb_sizes().sizes
        >>> FileSource.from_sizes(packages.reshape(50, 100))
        FileSource(count=100, sizes=Empirical(5000 values, mean=1.434e+06))
        >>> FileSource.from_sizes(packages, "auto", count=100).sizes
        LogNormal(mean=..., scv=...)
        """
        _validate.choice("law", law, _FROM_SIZES)
        array = as_sizes(sizes)
        count = array.shape[-1] if count is None else count
        flat = _validate.sizes("sizes", array.ravel())
        if law == "resample":
            return cls(count, Empirical(flat))
        fits = fit_laws(flat)
        wanted = (fit for fit in fits if law in ("auto", fit.name))
        return cls(count, next(wanted).law)

    def sample(self, nights: int = 1, rng: RNG = None) -> NDArray[np.int64]:
        """Draw the sizes of some nights.

        Parameters
        ----------
        nights : int
            How many nights, >= 1.
        rng : numpy.random.Generator, int or None

        Returns
        -------
        ndarray of int64, shape (nights, count)
            Sizes [bytes], each >= 1. Night by night: more nights from the same
            seed begin with the same nights.
        """
        nights = _validate.count("nights", nights)
        sizes = draw_sizes(self.sizes, nights * self.count, rng)
        return sizes.reshape(nights, self.count)

    def files(self, rng: RNG = None, night: int = 0) -> list[File]:
        """Draw the files of one night; they have a size and a name, but no path.

        Parameters
        ----------
        rng : numpy.random.Generator, int or None
        night : int
            Number of the night, >= 0: its sizes are row `night` of `sample`.

        Examples
        --------
        >>> FileSource(count=3).files(rng=1, night=1)[0]
        File(size_bytes=366427, name='night-001-file-000.bin', path=None, sha256=None)
        """
        night = _validate.count("night", night, least=0)
        return simulated_files(night, self.sample(night + 1, rng)[night])


def as_sizes(given: Any) -> NDArray[Any]:
    """Return the sizes of files, or sizes as they are, one row a night."""
    if isinstance(given, Sequence) and given and isinstance(given[0], File):
        return np.array([file.size_bytes for file in given], np.int64)
    return np.asarray(given)


def simulated_files(night: int, sizes: NDArray[np.int64]) -> list[File]:
    """Return files that have a size and a name, but no path.

    Parameters
    ----------
    night : int
        Number of the night, for the names.
    sizes : ndarray of int64, shape (n_files,)
        Sizes [bytes].

    Examples
    --------
    >>> simulated_files(7, np.array([250]))
    [File(size_bytes=250, name='night-007-file-000.bin', path=None, sha256=None)]
    """
    return [
        File(size, f"night-{night:03}-{name}")
        for size, name in zip(sizes.tolist(), _names(sizes.size), strict=True)
    ]


def write_files(
    folder: str | os.PathLike[str],
    sizes: ArrayLike,
    names: Sequence[str] | None = None,
    rng: RNG = None,
) -> list[File]:
    """Write real files of given sizes, filled with random bytes.

    Parameters
    ----------
    folder : path-like
        Where to; it is made if it does not exist.
    sizes : array_like of int, shape (n_files,)
        File sizes [bytes], each >= 0.
    names : sequence of str, optional
        A name for each file, all different; ``a/b.bin`` goes into a folder ``a``.
        By default ``file-000.bin`` and so on.
    rng : numpy.random.Generator, int or None
        The same seed writes the same bytes.

    Returns
    -------
    list of File
        With their paths and SHA-256.

    Raises
    ------
    FileExistsError
        If one of the files exists already: nothing is overwritten.
    ValueError
        If a size is wrong, or a name leads out of the folder or is used twice.

    Notes
    -----
    Memory: one chunk of 1 MiB, however large the files are.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_files(folder, [5, 0], rng=1)
    ...     [(file.name, file.path.stat().st_size) for file in files]
    [('file-000.bin', 5), ('file-001.bin', 0)]
    """
    wanted = _validate.sizes("sizes", sizes).tolist()
    given = _names(len(wanted)) if names is None else list(names)
    paths = _new_paths(Path(folder), given, len(wanted))
    generator = as_generator(rng)
    files = []
    for size, name, path in zip(wanted, given, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = _write(path, size, generator)
        files.append(File(size, name, path, digest))
    return files


def _names(count: int) -> list[str]:
    """Return names that sort in the order of their numbers."""
    width = max(3, len(str(count - 1)))
    return [f"file-{i:0{width}}.bin" for i in range(count)]


def _new_paths(folder: Path, names: Sequence[str], count: int) -> list[Path]:
    """Return a path for each name; check them all before a byte is written."""
    if len(names) != count:
        raise ValueError(f"names must be as many as sizes, {count}, got {len(names)}")
    paths: dict[Path, int] = {}
    for i, name in enumerate(names):
        try:
            path = inside(folder, name)
        except ValueError as error:
            raise ValueError(f"names[{i}] {error}") from None
        if path in paths:
            twice = f"names[{paths[path]}] and names[{i}] are both {name!r}"
            raise ValueError(f"names must be different, but {twice}")
        if os.path.lexists(path):
            raise FileExistsError(f"names must be new, but {str(path)!r} exists")
        paths[path] = i
    return list(paths)


def _write(path: Path, size: int, generator: np.random.Generator) -> str:
    """Write random bytes to a new file and return their SHA-256."""
    digest = hashlib.sha256()
    with path.open("xb") as stream:
        for start in range(0, size, CHUNK):
            chunk = generator.bytes(min(CHUNK, size - start))
            digest.update(chunk)
            stream.write(chunk)
    return digest.hexdigest()
