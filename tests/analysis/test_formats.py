"""Formats of a tournament: what one play says, which are on the front."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mds_sim.analysis import Format, FormatComparison, compare_formats
from mds_sim.tournament import (
    GreedySeating,
    PlackettLuce,
    Player,
    RandomSeating,
    Tournament,
)


def made(
    best_won: list[list[float]], people_met: list[list[float]]
) -> FormatComparison:
    """Return a comparison whose formats are called a, b, c, ..."""
    names = tuple("abcdefgh"[: len(best_won)])
    return FormatComparison(names, np.array(best_won), np.array(people_met), 0.25, 3.0)


def test_a_replication_is_a_tournament_played_by_hand() -> None:
    study = compare_formats(
        {"one": Format(), "two": Format(GreedySeating())}, 9, 3, 3, 3, replications=5,
        rng=4,
    )  # fmt: skip
    rng = np.random.default_rng(4).spawn(5)[2]
    skill = rng.normal(0.0, 1.0, 9)
    players = [Player(f"P{p + 1}", x) for p, x in enumerate(skill)]
    result = Tournament(players, 3, 3, 3, outcome=PlackettLuce(), rng=rng).play()
    champion = players.index(result.winner)
    assert study.best_won[0, 2] == (champion == skill.argmax())
    assert study.people_met[0, 2] == np.delete(result.opponents, champion).mean()


def test_equal_formats_have_equal_luck() -> None:
    study = compare_formats(
        {"one": Format(), "two": Format(RandomSeating())}, 8, 2, 4, 3,
        replications=20, rng=1,
    )  # fmt: skip
    assert np.array_equal(study.best_won[0], study.best_won[1])
    assert study.difference("one", "two").mean == 0.0


def test_results_are_the_same_on_every_executor() -> None:
    formats = {"random": Format(), "greedy": Format(GreedySeating())}
    here, there = (
        compare_formats(formats, 8, 2, 4, 3, replications=6, rng=1, executor=executor)
        for executor in (None, "threads")
    )
    assert np.array_equal(here.best_won, there.best_won)
    assert np.array_equal(here.people_met, there.people_met)


def test_skill_decides_when_it_is_all() -> None:
    # A gap of 1e6 standard deviations of luck: the best wins every game it plays, so
    # it can only lose the title in a tie. Not a matter of chance.
    study = compare_formats(
        {"one table": Format()}, 4, 1, 4, 1, spread=1e6, replications=50, rng=2
    )
    assert study.best_won.all()


@pytest.mark.parametrize(
    ("wins", "met", "front"),
    [
        ([0.1, 0.2, 0.3], [3.0, 2.0, 1.0], "abc"),
        ([0.3, 0.2, 0.1], [3.0, 2.0, 1.0], "a"),
        ([0.2, 0.2], [2.0, 2.0], "ab"),
        ([0.2, 0.2], [2.0, 1.0], "a"),
        ([0.1, 0.2, 0.15], [3.0, 2.0, 2.5], "abc"),
        ([0.1, 0.2, 0.05], [3.0, 2.0, 2.5], "ab"),
    ],
)
def test_the_front_holds_what_none_beats(
    wins: list[float], met: list[float], front: str
) -> None:
    study = made([[w, w] for w in wins], [[m, m] for m in met])
    assert "".join(study.front) == front


def test_figures_are_those_of_the_arrays() -> None:
    study = made([[1, 0, 1, 1]], [[2.0, 2.5, 2.0, 1.5]])
    figures = study.to_dict()["a"]
    assert figures["best_wins"] == 0.75
    assert figures["people_met"] == 2.0
    assert figures["of_bound"] == 2.0 / 3.0
    assert figures["best_wins_low"] < 0.75 < figures["best_wins_high"]


def test_the_table_is_safe_html() -> None:
    study = made([[1, 0]], [[2.0, 2.5]])
    named = FormatComparison(("<b>",), study.best_won, study.people_met, 0.25, 3.0)
    assert "<b>" not in named._repr_html_()
    assert "&lt;b&gt;" in named._repr_html_()
    assert "<b>" in str(named)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^formats must hold at least one, such as"):
        compare_formats({}, 8, 2, 4, 3, rng=1)
    with pytest.raises(TypeError, match=r"^formats\['random'\] must be "):
        compare_formats({"random": RandomSeating()}, 8, 2, 4, 3, rng=1)  # type: ignore[dict-item]
    with pytest.raises(ValueError, match=r"^spread must be > 0 and finite, got 0$"):
        compare_formats({"random": Format()}, 8, 2, 4, 3, spread=0, rng=1)
    words = "name must be one of 'a', 'b', got 'c'"
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        made([[1, 0], [0, 1]], [[2, 2], [1, 1]]).win_probability("c")
