"""The judge of seatings, ours and yours."""

from __future__ import annotations

from collections.abc import Iterable

from .seating import Seating
from .tournament import Tournament

Case = tuple[int, int, int, int]
# players, tables, seats, rounds: full tables, free seats, one or many on the bench.
CASES: tuple[Case, ...] = (
    (2, 1, 2, 2), (4, 2, 2, 4), (16, 4, 4, 6), (12, 4, 3, 5), (6, 1, 6, 2),
    (5, 2, 3, 4), (7, 2, 4, 5), (10, 5, 4, 3), (14, 4, 4, 5), (23, 6, 4, 4),
    (3, 1, 2, 7), (5, 2, 2, 6), (9, 2, 4, 10), (7, 1, 2, 8), (18, 4, 4, 5),
)  # fmt: skip


def check_seating(
    seating: Seating, *, cases: Iterable[Case] = CASES, seeds: Iterable[int] = range(3)
) -> None:
    """Judge a seating: play small tournaments with it and check each round.

    Parameters
    ----------
    seating : Seating
        The seating to judge.
    cases : iterable of (players, tables, seats, rounds)
        Tournaments to play; the default has full tables, free seats and sit-outs.
    seeds : iterable of int
        Each case is played with each seed, twice.

    Raises
    ------
    AssertionError
        If a round breaks a rule (all tables in use, at most G players at each, sizes
        within 1, nobody sits out without need, sit-outs within 1), or if equal seeds
        give different rounds. It names the rule, the round and the case.

    Examples
    --------
    >>> from mds_sim.tournament import GreedySeating
    >>> check_seating(GreedySeating())
    """
    seeds = tuple(seeds)
    for case in cases:
        for seed in seeds:
            _check_case(seating, case, seed)


def _check_case(seating: Seating, case: Case, seed: int) -> None:
    """Play one tournament twice and compare."""
    players, tables, seats, rounds = case
    where = (
        f"{seating!r} fails with players={players}, tables={tables}, seats={seats}, "
        f"rounds={rounds}, rng={seed}"
    )
    runs = [
        Tournament(players, tables, seats, rounds, seating=seating, rng=seed)
        for _ in range(2)
    ]
    try:
        one, two = (run.play() for run in runs)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{where}: {error}") from error
    for r, same in enumerate((one.history.table == two.history.table).all(axis=1)):
        if not same:
            raise AssertionError(
                f"{where}: equal seeds must give equal rounds, but round {r + 1} "
                "differs; draw from the rng that seat() is given"
            )
