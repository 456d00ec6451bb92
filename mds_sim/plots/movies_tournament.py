"""A movie of a tournament: people change tables, and who met whom fills up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mds_sim import _validate
from mds_sim.tournament.constructions import Schedule
from mds_sim.tournament.history import Ints
from mds_sim.tournament.result import TournamentResult
from mds_sim.units import counted

from .movie import Movie
from .style import STYLE, as_text, cut
from .tournament_scene import TALK, WALK, Matrix, Meetings, Room
from .who_met_whom import explained

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Source = TournamentResult | Schedule

MOST_PANELS, MOST_PLAYERS = 4, 60
WIDTH, LEAST_WIDTH, WIDEST = 2.75, 5.0, 3.6  # inches: a panel, the figure, a matrix
MARGIN, WORDS = 0.35, 0.95  # beside a matrix; above and below it


def movie_meetings(
    results: Source | Mapping[str, Source],
    *,
    tables: bool = True,
    pictures: int = 40,
    seconds: float = 12.0,
) -> Movie:
    """Show who sits where and who has met whom, round by round, seatings side by side.

    Parameters
    ----------
    results : TournamentResult or Schedule, or mapping of str to them
        One, or up to 4 seatings by name, with as many players, at most 60, and rounds.
    tables : bool, default True
        Show the tables above, and people who walk from one to the next.
    pictures : int, default 40
        How many at most, but for one more at the end; at least one a round. With five
        or more a round people are seen to walk.
    seconds : float, default 12
        How long it takes [s], > 0, before it stays at the end for a moment.

    Returns
    -------
    Movie
        Above, players keep the colour of their first table; a line joins two who meet
        for the first time, a dashed one two who have met before. Below, each pair is a
        cell, full in colour while it meets; a cross marks those who meet again, or
        have. In the end the colours are those of `plot_meetings`. Players count from 1
        and stand in the order of their tables in round 1, then in round 2, and so on.

    Raises
    ------
    TypeError
        If there is something else than results and schedules.
    ValueError
        If there are none or too many, too many players, no rounds, or not the same
        numbers of both; if there are fewer pictures than rounds.

    Examples
    --------
    >>> from mds_sim.tournament import Schedule, round_robin
    >>> movie = movie_meetings(
    ...     {
    ...         "circle": round_robin(4),
    ...         "lazy": Schedule([[0, 0, 1, 1]] * 3),
    ...     }
    ... )
    >>> print(movie.alt)
    4 players change tables for 3 rounds, and a matrix of who has met whom fills up. In
    the end, circle: 6 of at most 6 pairs have met, no meeting was repeated; lazy: 2 of
    at most 6 pairs have met, 4 meetings were repeated.
    """
    from matplotlib import rc_context

    given = results if isinstance(results, Mapping) else {"": results}
    named = {str(name): result for name, result in given.items()}
    rounds = _rounds(named)
    pictures = _validate.count("pictures", pictures, least=rounds)
    seconds = _validate.positive("seconds", seconds, "s")
    with rc_context(STYLE):
        figure, panels = _drawn(named, tables=tables)

    def update(moment: tuple[int, float]) -> Iterable[Artist]:
        return [artist for panel in panels for artist in panel.at(*moment)]

    moments = _moments(rounds, pictures)
    return Movie(figure, update, moments, alt=_alt(named), seconds=seconds)


class _Panel:
    """A seating: its name, how far it is, its tables, and its matrix."""

    def __init__(self, top: Axes, matrix: Matrix, room: Room | None, name: str):
        self.matrix, self.room = matrix, room
        # Words that come and go have no room of their own, but a title has.
        top.set_title(as_text(cut(name)) or " ", weight="bold", pad=20.0)
        self.words = top.text(
            0.0, 1.03, "", transform=top.transAxes, va="bottom", label=name,
            size=9.5, animated=True,
        )  # fmt: skip

    def at(self, r: int, share: float) -> list[Any]:
        """Draw a moment: round r, from 0, and how much of it has passed."""
        met = self.matrix.met
        part = (share - WALK) / (TALK - WALK)
        talking = int(np.clip(np.ceil(part * met.tables - 1e-9), 0, met.tables))
        before, now = met.until(r, talking)
        self.words.set_text(met.words(r, before + now))
        self.words.set_fontweight("bold" if r == met.rounds else "normal")
        drawn = [self.words, *self.matrix.at(before, now)]
        return drawn + (self.room.at(r, share, before, now) if self.room else [])


def _drawn(named: Mapping[str, Source], *, tables: bool) -> tuple[Figure, list[_Panel]]:
    """Draw what stays, and make all that moves."""
    from matplotlib.figure import Figure

    met = [Meetings(_table(one), one.bound) for one in named.values()]
    width = max(LEAST_WIDTH, WIDTH * len(met))
    cell = min(WIDEST, width / len(met)) - MARGIN
    figure = Figure(figsize=(width, 1.0))  # as high as needed, once that is known
    columns = figure.subplots(1 + bool(tables), len(met), squeeze=False).T
    rooms = [Room(axs[0], one) if tables else None
             for axs, one in zip(columns, met, strict=True)]  # fmt: skip
    heights = [max(cell * r.height / r.wide for r in rooms if r)] if tables else []
    heights.append(cell)
    columns[0, 0].get_gridspec().set_height_ratios(heights)
    figure.set_figheight(WORDS + sum(heights))
    columns[0, -1].set_ylabel("player")
    _explain(figure)
    return figure, [
        _Panel(axs[0], Matrix(axs[-1], one), room, name)
        for axs, one, room, name in zip(columns, met, rooms, named, strict=True)
    ]


def _explain(figure: Figure) -> None:
    """Say below what the colours are."""
    figure.legend(
        *explained(), loc="outside lower center", ncols=5, fontsize=9.5,
        handlelength=1.0, columnspacing=1.0, handletextpad=0.5,
    )  # fmt: skip


def _moments(rounds: int, pictures: int) -> list[tuple[int, float]]:
    """Return for each picture its round, from 0, and how much of that has passed."""
    each = pictures // rounds
    shares = [(i + 1) / each for i in range(each)]
    return [(r, share) for r in range(rounds) for share in shares] + [(rounds, 0.0)]


def _table(source: Source) -> Ints:
    """Return who sits where, shape (rounds, players)."""
    return source.table if isinstance(source, Schedule) else source.history.table


def _rounds(named: Mapping[str, Source]) -> int:
    """Return how many rounds all of them have, or refuse what cannot be shown."""
    if not 1 <= len(named) <= MOST_PANELS:
        rule = f"hold 1 to {MOST_PANELS} seatings"
        raise ValueError(f"results must {rule}, got {len(named) or 'none'}")
    shapes = []
    for name, source in named.items():
        where = f"results[{name!r}]" if name else "results"
        if not isinstance(source, Source):
            rule = "a TournamentResult or a Schedule"
            raise TypeError(f"{where} must be {rule}, got {source!r}")
        rounds, players = _table(source).shape
        if not rounds or players > MOST_PLAYERS:
            rule = f"at least one round and at most {MOST_PLAYERS} players"
            got = f"{rounds} and {players}"
            raise ValueError(f"{where} must have {rule}, got {got}")
        shapes.append((players, rounds))
    if len(set(shapes)) > 1:
        rule = "have as many players and rounds"
        raise ValueError(f"results must {rule}, got {sorted(set(shapes))}")
    return int(shapes[0][1])


def _alt(named: Mapping[str, Source]) -> str:
    """Say what there is to see, and what comes of it."""
    rounds, players = _table(next(iter(named.values()))).shape
    parts = []
    for name, source in named.items():
        again = int(source.meetings.sum()) // 2 - source.pairs_met
        who = f"{name}: " if name else ""
        repeated = counted(again, "meeting was", "meetings were", spec="")
        parts.append(
            f"{who}{source.pairs_met} of at most "
            f"{counted(source.bound, 'pair has', 'pairs have', '')} met, "
            f"{repeated if again else 'no meeting was'} repeated"
        )
    many = counted(rounds, "round", spec="")
    return (
        f"{players} players change tables for {many}, and "
        f"a matrix of who has met whom fills up. In the end, {'; '.join(parts)}."
    )
