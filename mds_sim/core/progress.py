"""Progress bars for what takes long, in a terminal as in Jupyter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
