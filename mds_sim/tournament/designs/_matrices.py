"""Difference matrices and orthogonal arrays for orders that are no prime powers.

A difference matrix over a group of g elements has one row a round and one column for
each seat, and the differences of any two columns are all different. Its rows are
facts: from the literature where a source is named, else from our own search.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from mds_sim import _validate
from mds_sim.tournament.history import Ints

# (order, columns): the modulus of each coordinate, and the rows in base 36. An element
# is written as one number: its last coordinate plus the last modulus times the others.
DIFFERENCES: dict[tuple[int, int], tuple[tuple[int, ...], str]] = {
    # Found by `find`, as transversals over Z_n and no base round.
    (10, 5): ((10,), "05483 06179 03618 02326 08034 04865 09551 01900 07747"),
    (10, 6): ((10,), "067489 042613 010026 079777 028958 005194 093230 081365"),
    (14, 6): (
        (14,),
        "01c904 0c1d16 007360 0a8152 0ba44a 06253d 039075 0232ac 046629 0d4898",
    ),
    (15, 6): (
        (15,),
        "0679e5 0b6637 053d1c 0ad77a 07b1b1 030486 0090dd 09854b 08ea2e 011e09 0e4350",
    ),
    (20, 6): (
        (20,),
        "0ff8c1 03a555 0ed913 0j8b2h 0d9je7 091d7c 0i6fhd 0834dg 0c2064 01j1b2 00eefj "
        "0bhgjb 074i30 0gi3g6 025c89",
    ),
    # Five Latin squares of order 12, by B. D. McKay, as SageMath prints them
    # (sage.combinat.designs.database), read as translations of Z_2 x Z_6.
    (12, 6): (
        (2, 6),
        "000000 03a958 064b21 096a37 028415 05179b 087569 0b234a 0451b6 0196a3 0a3872 "
        "07b284",
    ),
    # Four Latin squares of order 15, by I. M. Wanless (ibid.), likewise.
    (15, 5): (
        (15,),
        "01111 0237b 03647 04802 05abc 06d83 075e8 0825d 090c4 0ac39 0b49e 0c765 0d920 "
        "0ebda 00ea6",
    ),
}
# Four Latin squares of order 14, by I. M. Wanless (ibid.), a line for each; the first
# ones are by D. T. Todorov (2012), Journal of Combinatorial Designs 20, 363-367.
SQUARES_14 = (
    "bjihgkecalnfmd fckjbhledimagn mgdlkcbafejnih cnhemldbigfkaj edabfnmkcjhgli "
    "nfeicgajldkbhm iagfjdhnkmelcb dlnkeafimhcjbg gemalfihjnbdkc jhfnimgdbkacel "
    "hkbgajnmeclidf ablchikgnfdmje licmdbjfhagenk kmjdneclgbihfa",
    "bfmcenidgjhalk jcgndfalehkbim ikdhaegnmfblcj hjlebifkangcmd gbkmfcjeliahdn "
    "khclngdafmjibe elbdmahfignkjc ceabkjnihdmgfl adficlkmjbenhg liegjdmhnkcfab "
    "nmjfhkecbaldgi fankgbljdcimeh mgialhcbkedjnf dnhjimbgclfeka",
    "bcdefghijklmna gnkjdmiclbhaef lifhbjemkangcd dalmgnbjehcfik njcaeifhbdgkml "
    "mfbkcdlagnjihe aemnhkjdcifblg hdnikbagmcelfj cgjflhnbiekdam fkibmagenldhjc "
    "imhlneckdfajgb klegafdnhjmcbi jhadicmlfgbekn ebgcjlkfamindh",
    "bcdefghijklmna jflhnkaecmgdib emkdjbgfnliahc anighmflkbdcej kebcajimdgfhln "
    "cgnflembihakjd ilabkdnhfcjegm ljgnihecbamfdk ndmabcjglfeikh mbhiefljadkncg "
    "difjcnkamehgbl ghckmlbdeinjaf fajlgidkhncbme hkemdacngjblfi",
)
# OA(7, 18) by R. J. R. Abel (2013), Existence of five MOLS of orders 18 and 60, as
# printed by SageMath (ibid., OA_7_18): coordinates in Z_2 x Z_3 x Z_3.
ABEL_18 = (
    "000 100 100 000 100 100 100 000 000 000 100 000",
    "000 020 100 100 000 120 110 110 010 020 010 120",
    "000 100 022 102 112 001 101 120 121 001 020 002",
    "000 002 100 002 102 122 010 111 110 121 021 001",
    "000 021 000 100 020 112 100 021 112 102 102 012",
    "000 000 011 010 100 010 110 122 011 121 120 111",
    "000 100 002 022 011 121 020 122 100 010 112 112",
)
ABEL_18_STEPS = ((0, 0), (0, 1), (1, 0), (2, 1), (2, 2), (1, 2), (0, 2))
# OA(6, 20): Handbook of Combinatorial Designs, 2nd ed., III.3.49; 19 is the point
# that Z_19 fixes. Each column gives three, by turning both its halves.
HANDBOOK_20 = (
    (19, 7, 13, 1, 16, 9, 2),
    (0, 1, 15, 7, 17, 6, 14),
    (0, 11, 10, 11, 5, 4, 3),
    (7, 19, 13, 16, 1, 2, 9),
    (1, 0, 15, 17, 7, 14, 6),
    (11, 0, 10, 5, 11, 3, 4),
)


def difference_matrix(order: int, columns: int) -> tuple[Ints, Ints]:
    """Return the rows of a stored difference matrix, and the addition of its group.

    Parameters
    ----------
    order, columns : int
        A key of `DIFFERENCES`.

    Returns
    -------
    rows : ndarray of int64, shape (rounds, columns)
    add : ndarray of int64, shape (order, order)

    Examples
    --------
    >>> rows, add = difference_matrix(12, 6)
    >>> rows.shape, int(add[11, 1])  # (1, 5) + (0, 1) in Z_2 x Z_6
    ((12, 6), 6)
    """
    moduli, text = DIFFERENCES[order, columns]
    rows = np.array([[int(sign, 36) for sign in row] for row in text.split()])
    return rows, cyclic_sum(*moduli)


def cyclic_sum(*moduli: int) -> Ints:
    """Return the addition table of a product of cyclic groups.

    Examples
    --------
    >>> cyclic_sum(2, 2).tolist()
    [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]
    """
    digits = np.array(list(product(*map(range, moduli))), dtype=np.int64)
    total = (digits[:, None] + digits) % moduli
    weights = np.cumprod([1, *moduli[:0:-1]])[::-1]
    return _validate.sealed(total @ weights)


def orthogonal_array(order: int) -> Ints:
    """Return an orthogonal array of strength 2: any two columns hold each pair once.

    Parameters
    ----------
    order : {14, 18, 20}

    Returns
    -------
    ndarray of int64, shape (order**2, columns)
        With 6, 7 and 6 columns.

    Examples
    --------
    >>> {order: orthogonal_array(order).shape for order in (14, 18, 20)}
    {14: (196, 6), 18: (324, 7), 20: (400, 6)}
    """
    rows = {14: _from_squares, 18: _from_abel, 20: _from_handbook}[order]()
    return np.array(list(rows), dtype=np.int64)


def _from_squares() -> Iterator[list[int]]:
    """Yield row, column and the symbols of the four squares of order 14."""
    squares = [text.split() for text in SQUARES_14]
    for i, j in np.ndindex(14, 14):
        yield [i, j, *(ord(square[i][j]) - ord("a") for square in squares)]


def _from_abel() -> Iterator[list[int]]:
    """Yield the rows of order 18: 12 columns, shifted 3 ways, developed over Z_3^2."""
    columns = [[tuple(map(int, entry)) for entry in row.split()] for row in ABEL_18]
    for column in zip(*columns, strict=True):
        for y, b, c in np.ndindex(3, 3, 3):
            yield [
                9 * u + 3 * ((v + y * dv + b) % 3) + (w + y * dw + c) % 3
                for (u, v, w), (dv, dw) in zip(column, ABEL_18_STEPS, strict=True)
            ]


def _from_handbook() -> Iterator[list[int]]:
    """Yield the rows of order 20: 7 columns, turned 3 ways, developed over Z_19."""
    yield [19] * 6
    for a, b, c, d, e, f in zip(*HANDBOOK_20, strict=True):
        turned = (a, b, c, d, e, f), (b, c, a, f, d, e), (c, a, b, e, f, d)
        for row in turned:
            for x in range(19):
                yield [19 if entry == 19 else (entry + x) % 19 for entry in row]
