"""Progress bars for what takes long, in a terminal as in Jupyter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any


@contextmanager
def progress_bar(
    shown: bool, total: int | None, unit: str
) -> Iterator[Callable[[int], object]]:
    """Show a bar while the block runs; yields the function that moves it on."""
    if not shown:
        yield lambda count: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit=f" {unit}", leave=False) as bar:
        yield bar.update


def with_late_bar(
    values: Iterator[Any], total: int | None, unit: str, delay: float = 1.0
) -> Iterator[Any]:
    """Yield values; show a bar once that has taken more than `delay` real seconds."""
    begin, count = perf_counter(), 0
    for value in values:
        yield value
        count += 1
        if perf_counter() - begin > delay:
            break
    else:
        return
    with progress_bar(True, total, unit) as move_on:
        move_on(count)
        for value in values:
            yield value
            move_on(1)
