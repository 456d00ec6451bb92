"""Pictures kept small: as PNG files, each opened when it is asked for."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, overload

from mds_sim.units import counted

if TYPE_CHECKING:
    from PIL.Image import Image

FAST = 1  # of zlib: a plot becomes hardly smaller with more


class Film(Sequence["Image"]):
    """The pictures of a movie, each made again when it is asked for.

    Notes
    -----
    A picture of 1080 × 480 pixels takes some 35 kB instead of 1.5 MB. It is a new one
    each time: to change it changes nothing here.

    Examples
    --------
    >>> from PIL import Image
    >>> film = Film()
    >>> film.append(Image.new("RGB", (3, 2), "red"))
    >>> film
    <1 picture>
    >>> film[-1].getpixel((0, 0))
    (255, 0, 0)
    """

    def __init__(self) -> None:
        self._files: list[bytes] = []

    @property
    def n_bytes(self) -> int:
        """How much memory the pictures take [bytes]."""
        return sum(map(len, self._files))

    def append(self, picture: Image) -> None:
        """Add a picture at the end."""
        file = BytesIO()
        picture.save(file, "png", compress_level=FAST)
        self._files.append(file.getvalue())

    @overload
    def __getitem__(self, index: int) -> Image: ...

    @overload
    def __getitem__(self, index: slice) -> list[Image]: ...

    def __getitem__(self, index: int | slice) -> Image | list[Image]:
        from PIL import Image

        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        with Image.open(BytesIO(self._files[operator.index(index)])) as file:
            return file.copy()

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'picture')}>"
