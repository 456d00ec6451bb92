"""The fewest buckets, with a proof: the strategy and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mds_sim import _validate
from mds_sim._tables import html_table
from mds_sim.files.packing import Packing
from mds_sim.units import MB, counted

from ._clock import Clock
from ._search import Proof, Search
from .certificate import Certificate

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """A packing, how far it is from the best possible, and a proof of that.

    Attributes
    ----------
    packing : Packing
        Which file is in which bucket.
    bound : int
        Buckets that any packing needs at least.
    certificate : Certificate
        What proves the bound; ``certificate.check(sizes, capacity)`` does it again.
    seconds : float
        CPU seconds of this thread, without compiling.
    stage : str
        What closed the case, or what was tried last.

    Examples
    --------
    >>> solution = Optimal().solve([7, 7, 5, 3, 3, 3, 2], capacity=10)
    >>> solution
    Solution(3 buckets, optimal, proof by L1, first fit decreasing)
    >>> solution.n_buckets, solution.bound, solution.status, solution.gap
    (3, 3, 'optimal', 0)
    >>> solution.packing
    Packing(7 files in 3 buckets of 10 B, 100.0% full, lower bound 3, as few as can be)
    """

    packing: Packing
    bound: int
    certificate: Certificate
    seconds: float
    stage: str

    @property
    def bucket(self) -> Ints:
        """``bucket[i]`` holds file i, int64, shape (n_files,); read-only."""
        return self.packing.bucket

    @property
    def n_buckets(self) -> int:
        """Number of buckets."""
        return self.packing.n_buckets

    @property
    def status(self) -> str:
        """``"optimal"`` if packing and bound meet, else ``"open"``."""
        return "open" if self.gap else "optimal"

    @property
    def gap(self) -> int:
        """Buckets between the packing and the bound; 0 if it is optimal."""
        return self.n_buckets - self.bound

    def __repr__(self) -> str:
        rest = f"open, at least {self.bound}" if self.gap else "optimal"
        proof = f"proof by {self.certificate.kind}"
        needed = counted(self.n_buckets, "bucket", spec="")
        return f"Solution({needed}, {rest}, {proof}, {self.stage})"

    def _repr_html_(self) -> str:
        rows = [
            ("buckets", f"{self.n_buckets:,}"),
            ("at least", f"{self.bound:,}"),
            ("gap", f"{self.gap:,}"),
            ("proof by", self.certificate.kind),
            ("found by", self.stage),
        ]
        return html_table(f"{counted(self.n_buckets, 'bucket')}: {self.status}", rows)


@dataclass(frozen=True)
class Optimal:
    """Use the fewest buckets that are possible, and prove it.

    Parameters
    ----------
    time_limit : float
        CPU seconds, > 0, after which the best so far is given. Compiling, once on a
        machine, does not count.

    Notes
    -----
    To find the fewest buckets is NP-hard, but hardly any night is hard. The stages,
    until packing and bound meet: first and best fit decreasing; the bounds of
    `mds_sim.theory.bounds`; ruin and recreate; column generation [1]_, whose bound is
    proved in whole numbers; diving with backtracking [2]_; arc flow [3]_ with the arcs
    left out that no packing of so few buckets can use. Without Numba all this is the
    same and far slower.

    The answer is the same each time if no time limit is met. Of equally good packings
    the first one found is given. Cost: O(n log n) where first fit decreasing meets the
    bound, and up to the time limit else.

    References
    ----------
    .. [1] P. C. Gilmore, R. E. Gomory (1961), "A linear programming approach to the
       cutting-stock problem", Operations Research 9, 849-859.
    .. [2] R. Sadykov, F. Vanderbeck, A. Pessoa, I. Tahiri, E. Uchoa (2019), "Primal
       heuristics for branch and price", INFORMS Journal on Computing 31, 251-267.
    .. [3] J. M. Valério de Carvalho (1999), "Exact solution of bin-packing problems
       using column generation and branch-and-bound", Annals of OR 86, 629-659.

    Examples
    --------
    First fit decreasing needs three buckets here:

    >>> from mds_sim.files import pack
    >>> sizes = [4, 4, 3, 3, 3, 3]
    >>> pack(sizes, capacity=10).n_buckets
    3
    >>> pack(sizes, capacity=10, strategy=Optimal()).load
    array([10, 10])
    """

    time_limit: float = 20.0

    def __post_init__(self) -> None:
        limit = _validate.positive("time_limit", self.time_limit, "seconds")
        object.__setattr__(self, "time_limit", limit)

    def assign(self, sizes: Ints, capacity: int) -> Ints:
        """Return the number of each file's bucket, int64, shape (n_files,)."""
        return np.array(self.solve(sizes, capacity).bucket)

    def solve(self, sizes: ArrayLike, capacity: int = 10 * MB) -> Solution:
        """Pack files into the fewest buckets, and prove that fewer cannot do.

        Parameters
        ----------
        sizes : array_like of int, shape (n_files,)
            File sizes [bytes], each >= 0; one larger than a bucket gets its own.
        capacity : int, optional
            Room of a bucket [bytes], >= 1.

        Returns
        -------
        Solution
            ``status == "optimal"``, or "open" with the best packing and the best bound
            that were found in time.

        Raises
        ------
        ValueError
            If a size is no whole number of bytes or negative, if all together are
            beyond int64, or if `capacity` is no whole number >= 1.
        TypeError
            If `sizes` are no numbers.

        Examples
        --------
        >>> solution = Optimal().solve([4, 4, 3, 3, 3, 3, 25], capacity=10)
        >>> solution.n_buckets, solution.status, solution.certificate.kind
        (3, 'optimal', 'L1')
        """
        array = _validate.addable("sizes", _validate.sizes("sizes", sizes))
        capacity = _validate.size("capacity", capacity)
        clock = Clock(self.time_limit)
        files = np.flatnonzero((array > 0) & (array <= capacity))
        files = files[np.argsort(-array[files], kind="stable")]
        bucket = np.full(array.size, -1, dtype=np.int64)
        stage, proof = "nothing to do", None
        if files.size:
            search = Search(array[files], capacity, clock)
            search.run()
            stage, proof = search.stage, search.proof
            bucket[files] = search.bucket
        bucket = _complete(bucket, array, capacity)
        certificate = _certificate(proof, files, array, capacity)
        packing = Packing(array, capacity, bucket)
        return Solution(packing, certificate.bound, certificate, clock.seconds, stage)


def _complete(bucket: Ints, sizes: Ints, capacity: int) -> Ints:
    """Put the empty files anywhere, oversize ones alone; number by first files."""
    bucket = np.where(sizes == 0, 0, bucket)
    oversize = np.flatnonzero(sizes > capacity)
    bucket[oversize] = sizes.size + np.arange(oversize.size)
    _, first, inverse = np.unique(bucket, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[inverse.reshape(-1)]


def _certificate(
    proof: Proof | None, files: Ints, sizes: Ints, capacity: int
) -> Certificate:
    """Say what was proved of the packed files for all files, in their order."""
    n_oversize = int((sizes > capacity).sum())
    if proof is not None:
        value, *others = (
            _of_all(part, files, sizes.size)
            for part in (proof.value, *(part for part, _ in proof.more))
        )
        scales = [scale for _, scale in proof.more]
        return Certificate(
            proof.kind,
            n_oversize + proof.bound,
            value,
            proof.scale,
            proof.parameter,
            tuple(zip(others, scales, strict=True)),
        )
    value = np.zeros(sizes.size, dtype=np.int64)
    empty = np.flatnonzero(sizes == 0)
    value[empty[:1]] = 1  # all other files are alone: one more bucket is for this one
    return Certificate("dual", n_oversize + min(1, empty.size), value, 1)


def _of_all(value: Ints, files: Ints, n_files: int) -> Ints:
    """Return the worth of all files; those that were not packed have none."""
    worth = np.zeros(n_files, dtype=np.int64)
    worth[files] = value
    return worth
