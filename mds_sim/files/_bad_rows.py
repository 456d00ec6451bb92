"""The sizes of the worst nights, each with the bucket of the best packing.

Each function takes a scale and returns the rows, in the order of arrival, and the
capacity.
"""

from __future__ import annotations

Rows = list[tuple[int, int]]  # (size, bucket of the best packing) of each file

MOST_BLOCKS = 12  # of a first-fit night: with more its sizes would pass int64
MOST_LOOKBACK = 10  # of these where the sizes need room for a few bytes between them


def alternating(scale: int) -> tuple[Rows, int]:
    """Return a byte, a whole bucket, a byte, and so on: no neighbours can share."""
    rows = [(1, scale)]
    for b in range(scale):
        rows += [(scale + 1, b), (1, scale)]
    return rows, scale + 1


def halves(scale: int) -> tuple[Rows, int]:
    """Return half a bucket, a byte, and so on: the byte keeps the next half out."""
    rows = []
    for i in range(2 * scale):
        rows += [(scale, i // 2), (1, scale)]
    return rows, 2 * scale


def seventeen(scale: int) -> tuple[Rows, int]:
    """Return sixths, thirds and halves: each kind is packed alone."""
    if scale > 1:
        return sixths(scale)
    small = [(6, 3 + b) for b in range(7)] + [(10, 3 + b) for b in range(7)]
    small += [(16, b) for b in range(3)]
    return small + [(34, b) for b in range(10)] + [(51, b) for b in range(10)], 101


def sixths(blocks: int) -> tuple[Rows, int]:
    """Return blocks: ten sixths in two buckets, ten thirds in five, ten halves."""
    # A sixth plus this much times d, which shrinks from block to block. Five of them
    # leave less room than any later sixth needs; so do two of the thirds.
    sixths = (33, -3, -7, -7, -13, 9, -2, -2, -2, -2)
    thirds = (46, -34, 6, 6, 12, -10, 1, 1, 1, 1)
    if blocks > MOST_BLOCKS:
        rules = "first, best and almost worst fit"
        raise ValueError(f"scale must be <= {MOST_BLOCKS} for {rules}, got {blocks}")
    steps = [18 ** (blocks - 1 - j) for j in range(blocks)]
    unit = 40 * steps[0]  # a sixth; half a bucket and one byte is the third kind
    first, second, third = [], [], []
    for j, step in enumerate(steps):
        # A sixth, a third and a half share a bucket, of one block; but the second
        # sixth goes with the first third of the next block, or with none.
        for i in range(10):
            b = 10 * j + i
            first.append((unit + sixths[i] * step, b))
            where = 10 * blocks if i == 0 and j == 0 else 10 * (j - 1) + 1
            partner = {0: where, 1: 10 * j}.get(i, b)
            second.append((2 * unit + thirds[i] * step, partner))
            third.append((3 * unit + 1, b))
    return first + second + third, 6 * unit


def ninths(scale: int) -> tuple[Rows, int]:
    """Return what is over a half, over a quarter, and under a quarter."""
    two, one = 6 * scale - 2, 3 * scale - 1  # buckets of three files, and of four
    rows = [(51, b) for b in range(two)]
    rows += [(27, two + i // 2) for i in range(2 * one)]
    rows += [(26, b) for b in range(two)]
    rows += [(23, b) for b in range(two)] + [(23, two + i // 2) for i in range(2 * one)]
    return rows, 100


def sylvester(scale: int) -> tuple[Rows, int]:
    """Return what is just over 1/2, 1/3, 1/7 and 1/43: one of each fill a bucket."""
    quarter = 1806  # 2 * 3 * 7 * 43
    sizes = [4 * quarter // x + 1 for x in (2, 3, 7, 43)]
    return [(s, b) for s in sizes for b in range(42 * scale)], 4 * quarter


def fifths(scale: int) -> tuple[Rows, int]:
    """Return halves and a bit, quarters that shift by one half each, and fifths.

    Each quarter would leave a fifth of room beside its own half. But worst fit gives
    it to a half that is a byte larger, for two larger quarters came before.
    """
    steps = 2 * scale - 1
    half = 5 * (steps + 2)
    fifth = 2 * (steps + 2) + 1  # four fill a bucket, and five do not fit
    rows = [(half - fifth, 0)] * 2 + [(fifth, 0)] * 2
    for i in range(2 * steps):
        j = 1 + i // 2
        rows += [(half + j, 1 + i), (half - fifth - j, 1 + i), (fifth, 1 + i)]
    return sorted(rows, reverse=True), 2 * half


def three_tenths(scale: int) -> tuple[Rows, int]:
    """Return buckets of four, three and three tenths: no other way fills them."""
    n = 6 * scale - 4
    return [(4, b) for b in range(n)] + [(3, b // 2) for b in range(2 * n)], 10


def bounded(lookback: int, scale: int) -> tuple[Rows, int]:
    """Return a first-fit night whose halves come in cycles of `lookback` buckets.

    A cycle is a file just under a half, and others just over. The first one is alone
    in its bucket until the bucket is the oldest; then a few bytes keep the next one
    out. In the best packing it goes with a file that came two cycles before.
    """
    if lookback == 2:
        cycles = scale + 1
        rows, half = [], 4 * (cycles + 2) ** 2
    else:
        cycles = (10 * scale - 2) // (lookback - 2)
        if cycles < 2:
            return seventeen(scale)
        if scale > MOST_LOOKBACK:
            raise ValueError(
                f"scale must be <= {MOST_LOOKBACK} for a lookback of {lookback}, "
                f"got {scale}"
            )
        some, room = sixths(scale)
        rows = [(size * (cycles + 4), b) for size, b in some[: 20 * scale]]
        half = room // 2 * (cycles + 4)
    return rows + _cycles(cycles, lookback, half, len(rows) // 2), 2 * half


def _cycles(cycles: int, lookback: int, half: int, beside: int) -> Rows:
    """Return the halves; in the first `beside` buckets there is room for just one."""
    paired = beside + 1 if beside else 0  # the first bucket of two halves
    free = paired + cycles - 1  # the first that is left
    lone = iter(range(beside) if beside else range(free, free + 2))
    bytes_go_to = beside or free
    rows = []
    for j in range(cycles):
        if j:
            rows.append((2 * cycles + 4, bytes_go_to))
        rows.append((half - j, paired + max(0, j - 1)))
        for i in range(lookback - 1):
            is_paired = i == 0 and j + 2 < cycles
            rows.append((half + j + 2, paired + j + 1 if is_paired else next(lone)))
    return rows + [(half + cycles + 2, b) for b in lone]
