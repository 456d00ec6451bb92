"""Cells of who met whom can be told apart, by everybody."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mds_sim.plots.who_met_whom import (
    AGAIN,
    CROSSES,
    KINDS,
    NEW,
    colour_of,
    explained,
    states,
)

COUNTS = range(9)
STATES = (AGAIN, NEW, *COUNTS)

# G. M. Machado et al. (2009), "A physiologically-based model for simulation of color
# vision deficiency": table 1, severity 1.0, for linear RGB. And paper without colours.
EYES = {
    "all": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
    "none": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}
TO_XYZ = np.array(  # IEC 61966-2-1, over the white D65
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / [[0.9505], [1.0], [1.089]]


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def seen(colour: str, eyes: str) -> np.ndarray:
    """Return CIE L*a*b* of a colour as these eyes see it."""
    xyz = TO_XYZ @ np.clip(EYES[eyes] @ linear(colour), 0, 1)
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), xyz * 841 / 108 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    light, dark = sorted((linear(c) @ TO_XYZ[1] for c in (one, other)), reverse=True)
    return float((light + 0.05) / (dark + 0.05))


def mark(state: int) -> str:
    """Return the colour of the cross, if there is one."""
    return CROSSES.get(min(state, 2), "no cross")


@pytest.mark.parametrize("eyes", EYES)
def test_kinds_of_cells_differ_for_all_eyes(eyes: str) -> None:
    # A distance of 2.3 is just noticed (M. Mahy et al. 1994); ours is many times that.
    for one, other in combinations(KINDS.values(), 2):
        if mark(one) == mark(other):
            lab = [seen(colour_of(state), eyes) for state in (one, other)]
            assert np.linalg.norm(lab[0] - lab[1]) > 15, (one, other)


def test_once_and_more_often_do_not_need_their_colours() -> None:
    assert [mark(n) for n in (0, 1, 2, 3)] == ["no cross", "no cross", "black", "black"]
    assert mark(AGAIN) == "white"
    assert mark(NEW) == "no cross"


@pytest.mark.parametrize("state", [state for state in STATES if mark(state)[0] != "n"])
def test_crosses_can_be_seen(state: int) -> None:
    assert contrast(mark(state), colour_of(state)) >= 3  # WCAG 2.2, 1.4.11


def test_a_count_is_darker_than_the_one_before() -> None:
    often = [seen(colour_of(n), "all")[0] for n in COUNTS[2:]]
    assert often == sorted(often, reverse=True)
    assert seen(colour_of(0), "all")[0] - seen(colour_of(1), "all")[0] > 15
    assert len({colour_of(state) for state in STATES}) == len(STATES)


def test_states_tell_before_from_now() -> None:
    before = np.array([0, 1, 3, 0, 1, 3])
    now = np.array([0, 0, 0, 1, 1, 1])
    assert states(before, now).tolist() == [0, 1, 3, NEW, AGAIN, AGAIN]


def test_the_legend_has_a_cross_where_cells_have_one() -> None:
    handles, words = explained()
    assert words == ["not yet", "met once", "more often", "meet now", "meet again"]
    crossed = [isinstance(handle, tuple) for handle in handles]
    assert crossed == [mark(state) != "no cross" for state in KINDS.values()]
