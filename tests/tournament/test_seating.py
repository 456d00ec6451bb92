"""The contract that all seatings keep, and what each of them adds."""

import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mds_sim.tournament import (
    GreedySeating,
    History,
    RandomSeating,
    Schedule,
    ScheduledSeating,
    Seating,
    Tournament,
    check_round,
    check_seating,
    round_robin,
)

ONLINE = [RandomSeating(), GreedySeating(), GreedySeating(starts=1)]
ROBIN = [ScheduledSeating(round_robin(players)) for players in (2, 5, 8)]


@pytest.mark.parametrize("seating", [*ONLINE, *ROBIN], ids=repr)
class TestContract:
    def test_is_a_small_value(self, seating: Seating) -> None:
        assert isinstance(seating, Seating)
        with pytest.raises(AttributeError):
            seating.anything = 1  # type: ignore[attr-defined]  # frozen
        assert type(pickle.loads(pickle.dumps(seating))) is type(seating)
        assert hash(seating) == hash(seating)

    def test_passes_the_judge(self, seating: Seating) -> None:
        if isinstance(seating, ScheduledSeating):
            plan = seating.schedule
            case = (plan.players, plan.tables, plan.seats, plan.rounds)
            check_seating(seating, cases=[case])
        else:
            check_seating(seating)

    def test_answers_with_one_integer_array(self, seating: Seating) -> None:
        history = first_round(seating)
        table = seating.seat(history, np.random.default_rng(1))
        assert table.dtype == np.int64
        assert check_round(history, table).tolist() == table.tolist()


def first_round(seating: Seating) -> History:
    """Return a history that the seating can start from."""
    if isinstance(seating, ScheduledSeating):
        plan = seating.schedule
        names = [str(p) for p in range(plan.players)]
        return History.start(names, plan.tables, plan.seats, plan.rounds)
    return History.start([str(p) for p in range(18)], 4, 4, 5)


@pytest.mark.parametrize("seating", ONLINE, ids=repr)
@given(
    tables=st.integers(1, 5),
    seats=st.integers(2, 5),
    spare=st.integers(0, 12),
    rounds=st.integers(1, 7),
    seed=st.integers(0, 10**6),
)
def test_every_tournament_keeps_the_rules(
    seating: Seating, tables: int, seats: int, spare: int, rounds: int, seed: int
) -> None:
    players = 2 * tables + spare
    result = Tournament(
        players, tables, seats, rounds, seating=seating, rng=seed
    ).play()
    sat_out = np.zeros(players, dtype=int)
    for row in result.history.table:
        sizes = [int((row == t).sum()) for t in range(tables)]
        assert row.max() == tables - 1
        assert 2 <= min(sizes) <= max(sizes) <= min(seats, min(sizes) + 1)
        assert sum(sizes) == min(players, tables * seats)
        sat_out += row < 0
        assert np.ptp(sat_out) <= 1


def test_random_seating_puts_any_two_together() -> None:
    history = History.start("ABCD", tables=2, seats=2, rounds=1)
    rng = np.random.default_rng(1)
    seen = {tuple(RandomSeating().seat(history, rng).tolist()) for _ in range(200)}
    assert len(seen) == 6  # C(4, 2) ways to fill table 0


@pytest.mark.parametrize(
    ("players", "tables", "seats", "rounds", "least"),
    [
        (16, 4, 4, 3, 0.98),
        (16, 4, 4, 5, 0.93),
        (32, 8, 4, 10, 0.9),
        (18, 4, 4, 5, 0.92),
    ],
)
def test_greedy_seating_meets_many(
    players: int, tables: int, seats: int, rounds: int, least: float
) -> None:
    plan = (players, tables, seats, rounds)
    results = [
        Tournament(*plan, seating=GreedySeating(), rng=seed).play() for seed in range(5)
    ]
    assert np.mean([result.pairs_met / result.bound for result in results]) >= least


def test_greedy_seating_leaves_no_swap_that_helps() -> None:
    rng, seating = np.random.default_rng(3), GreedySeating(starts=1)
    history = History.start([str(p) for p in range(15)], tables=5, seats=3, rounds=9)
    for _ in range(6):
        table = seating.seat(history, rng)
        cost = repeated(history, table)
        for p in range(15):
            for q in range(p):
                swapped = table.copy()
                swapped[[p, q]] = swapped[[q, p]]
                assert repeated(history, swapped) >= cost
        history = history.after(table, np.zeros(5))


def repeated(history: History, table: np.ndarray) -> int:
    """Count, slowly, the past meetings of all who sit together."""
    pairs = [(p, q) for p in range(len(table)) for q in range(p)]
    together = [(p, q) for p, q in pairs if table[p] == table[q] >= 0]
    return sum(int(history.meetings[pair]) for pair in together)


def test_greedy_seating_minimises_the_growth_of_repeated_pairs() -> None:
    # What a round costs is what the sum of C(m, 2) over all pairs grows by.
    history = History.start([str(p) for p in range(12)], tables=3, seats=4, rounds=9)
    rng = np.random.default_rng(5)
    for _ in range(4):
        table = GreedySeating().seat(history, rng)
        after = history.after(table, np.zeros(3))
        growth = choose_2(after.meetings) - choose_2(history.meetings)
        assert growth == repeated(history, table)
        history = after


def choose_2(meetings: np.ndarray) -> int:
    """Sum C(m, 2) over all pairs."""
    return int((meetings * (meetings - 1) // 2).sum()) // 2


@pytest.mark.parametrize(
    ("starts", "error", "message"),
    [
        (0, ValueError, "starts must be >= 1, got 0"),
        (2.5, TypeError, "starts must be a whole number, got 2.5"),
    ],
)
def test_greedy_seating_starts_at_least_once(
    starts: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        GreedySeating(starts)


def test_a_schedule_is_followed() -> None:
    schedule = round_robin(7)
    seating = ScheduledSeating(schedule)
    result = Tournament(7, 3, 2, rounds=7, seating=seating, rng=1).play()
    assert np.array_equal(result.history.table, schedule.table)
    assert result.pairs_met == 21


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ((7, 4, 2, 3), "schedule must have 7 players, got 8"),
        ((8, 3, 2, 3), "schedule must have 3 tables, got 4"),
        ((8, 4, 2, 8), "schedule must have >= 8 rounds, got 7"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused_in_round_1(
    plan: tuple[int, int, int, int], message: str
) -> None:
    players, tables, seats, rounds = plan
    seating = ScheduledSeating(round_robin(8))
    names = [str(p) for p in range(players)]
    history = History.start(names, tables, seats, rounds)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        seating.seat(history, np.random.default_rng(1))


def test_a_scheduled_seating_takes_a_schedule() -> None:
    message = re.escape(
        "schedule must be a Schedule, got list; "
        "an array of tables becomes one by Schedule(table)"
    )
    with pytest.raises(TypeError, match=f"^{message}$"):
        ScheduledSeating([[0, 0]])  # type: ignore[arg-type]  # that is the test


def test_an_unfair_schedule_is_caught_in_the_round_where_it_is_unfair() -> None:
    seating = ScheduledSeating(Schedule([[0, 0, -1], [0, -1, 0], [0, -1, 0]]))
    tournament = Tournament(3, 1, 2, rounds=3, seating=seating, rng=1)
    for winner in ("P1", "P3"):
        tournament.next_round()
        tournament.record(winner)
    message = re.escape(
        "sit-outs must differ by at most 1, but 'P2' would have 2 and 'P1' 0 in round 3"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        tournament.next_round()
    assert tournament.history.round == 2
