"""Does the best player win, and whom do the others meet? Formats compared."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mds_sim import _validate
from mds_sim._tables import html_table, text_table, whisker
from mds_sim.rng import RNG
from mds_sim.theory.tournament import pairs_bound
from mds_sim.tournament import (
    Contention,
    Player,
    PointsLeader,
    RandomSeating,
    Seating,
    Tournament,
)
from mds_sim.units import counted

from .intervals import Interval, mean_interval, paired_interval, proportion_interval
from .replications import replicate

Floats = NDArray[np.float64]
HEADER = ("format", "best player wins", "people met", "of the bound", "on the front")


@dataclass(frozen=True)
class Format:
    """A way to run a tournament: who sits where, and what makes the winner.

    Parameters
    ----------
    seating : Seating, optional
    contention : Contention, optional

    Examples
    --------
    >>> Format()
    Format(seating=RandomSeating(), contention=PointsLeader())
    """

    seating: Seating = RandomSeating()
    contention: Contention = PointsLeader()


@dataclass(frozen=True, eq=False, repr=False)
class FormatComparison:
    """How often the best player wins, and how many people the others meet.

    `compare_formats` makes it; `print` shows a table, Jupyter an HTML one.

    Attributes
    ----------
    names : tuple of str
        The formats, F of them.
    best_won : ndarray of float64, shape (F, n)
        1 where the player with the highest skill won the tournament, else 0.
    people_met : ndarray of float64, shape (F, n)
        Different people that a player who did not win has met, mean over players.
    chance : float
        How often the best player would win if the winner were drawn by lot.
    bound : float
        People that a player can have met at most, mean over players.

    Examples
    --------
    >>> formats = {"by points": Format(), "the same": Format()}
    >>> pair = compare_formats(formats, 8, 2, 4, 2, replications=20, rng=1)
    >>> print(pair)
    8 players, 20 tournaments of each format; by lot the best wins 12.5%
      format     best player wins           people met  of the bound  on the front
      by points    60% [39%, 78%]  4.71 [4.57 to 4.84]           78%           yes
      the same     60% [39%, 78%]  4.71 [4.57 to 4.84]           78%           yes
    """

    names: tuple[str, ...]
    best_won: Floats
    people_met: Floats
    chance: float
    bound: float

    def win_probability(self, name: str, *, confidence: float = 0.95) -> Interval:
        """Return how often the best player wins, as a `proportion_interval`."""
        won = self.best_won[self._index(name)]
        return proportion_interval(int(won.sum()), won.size, confidence=confidence)

    def mean_people_met(self, name: str, *, confidence: float = 0.95) -> Interval:
        """Return how many people those who do not win meet, as a `mean_interval`."""
        return mean_interval(self.people_met[self._index(name)], confidence=confidence)

    def difference(
        self, first: str, second: str, *, confidence: float = 0.95
    ) -> Interval:
        """Return how much oftener the best wins in the first: a `paired_interval`."""
        one, other = (self.best_won[self._index(name)] for name in (first, second))
        return paired_interval(one, other, confidence=confidence)

    @property
    def front(self) -> tuple[str, ...]:
        """The Pareto front: formats that none beats in both figures, by their means.

        The means are estimates: where intervals overlap, another seed may draw the
        front elsewhere. `difference` tells whether two formats differ.
        """
        figures = list(zip(self.best_won.mean(1), self.people_met.mean(1), strict=True))
        return tuple(
            name
            for name, (won, met) in zip(self.names, figures, strict=True)
            if not any(w >= won and m >= met and w + m > won + met for w, m in figures)
        )

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return the means and ends of the intervals by format."""
        return {name: self._figures(name) for name in self.names}

    def _figures(self, name: str) -> dict[str, float]:
        """Return the figures of one format."""
        wins, met = self.win_probability(name), self.mean_people_met(name)
        return {
            "best_wins": wins.mean,
            "best_wins_low": wins.low,
            "best_wins_high": wins.high,
            "people_met": met.mean,
            "people_met_low": met.low,
            "people_met_high": met.high,
            "of_bound": met.mean / self.bound,
        }

    def _index(self, name: str) -> int:
        """Return where a format is."""
        if name not in self.names:
            known = ", ".join(map(repr, self.names))
            raise ValueError(f"name must be one of {known}, got {name!r}")
        return self.names.index(name)

    def _title(self) -> str:
        players, n = round(1 / self.chance), self.best_won.shape[1]
        return (
            f"{players} players, {counted(n, 'tournament')} of each format; "
            f"by lot the best wins {self.chance:.1%}"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        """Return a row of words for each format."""
        front = self.front
        rows: list[tuple[str, ...]] = []
        for name, figures in self.to_dict().items():
            wins = "{best_wins:.0%} [{best_wins_low:.0%}, {best_wins_high:.0%}]"
            met = "{people_met:.2f} [{people_met_low:.2f} to {people_met_high:.2f}]"
            share = f"{figures['of_bound']:.0%}"
            words = wins.format(**figures), met.format(**figures), share
            rows.append((name, *words, "yes" if name in front else "no"))
        return rows

    def __str__(self) -> str:
        return text_table(self._title(), [HEADER, *self._rows()])

    def _repr_html_(self) -> str:
        found = self.to_dict().values()
        most = max(self.bound, *(one["people_met_high"] for one in found))
        marks = {
            1: [_mark(one, "best_wins", 1.0) for one in found],
            2: [_mark(one, "people_met", most) for one in found],
        }
        return html_table(self._title(), self._rows(), HEADER, marks=marks)

    def __repr__(self) -> str:
        return f"FormatComparison({self._title()}; front: {', '.join(self.front)})"


def _mark(figures: dict[str, float], name: str, most: float) -> str:
    """Draw a figure with its interval, from 0 to the most that it can be."""
    low, high = figures[f"{name}_low"], figures[f"{name}_high"]
    return whisker(low, figures[name], high, (0.0, most))


def compare_formats(
    formats: Mapping[str, Format],
    players: int,
    tables: int,
    seats: int,
    rounds: int,
    *,
    spread: float = 1.0,
    replications: int = 1000,
    rng: RNG = None,
    executor: Any = None,
    progress: bool = False,
) -> FormatComparison:
    r"""Play the same tournaments in several formats.

    Parameters
    ----------
    formats : mapping of str to Format
        At least one, by name.
    players, tables, seats, rounds : int
        As in `Tournament`.
    spread : float, optional
        Standard deviation of the skills, > 0. With 1 a player one deviation above
        another one wins a game of two of them in 73 % of all cases.
    replications : int, optional
        Tournaments of each format, >= 2.
    rng : numpy.random.Generator, int or None
    executor : WorkerPool, Executor, str or callable, optional
        Where to play, as in `replicate`; the result is the same everywhere.
    progress : bool, optional
        Show a progress bar.

    Returns
    -------
    FormatComparison

    Raises
    ------
    ValueError
        If there is no format, or such a tournament cannot work.
    TypeError
        If one is not a `Format`.

    Notes
    -----
    Skills are normal, winners by Plackett and Luce (`PlackettLuce`). Within a
    replication all formats have the same skills and, round by round, the same
    performances, so their differences have less noise than the figures themselves.

    Examples
    --------
    >>> from mds_sim.tournament import GreedySeating
    >>> formats = {"random": Format(), "greedy": Format(GreedySeating())}
    >>> study = compare_formats(formats, 16, 4, 4, 5, replications=20, rng=1)
    >>> study.mean_people_met("greedy").low > study.mean_people_met("random").high
    True
    """
    for name, value in formats.items():
        _validate.instance(f"formats[{name!r}]", value, Format, "a Format(...)")
    if not formats:
        raise ValueError('formats must hold at least one, such as {"random": Format()}')
    play = _Play(tuple(formats.values()), players, tables, seats, rounds, spread)
    runs = replicate(play, replications, rng, executor=executor, progress=progress)
    figures = np.array(runs.results, dtype=np.float64)  # (n, F, 2)
    bound = 2 * pairs_bound(players, tables, seats, rounds) / players
    won, met = figures[:, :, 0].T, figures[:, :, 1].T
    return FormatComparison(tuple(formats), won, met, 1 / players, bound)


@dataclass(frozen=True)
class _Play:
    """One replication: a value, so that it can travel to another process."""

    formats: tuple[Format, ...]
    players: int
    tables: int
    seats: int
    rounds: int
    spread: float

    def __post_init__(self) -> None:
        _validate.positive("spread", self.spread)

    def __call__(self, rng: np.random.Generator) -> list[tuple[float, float]]:
        skill = rng.normal(0.0, self.spread, self.players).tolist()
        people = [Player(f"P{p}", x) for p, x in enumerate(skill, start=1)]
        best = people[int(np.argmax(skill))]
        return [self._one(form, people, best, deepcopy(rng)) for form in self.formats]

    def _one(
        self, form: Format, people: list[Player], best: Player, rng: np.random.Generator
    ) -> tuple[float, float]:
        """Return whether the best player won, and whom the others met."""
        result = Tournament(
            people,
            self.tables,
            self.seats,
            self.rounds,
            seating=form.seating,
            contention=form.contention,
            rng=rng,
        ).play()
        others = np.array([player != result.winner for player in result.players])
        return float(result.winner == best), float(result.opponents[others].mean())
