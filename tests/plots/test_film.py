"""Pictures kept small: each comes back exactly as it was."""

import numpy as np
import pytest
from PIL import Image

from mds_sim.plots.film import Film

RNG = np.random.default_rng(2024)
PICTURES = RNG.integers(0, 256, (5, 7, 11, 3), np.uint8)


def film_of(pictures) -> Film:
    """Return a film of pictures, shape (n, height, width, 3)."""
    film = Film()
    for picture in pictures:
        film.append(Image.fromarray(picture))
    return film


@pytest.fixture
def film() -> Film:
    return film_of(PICTURES)


def test_a_picture_comes_back_as_it_was(film: Film) -> None:
    assert len(film) == 5
    for image, picture in zip(film, PICTURES, strict=True):
        assert (image.mode, image.size) == ("RGB", (11, 7))
        assert np.array_equal(np.asarray(image), picture)


def test_it_is_a_sequence(film: Film) -> None:
    def same(image: Image.Image, i: int) -> bool:
        return np.array_equal(np.asarray(image), PICTURES[i])

    assert same(film[-1], 4)
    assert same(film[np.int64(2)], 2)  # type: ignore[call-overload]
    part = film[::-2]
    assert isinstance(part, list)
    assert len(part) == 3
    assert same(part[1], 2)
    assert [same(image, 4 - i) for i, image in enumerate(reversed(film))] == [True] * 5
    assert repr(film) == "<5 pictures>"
    assert film[7:] == []
    for outside in (5, -6):
        with pytest.raises(IndexError):
            film[outside]
    with pytest.raises(
        TypeError, match=r"^'float' object cannot be interpreted as an integer$"
    ):
        film[1.0]  # type: ignore[call-overload]


def test_to_change_a_picture_changes_nothing_else(film: Film) -> None:
    film[1].paste((1, 2, 3), (0, 0, 11, 7))
    assert np.array_equal(np.asarray(film[1]), PICTURES[1])


def test_what_is_plain_costs_nearly_nothing() -> None:
    ground = np.full((200, 300, 3), 255, np.uint8)
    ground[40:60] = 0
    assert film_of([ground] * 20).n_bytes < 20 * 0.01 * ground.nbytes
