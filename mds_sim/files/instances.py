"""Packing problems that others measure on: made by their recipes, read and written.

The text format is the one of BPPLIB: the number of files, the capacity, then one size
a line. The recipes are those of the papers below; the numbers are drawn here, so the
instances are of the published classes, not the published ones themselves.

References
----------
.. [1] E. Falkenauer (1996), "A hybrid grouping genetic algorithm for bin packing",
   Journal of Heuristics 2, 5-30: uniform and triplets.
.. [2] A. Scholl, R. Klein, C. Jürgens (1997), "BISON", Computers & Operations Research
   24, 627-645: three sets.
.. [3] P. Schwerin, G. Wäscher (1997), "The bin-packing problem: a problem generator and
   some numerical experiments with FFD packing and MTP", ITOR 4, 377-389.
.. [4] G. Wäscher, T. Gau (1996), "Heuristics for the integer one-dimensional cutting
   stock problem", OR Spektrum 18, 131-144.
.. [5] M. Delorme, M. Iori, S. Martello (2018), "BPPLIB: a library for bin packing and
   cutting stock problems", Optimization Letters 12, 235-250.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_table
from mds_sim.rng import RNG, as_generator
from mds_sim.units import counted

Ints = NDArray[np.int64]

_LARGEST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, eq=False)
class Instance:
    """Files to pack, by name.

    Attributes
    ----------
    name : str
        Where it comes from.
    sizes : ndarray of int64, shape (n_files,)
        File sizes [bytes], each >= 0; read-only.
    capacity : int
        Room of a bucket [bytes], >= 1.
    optimum : int or None
        The fewest buckets, where the recipe tells.

    Examples
    --------
    >>> Instance("by hand", [6, 5, 4], capacity=10, optimum=2).sizes
    array([6, 5, 4])
    """

    name: str
    sizes: Ints
    capacity: int
    optimum: int | None = None

    def __post_init__(self) -> None:
        sizes = _validate.addable("sizes", _validate.sizes("sizes", self.sizes))
        object.__setattr__(self, "sizes", _validate.sealed(sizes))
        capacity = _validate.size("capacity", self.capacity)
        object.__setattr__(self, "capacity", capacity)
        if self.optimum is not None:
            optimum = _validate.count("optimum", self.optimum, least=0)
            object.__setattr__(self, "optimum", optimum)

    def _repr_html_(self) -> str:
        optimum = (
            "not known" if self.optimum is None else counted(self.optimum, "bucket")
        )
        rows = [
            ("files", f"{self.sizes.size:,}"),
            ("bytes", f"{sum(self.sizes.tolist()):,}"),
            ("room of a bucket", f"{self.capacity:,}"),
            ("optimum", optimum),
        ]
        return html_table(self.name, rows)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy made by pickle is built again, and so read-only as well.
        return Instance, (self.name, self.sizes, self.capacity, self.optimum)


def falkenauer_uniform(n: int = 120, rng: RNG = None) -> Instance:
    """Draw n sizes from 20 to 100, for buckets of 150.

    Parameters
    ----------
    n : int
        Number of files, >= 1; published are 120, 250, 500 and 1000.
    rng : numpy.random.Generator, int or None
        The source of chance.

    Examples
    --------
    >>> falkenauer_uniform(5, rng=1).sizes
    array([58, 61, 81, 96, 22])
    """
    n = _validate.count("n", n)
    sizes = as_generator(rng).integers(20, 101, n)
    return Instance(f"uniform {n}", sizes, 150)


def falkenauer_triplets(n: int = 60, rng: RNG = None) -> Instance:
    """Draw triples that fill buckets of 1000 to the last byte, and shuffle them.

    Parameters
    ----------
    n : int
        Number of files, a multiple of 3; published are 60, 120, 249 and 501.
    rng : numpy.random.Generator, int or None
        The source of chance.

    Returns
    -------
    Instance
        Its optimum is ``n // 3``: no byte is to be wasted.

    Notes
    -----
    The first file of a triple is from 380 to 490, the second from 250 to half of what
    is left, the third is the rest.

    Examples
    --------
    >>> falkenauer_triplets(6, rng=1).sizes
    array([281, 432, 436, 292, 276, 283])
    """
    n = _validate.count("n", n, least=3)
    if n % 3:
        raise ValueError(f"n must be a multiple of 3 files, got {n}")
    rng = as_generator(rng)
    first = rng.integers(380, 491, n // 3)
    second = rng.integers(250, (1000 - first) // 2 + 1)
    sizes = rng.permutation(np.concatenate([first, second, 1000 - first - second]))
    return Instance(f"triplets {n}", sizes, 1000, optimum=n // 3)


def scholl_1(
    n: int = 50, rng: RNG = None, *, capacity: int = 100, least: int = 1
) -> Instance:
    """Draw n sizes from `least` to 100: the first set of Scholl, Klein and Jürgens.

    Parameters
    ----------
    n : int
        Number of files, >= 1; published are 50, 100, 200 and 500.
    rng : numpy.random.Generator, int or None
        The source of chance.
    capacity : int
        Room of a bucket; published are 100, 120 and 150.
    least : int
        The smallest size; published are 1, 20 and 30.

    Examples
    --------
    >>> scholl_1(5, rng=1, capacity=120, least=20).name
    'scholl 1, 5 from 20 in 120'
    """
    n = _validate.count("n", n)
    least = _validate.count("least", least)
    if least > 100:
        raise ValueError(f"least must be at most 100 bytes, got {least}")
    sizes = as_generator(rng).integers(least, 101, n)
    return Instance(f"scholl 1, {n} from {least} in {capacity}", sizes, capacity)


def scholl_2(
    n: int = 50, rng: RNG = None, *, files: int = 3, spread: float = 0.2
) -> Instance:
    """Draw n sizes around a given part of a bucket of 1000: the second set.

    Parameters
    ----------
    n : int
        Number of files, >= 1; published are 50, 100, 200 and 500.
    rng : numpy.random.Generator, int or None
        The source of chance.
    files : int
        Files a bucket, in the mean; published are 3, 5, 7 and 9.
    spread : float
        How far a size is from the mean at most, as a share of it; published are 0.2,
        0.5 and 0.9.

    Examples
    --------
    >>> sizes = scholl_2(100, rng=1, files=5, spread=0.5).sizes
    >>> 100 <= sizes.min(), sizes.max() <= 300
    (np.True_, np.True_)
    """
    n = _validate.count("n", n)
    mean = 1000 / _validate.count("files", files)
    if not 0 <= _validate.finite("spread", spread) < 1:
        raise ValueError(f"spread must be >= 0 and below 1, got {spread!r}")
    low, high = max(1, round(mean * (1 - spread))), int(mean * (1 + spread))
    high = max(low, min(1000, high))  # there may be no whole number between them
    sizes = as_generator(rng).integers(low, high + 1, n)
    return Instance(f"scholl 2, {n} by {files} +-{spread:g}", sizes, 1000)


def scholl_3(n: int = 200, rng: RNG = None) -> Instance:
    """Draw n sizes from 20,000 to 35,000, for buckets of 100,000: the hard set.

    Parameters
    ----------
    n : int
        Number of files, >= 1; published is 200.
    rng : numpy.random.Generator, int or None
        The source of chance.

    Examples
    --------
    >>> scholl_3(3, rng=1).capacity
    100000
    """
    n = _validate.count("n", n)
    sizes = as_generator(rng).integers(20_000, 35_001, n)
    return Instance(f"scholl 3, {n}", sizes, 100_000)


def schwerin(n: int = 100, rng: RNG = None) -> Instance:
    """Draw n sizes from 150 to 200, for buckets of 1000.

    Parameters
    ----------
    n : int
        Number of files, >= 1; published are 100 and 120.
    rng : numpy.random.Generator, int or None
        The source of chance.

    Examples
    --------
    >>> schwerin(3, rng=1).sizes
    array([174, 176, 188])
    """
    n = _validate.count("n", n)
    return Instance(f"schwerin {n}", as_generator(rng).integers(150, 201, n), 1000)


def waescher(n: int = 100, rng: RNG = None, *, largest: float = 0.5) -> Instance:
    """Draw n sizes from 1 to a share of a bucket of 10,000, as Wäscher and Gau did.

    Parameters
    ----------
    n : int
        Number of files, >= 1; published are 57 to 239.
    rng : numpy.random.Generator, int or None
        The source of chance.
    largest : float
        The largest size as a share of a bucket, above 0 and at most 1.

    Notes
    -----
    The 17 published instances are those of thousands that others could not solve, so
    they are harder than what this draws.

    Examples
    --------
    >>> waescher(100, rng=1, largest=0.25).sizes.max() <= 2500
    np.True_
    """
    n = _validate.count("n", n)
    if not 0 < _validate.finite("largest", largest) <= 1:
        raise ValueError(f"largest must be above 0 and at most 1, got {largest!r}")
    top = max(1, int(10_000 * largest))
    sizes = as_generator(rng).integers(1, top + 1, n)
    return Instance(f"waescher {n} to {top}", sizes, 10_000)


def wide(n: int = 180, rng: RNG = None) -> Instance:
    """Draw n sizes from 1 to 800, for buckets of 1000: where hard ones are found.

    Parameters
    ----------
    n : int
        Number of files, >= 1; the known hard ones have 160 to 200.
    rng : numpy.random.Generator, int or None
        The source of chance.

    Notes
    -----
    The 28 hard instances of BPPLIB look like this: first fit decreasing is one bucket
    off, or the linear programme needs one bucket less than the truth. They are few
    among those drawn, to be found by search.

    Examples
    --------
    >>> wide(3, rng=1).sizes
    array([379, 410, 605])
    """
    n = _validate.count("n", n)
    return Instance(f"wide {n}", as_generator(rng).integers(1, 801, n), 1000)


CLASSES: Mapping[str, Callable[..., Instance]] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            falkenauer_uniform,
            falkenauer_triplets,
            scholl_1,
            scholl_2,
            scholl_3,
            schwerin,
            waescher,
            wide,
        )
    }
)


def generate(name: str, n: int, rng: RNG = None, **options: Any) -> Instance:
    """Draw an instance of a class that is given by name.

    Parameters
    ----------
    name : str
        One of `CLASSES`.
    n : int
        Number of files, >= 1.
    rng : numpy.random.Generator, int or None
        The source of chance.
    **options
        Those of the class, such as ``capacity=120`` for "scholl_1".

    Raises
    ------
    ValueError
        If there is no such class; the message has those that there are.

    Examples
    --------
    >>> generate("falkenauer_triplets", 60, rng=1).optimum
    20
    """
    _validate.choice("name", name, tuple(CLASSES))
    return CLASSES[name](n, rng, **options)


def read_instance(path: str | PathLike[str]) -> Instance:
    r"""Read an instance from a text file: n, capacity, then one size a line.

    Parameters
    ----------
    path : path-like
        Text; blank lines are left out.

    Returns
    -------
    Instance
        Its name is the file's, without what follows the last dot.

    Raises
    ------
    ValueError
        If a line is no whole number in its range, or there are fewer or more sizes
        than the first line says. The message names the file and the line.
    OSError
        If the file is not there or cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "three.txt")
    ...     _ = path.write_text("3\n10\n6\n5\n4\n")
    ...     read_instance(path).sizes
    array([6, 5, 4])
    """
    path = Path(path)
    lines = _numbers(path)
    n = _next(lines, path, "the number of files", least=0)
    capacity = _next(lines, path, "the capacity", least=1)
    sizes = [_next(lines, path, f"size {i + 1} of {n}", least=0) for i in range(n)]
    for line, text in lines:
        raise ValueError(
            f"{path.name} must have "
            f"{counted(n, 'size', spec='')} as its first line says, "
            f"but line {line} has one more: {_shown(text)}"
        )
    if sum(sizes) > _LARGEST:
        raise ValueError(
            f"sizes of {path.name} must add up to at most 2**63 - 1 bytes, "
            f"got {sum(sizes)}"
        )
    return Instance(path.stem, np.array(sizes, dtype=np.int64), capacity)


def write_instance(instance: Instance, path: str | PathLike[str]) -> None:
    """Write an instance to a text file: n, capacity, then one size a line.

    Parameters
    ----------
    instance : Instance
        Its name and optimum have no place in the format.
    path : path-like
        Where to; a file that is there is replaced.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "three.txt")
    ...     write_instance(Instance("three", [6, 5, 4], 10), path)
    ...     path.read_text().split()
    ['3', '10', '6', '5', '4']
    """
    instance = _validate.instance("instance", instance, Instance, "an Instance")
    numbers = [instance.sizes.size, instance.capacity, *instance.sizes.tolist()]
    text = "".join(f"{number}\n" for number in numbers)
    Path(path).write_text(text, encoding="ascii", newline="\n")


def _numbers(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is not blank."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} must be a text file in UTF-8") from None
    # `splitlines` would count form feeds and the like, which editors do not.
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            yield line, content.strip()


def _next(
    lines: Iterator[tuple[int, str]], path: Path, what: str, *, least: int
) -> int:
    """Return the number in the next line, or name the line."""
    line, text = next(lines, (0, ""))
    if not line:
        raise ValueError(f"{path.name} must go on with {what}, but it ends")
    # `int` would take 1_000, a plus sign and the digits of other scripts.
    is_whole = text.isascii() and text.isdigit() and len(text) < 20
    if not is_whole or not least <= int(text) <= _LARGEST:
        rule = f"a whole number >= {least} in int64"
        raise ValueError(
            f"{what} must be {rule}, but line {line} of {path.name} has {_shown(text)}"
        )
    return int(text)


def _shown(text: str) -> str:
    """Quote what a line has, a long one cut."""
    return repr(text) if len(text) <= 40 else f"{text[:40]!r}..."
