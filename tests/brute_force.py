"""The fewest buckets, found by trying everything: what clever code is held to."""

from functools import cache


def fewest(sizes: list[int], capacity: int) -> int:
    """Return the fewest buckets by trying everything; oversize files are alone."""

    @cache
    def close(left: tuple[int, ...], room: int) -> int:
        if not left:
            return 0
        best = 1 + close(left[1:], capacity - left[0])  # the largest in a new one
        for i, size in enumerate(left):
            if size <= room and size not in left[:i]:
                best = min(best, close(left[:i] + left[i + 1 :], room - size))
        return best

    fitting = tuple(sorted((s for s in sizes if s <= capacity), reverse=True))
    return close(fitting, -1) + len(sizes) - len(fitting)
