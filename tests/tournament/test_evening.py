"""What an organiser does between rounds: override, undo, forbid, come and go."""

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.tournament import (
    Contention,
    FinalLast,
    FunnelFirst,
    GreedySeating,
    History,
    HorizonSeating,
    Player,
    PointsLeader,
    SwissSeating,
    Tournament,
)
from mds_sim.tournament.saving import as_dict

FIVE = ("Ann", "Bob", "Cid", "Dan", "Eve")
CONTENTIONS: list[Contention] = [PointsLeader(), FunnelFirst(), FinalLast(2)]


def saved(tournament: Tournament) -> str:
    """Return all that a file would hold."""
    return json.dumps(as_dict(tournament))


def refused(
    tournament: Tournament, action: Callable[[], object], message: str,
    kind: type[Exception] = ValueError,
) -> None:  # fmt: skip
    """Check that something is refused, and leaves all as it was."""
    before = saved(tournament)
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        action()
    assert saved(tournament) == before


def five(rounds: int = 6, **options: object) -> Tournament:
    options = {"seating": SwissSeating(), "rng": 1, **options}
    return Tournament(FIVE, tables=2, seats=2, rounds=rounds, **options)  # type: ignore[arg-type]


def play_a_round(tournament: Tournament) -> None:
    tournament.record([t.players[0] for t in tournament.next_round()])


class TestRecord:
    @pytest.mark.parametrize(
        ("winners", "message"),
        [
            (
                ["Ann", "Zoe"],
                "winners must be players of this tournament, but winners[1] = 'Zoe' is "
                "none",
            ),
            (["Ann", "Eve"], "winners must play in this round, but 'Eve' sits out"),
            (["Ann", "Bob"], "table 1 must have one winner, got 'Ann' and 'Bob'"),
            (
                ["Ann"],
                "table 2 must have one winner, got none; name one of 'Cid', 'Dan'",
            ),
        ],
    )
    def test_who_cannot_have_won_is_refused(
        self, winners: list[str], message: str
    ) -> None:
        evening = five()
        evening.override([["Ann", "Bob"], ["Cid", "Dan"]])
        refused(evening, lambda: evening.record(winners), message)

    def test_a_round_is_recorded_once_and_after_it_was_seated(self) -> None:
        evening = five()
        message = "a round must be seated first; call next_round()"
        refused(evening, lambda: evening.record(["Ann", "Cid"]), message, RuntimeError)
        evening.override([["Ann", "Bob"], ["Cid", "Dan"]])
        evening.record(["Ann", "Cid"])
        refused(evening, lambda: evening.record(["Ann", "Cid"]), message, RuntimeError)

    def test_a_seating_that_fails_after_it_drew_has_drawn_nothing(self) -> None:
        class Wrong:
            def seat(self, history: History, rng: np.random.Generator) -> np.ndarray:
                return np.zeros(history.players, dtype=int) + int(rng.integers(1))

        evening = five(seating=Wrong())
        with pytest.raises(TypeError, match=r"^seating must be a dataclass"):
            saved(evening)
        before = [rng.bit_generator.state for rng in streams(evening)]
        message = "every table must be used, but table 1 is not in round 1"
        with pytest.raises(ValueError, match=f"^{message}$"):
            evening.next_round()
        assert [rng.bit_generator.state for rng in streams(evening)] == before


def streams(evening: Tournament) -> tuple[np.random.Generator, np.random.Generator]:
    return evening._seating_rng, evening._outcome_rng


class TestOverride:
    def test_a_round_by_hand_replaces_the_one_that_waits(self) -> None:
        evening = five()
        evening.next_round()
        evening.override([["Eve", "Ann"], [Player("Bob"), "Cid"]])
        assert repr(evening.waiting) == (
            "round 1\n  table 1: Ann, Eve\n  table 2: Bob, Cid\n  sits out: Dan"
        )
        evening.record(["Eve", "Bob"])
        assert evening.history.table.tolist() == [[0, 1, 1, -1, 0]]

    def test_a_round_may_be_given_as_a_round(self) -> None:
        evening = five()
        plan = evening.next_round()
        evening.unseat()
        assert evening.waiting is None
        assert evening.override(plan) == plan == evening.waiting

    @pytest.mark.parametrize(
        ("tables", "message"),
        [
            (
                [["Ann", "Zoe"], ["Bob", "Cid"]],
                "round 1 must seat players of this tournament, but 'Zoe' is none",
            ),
            (
                [["Ann", "Bob"], ["Ann", "Cid"]],
                "a player must sit at one table, but 'Ann' sits at table 1 and table 2 "
                "of round 1",
            ),
            (
                [["Ann", "Ann"], ["Bob", "Cid"]],
                "a player must sit at one table, but 'Ann' sits at table 1 and table 1 "
                "of round 1",
            ),
            (
                [["Ann", "Bob"]],
                "every table must be used, but table 1 is not in round 1",
            ),
            (
                [["Ann", "Bob", "Cid"], ["Dan", "Eve"]],
                "a table must hold at most 2 players, but table 0 holds 3 in round 1: "
                "'Ann', 'Bob', 'Cid'",
            ),
            (
                [["Ann", "Bob"], ["Cid", "Dan"], ["Eve"]],
                "table must be -1 (sits out) or 0 to 1, but table[4] = 2 in round 1: "
                "'Eve'",
            ),
        ],
    )
    def test_a_round_that_breaks_a_rule_is_refused(
        self, tables: list[list[str]], message: str
    ) -> None:
        evening = five()
        evening.next_round()
        refused(evening, lambda: evening.override(tables), message)

    def test_a_bare_name_is_no_table(self) -> None:
        evening = five()
        message = "a table must be a list of names, got 'Ann'"
        refused(evening, lambda: evening.override(["Ann"]), message, TypeError)

    def test_who_sat_out_cannot_be_overridden_to_sit_out_again(self) -> None:
        evening = five()
        evening.override([["Ann", "Bob"], ["Cid", "Dan"]])
        evening.record(["Ann", "Cid"])
        refused(
            evening,
            lambda: evening.override([["Ann", "Bob"], ["Cid", "Dan"]]),
            "sit-outs must differ by at most 1, but 'Eve' would have 2 and 'Ann' 0 in "
            "round 2",
        )

    def test_who_has_left_is_not_seated(self) -> None:
        evening = five()
        evening.remove_player("Eve")
        refused(
            evening,
            lambda: evening.override([["Ann", "Eve"], ["Cid", "Dan"]]),
            "round 1 must seat players of this tournament, but 'Eve' has left",
        )

    def test_a_playoff_is_played_as_it_is(self) -> None:
        evening = Tournament(4, 2, 2, 1, rng=1)
        play_a_round(evening)
        evening.next_round()
        refused(
            evening,
            lambda: evening.override([["P1", "P2"], ["P3", "P4"]]),
            "a playoff must be played as it is, by all who are tied",
            RuntimeError,
        )


class TestUndo:
    def test_a_wrong_winner_is_put_right_as_if_it_had_been_right(self) -> None:
        right, wrong = five(), five()
        for evening in (right, wrong):
            play_a_round(evening)
            plan = evening.next_round()
        right.record([t.players[0] for t in plan])
        wrong.record([t.players[1] for t in plan])
        wrong.next_round()  # is dropped again
        assert wrong.undo() == plan
        wrong.record([t.players[0] for t in plan])
        assert saved(wrong) == saved(right)
        assert wrong.play().same_as(right.play())

    def test_undo_goes_back_to_the_start(self) -> None:
        evening = five()
        evening.next_round()
        start = saved(evening)
        evening.play()
        while evening.history.round or evening.finished:
            evening.undo()
        assert saved(evening) == start
        refused(
            evening,
            evening.undo,
            "a round must be recorded before it can be undone",
            RuntimeError,
        )

    def test_a_playoff_can_be_undone(self) -> None:
        evening = Tournament(4, 2, 2, 1, rng=1)
        play_a_round(evening)
        tied = [str(p) for p in evening.next_round().tables[0].players]
        evening.record(tied[0])
        assert evening.finished
        evening.undo()
        assert not evening.finished
        evening.record(tied[1])
        assert evening.play().winner.name == tied[1]

    def test_what_chance_played_is_played_again_alike(self) -> None:
        evening = five(rounds=2)
        first = evening.play()
        evening.undo()
        assert evening.play().same_as(first)

    def test_who_came_and_left_since_stays_so(self) -> None:
        evening = five()
        play_a_round(evening)
        evening.add_player("Fay")
        evening.remove_player("Ann")
        plan = evening.undo()
        assert "Ann" in {str(p) for t in plan for p in t.players} | {
            str(p) for p in plan.bench
        }
        evening.record([t.players[0] for t in plan])
        assert sorted(p.name for p in evening.present) == [
            "Bob", "Cid", "Dan", "Eve", "Fay"
        ]  # fmt: skip

    @pytest.mark.parametrize(("rounds", "taken_back"), [(10, 7), (10, 9), (4, 2)])
    @pytest.mark.parametrize(("tables", "seats"), [(1, 4), (1, 2), (2, 2)])
    def test_a_late_arrival_is_level_with_rounds_taken_back(
        self, tmp_path: Path, rounds: int, taken_back: int, tables: int, seats: int
    ) -> None:
        evening = Tournament(FIVE, tables, seats, 20, seating=SwissSeating(), rng=1)
        for _ in range(rounds):
            play_a_round(evening)
        evening.add_player("Fay")
        for _ in range(taken_back):
            evening.undo()
        evening.save(tmp_path / "night.json")
        evening = Tournament.load(tmp_path / "night.json")
        evening.record([t.players[0] for t in evening.waiting or ()])
        while not evening.finished:
            play_a_round(evening)
            history = evening.history
            assert np.ptp(history.sat_out) <= 1
            assert np.ptp((history.table == -1).sum(axis=0)[:5]) <= 1
        assert (history.table[rounds - taken_back + 1 :, 5] >= -1).all()


class TestForbidden:
    def test_forbidden_pairs_never_meet(self) -> None:
        pairs = [("P1", "P2"), ("P1", "P3"), ("P5", "P6")]
        for seed in range(5):
            evening = Tournament(
                12, 3, 4, 6, seating=SwissSeating(), forbidden=pairs, rng=seed
            )
            meetings = evening.play().meetings
            assert meetings[0, 1] == meetings[0, 2] == meetings[4, 5] == 0
            assert meetings.sum() == 6 * 3 * 12

    def test_a_round_that_cannot_part_them_is_refused(self) -> None:
        evening = Tournament(
            FIVE[:4], 1, 4, 2, forbidden=[("Ann", "Bob")],
            seating=SwissSeating(), rng=1,
        )  # fmt: skip
        refused(
            evening,
            evening.next_round,
            "'Ann' and 'Bob' must not share a table, but both sit at table 1 in round "
            "1; allow() lets them meet",
        )
        evening.allow("Bob", "Ann")
        assert len(evening.next_round()) == 1

    def test_an_override_must_part_them_too(self) -> None:
        evening = five(forbidden=[("Ann", "Bob")])
        refused(
            evening,
            lambda: evening.override([["Ann", "Bob"], ["Cid", "Dan"]]),
            "'Ann' and 'Bob' must not share a table, but both sit at table 1 in round "
            "1; allow() lets them meet",
        )

    def test_two_contenders_who_must_not_meet_sit_apart(self) -> None:
        evening = Tournament(
            4, 2, 2, 2, seating=SwissSeating(), contention=FunnelFirst(),
            forbidden=[("P1", "P2")], rng=1,
        )  # fmt: skip
        evening.override([["P1", "P3"], ["P2", "P4"]])
        evening.record(["P1", "P2"])
        plan = evening.next_round()
        evening.record(["P1", "P2"])
        assert [len({"P1", "P2"} & set(map(str, t.players))) for t in plan] == [1, 1]
        # Both are left: points tell, and then a playoff, in which they may meet.
        assert [line.scores[0] for line in evening.standings] == [2, 2, 0, 0]
        assert repr(evening.next_round().tables[0]) == "table 1: P1, P2"

    def test_they_may_meet_in_a_playoff(self) -> None:
        evening = Tournament(
            4, 2, 2, 1, seating=SwissSeating(), forbidden=[("P1", "P2")], rng=1
        )
        evening.override([["P1", "P3"], ["P2", "P4"]])
        evening.record(["P1", "P2"])
        assert repr(evening.next_round().tables[0]) == "table 1: P1, P2"

    @pytest.mark.parametrize(
        ("pair", "message"),
        [
            (
                ("Ann", "Anna"),
                "players must be of this tournament, but 'Anna' is none; did you mean "
                "'Ann'?",
            ),
            (
                ("Ann", "Xy"),
                "players must be of this tournament, but 'Xy' is none; here are 'Ann', "
                "'Bob', 'Cid', 'Dan', 'Eve'",
            ),
            (("Ann", "Ann"), "a forbidden pair must be two players, got 'Ann' twice"),
        ],
    )
    def test_a_pair_must_be_two_players(
        self, pair: tuple[str, str], message: str
    ) -> None:
        evening = five()
        refused(evening, lambda: evening.forbid(*pair), message)
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            five(forbidden=[pair])

    def test_three_are_no_pair(self) -> None:
        message = "a forbidden pair must be two players, got ('Ann', 'Bob', 'Cid')"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            five(forbidden=[FIVE[:3]])


class TestComeAndGo:
    def test_a_late_arrival_plays_from_the_next_round_on(self) -> None:
        evening = five()
        for _ in range(3):
            play_a_round(evening)
        fay = evening.add_player(Player("Fay", skill=2))
        assert (fay.skill, len(evening.present)) == (2.0, 6)
        assert evening.history.table[:, 5].tolist() == [-2, -2, -2]
        # Three sat out in three rounds, so that the least is 0: that is her level.
        assert evening.history.sat_out[5] == 0
        for _ in range(3):
            play_a_round(evening)
            assert np.ptp(evening.history.sat_out) <= 1
        (line,) = [s for s in evening.standings if s.player == fay]
        assert line.sat_out == (evening.history.table[:, 5] == -1).sum()

    def test_who_comes_late_is_not_benched_for_the_rounds_missed(self) -> None:
        evening = Tournament(
            ["A", "B", "C", "D"], 1, 2, 9, seating=SwissSeating(), rng=1
        )
        for _ in range(6):  # half of the four sit out in each round, so 3 each
            play_a_round(evening)
        evening.add_player("E")
        assert evening.history.sat_out.tolist() == [3, 3, 3, 3, 3]
        (line,) = [s for s in evening.standings if str(s.player) == "E"]
        assert line.sat_out == 0

    def test_who_leaves_stays_in_the_standings_but_cannot_win(self) -> None:
        evening = five(rounds=2)
        plan = evening.next_round()
        best = plan.tables[0].players[0]
        evening.record([t.players[0] for t in plan])
        evening.remove_player(best)
        assert evening.standings[-1].player == best
        assert evening.standings[-1].scores[0] == 1
        play_a_round(evening)
        result = evening.play()
        assert result.winner != best
        assert result.standings[-1].player == best
        # The game that was played counts for both.
        other = result.history.names.index(str(plan.tables[0].players[1]))
        assert result.meetings[result.history.names.index(best.name), other] == 1

    def test_who_comes_back_has_all_results(self) -> None:
        evening = five()
        play_a_round(evening)
        evening.remove_player("Bob")
        play_a_round(evening)
        evening.add_player("Bob")
        assert evening.history.names == FIVE
        assert evening.history.table[1, 1] == -2
        evening.play()
        assert np.ptp(evening.history.sat_out) <= 1

    def test_who_comes_back_by_name_is_as_strong_as_before(self) -> None:
        evening = Tournament([Player("Ann", 1.5), *FIVE[1:]], 2, 2, 6, rng=1)
        for newcomer, skill in (("Ann", 1.5), (Player("Ann", 0.5), 0.5), ("Ann", 0.5)):
            evening.remove_player("Ann")
            assert evening.add_player(newcomer) == Player("Ann", skill)
            assert evening.players[0] == Player("Ann", skill)

    def test_too_few_are_left(self) -> None:
        evening = five()
        evening.remove_player("Eve")
        refused(
            evening,
            lambda: evening.remove_player("Dan"),
            "players must be >= 2 * tables = 4 (a game needs two), but 3 would be left "
            "without 'Dan'; add somebody first",
        )

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("Eva", "is none; did you mean 'Eve'?"),
            ("Bob", "has left; here are 'Ann', 'Cid', 'Dan', 'Eve'"),
        ],
    )
    def test_who_is_not_here_cannot_leave(self, name: str, message: str) -> None:
        evening = five()
        evening.remove_player("Bob")
        refused(
            evening,
            lambda: evening.remove_player(name),
            f"players must be of this tournament, but {name!r} {message}",
        )

    def test_nobody_comes_twice(self) -> None:
        evening = five()
        refused(
            evening,
            lambda: evening.add_player("Ann"),
            "names must be unique, but 'Ann' is here already; add a surname",
        )

    @pytest.mark.parametrize(
        "action",
        [
            lambda evening: evening.add_player("Fay"),
            lambda evening: evening.remove_player("Ann"),
            lambda evening: evening.forbid("Ann", "Bob"),
            lambda evening: evening.next_round(),
        ],
    )
    def test_all_that_is_between_rounds(
        self, action: Callable[[Tournament], object]
    ) -> None:
        evening = five()
        evening.next_round()
        refused(
            evening,
            lambda: action(evening),
            "round 1 must be recorded before the next one is seated; call "
            "record(winners)",
            RuntimeError,
        )

    def test_after_the_last_round_it_is_too_late(self) -> None:
        evening = five(rounds=1)
        play_a_round(evening)
        refused(
            evening,
            lambda: evening.add_player("Fay"),
            "players must come and go before the rounds are over, but the only one "
            "is recorded; undo() takes the last one back",
            RuntimeError,
        )

    def test_the_bound_counts_who_was_there(self) -> None:
        evening = Tournament(4, 2, 2, 2, seating=SwissSeating(), rng=1)
        play_a_round(evening)
        evening.add_player("P5")
        evening.remove_player("P1")
        result = evening.play()
        # P1 and P5 never are there together: 9 of the 10 pairs, 2 met each round.
        assert result.bound == 4
        assert result.pairs_met <= result.bound


def recount(evening: Tournament) -> None:
    """Compare what the history counts with a slow recount from the rounds."""
    history = evening.history
    number = {name: p for p, name in enumerate(history.names)}
    meetings = np.zeros((history.players,) * 2, dtype=int)
    wins, benched = np.zeros(history.players, int), np.zeros(history.players, int)
    for played in evening.rounds:
        seen: list[str] = []
        for table in played:
            names = [str(p) for p in table.players]
            seen += names
            assert str(table.winner) in names
            wins[number[str(table.winner)]] += 1
            for one, other in combinations(names, 2):
                meetings[number[one], number[other]] += 1
                meetings[number[other], number[one]] += 1
        assert len(played) == history.tables
        sizes = [len(table.players) for table in played]
        assert max(sizes) <= history.seats
        assert max(sizes) - min(sizes) <= 1
        assert len(seen) == len(set(seen))  # nobody twice
        for player in played.bench:
            benched[number[str(player)]] += 1
            assert sum(sizes) == history.tables * history.seats
    assert np.array_equal(history.meetings, meetings)
    assert np.array_equal(history.opponents, (meetings > 0).sum(axis=1))
    assert np.array_equal(history.wins, wins)
    assert {s.player.name: s.sat_out for s in evening.standings} == dict(
        zip(history.names, benched.tolist(), strict=True)
    )
    assert np.ptp(history.sat_out[history.is_here]) <= 1


@given(
    plan=st.tuples(st.integers(1, 4), st.integers(2, 4), st.integers(0, 7)),
    rounds=st.integers(1, 6),
    which=st.integers(0, 2),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60)
def test_whatever_happens_the_rules_are_kept(
    plan: tuple[int, int, int], rounds: int, which: int, seed: int
) -> None:
    tables, seats, more = plan
    rng = np.random.default_rng(seed)
    evening = Tournament(
        2 * tables + more, tables, seats, rounds,
        seating=SwissSeating(), contention=CONTENTIONS[which], rng=seed,
    )  # fmt: skip
    while not evening.finished:
        for _ in range(rng.integers(3)):
            before = saved(evening)
            try:
                someone = evening.players[rng.integers(len(evening.players))]
                (evening.add_player, evening.remove_player)[rng.integers(2)](someone)
            except (ValueError, RuntimeError):
                assert saved(evening) == before
        if rng.random() < 0.3:
            before = saved(evening)
            try:
                evening.add_player(f"Q{len(evening.players)}")
            except RuntimeError:
                assert saved(evening) == before
        plan_now = evening.next_round()
        refused(
            evening,
            lambda: evening.record([t.players[0] for t in plan_now] * 2),  # noqa: B023  # called at once
            f"table 1 must have one winner, got {str(plan_now.tables[0].players[0])!r} "
            f"and {str(plan_now.tables[0].players[0])!r}",
        )
        evening.record([t.players[rng.integers(len(t.players))] for t in plan_now])
        if rng.random() < 0.2:
            after = evening.history
            evening.undo()
            winners = [after.names[p] for p in after.winner[-1]]
            evening.record(
                winners if evening.history.round < after.round
                else [evening.waiting.tables[0].players[0]]
            )  # fmt: skip
        recount(evening)
    result = evening.play()
    assert [line.rank for line in result.standings].count(1) == 1
    assert result.winner in evening.present
    assert result.pairs_met <= result.bound


@pytest.mark.parametrize("seed", range(20))
def test_at_one_table_one_of_a_forbidden_pair_sits_out(seed: int) -> None:
    evening = Tournament(
        5, 1, 3, 6, seating=SwissSeating(), forbidden=[("P1", "P2"), ("P2", "P3")],
        rng=seed,
    )  # fmt: skip
    (table,) = evening.next_round()
    names = {player.name for player in table.players}
    assert "P2" not in names or not names & {"P1", "P3"}


def test_a_file_of_rounds_that_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, evening = tmp_path / "seats.csv", five()
    evening.to_csv(path)
    old = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    play_a_round(evening)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
        evening.to_csv(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_rounds_go_to_a_file_with_the_one_that_waits(tmp_path: Path) -> None:
    early, late, result = (tmp_path / f"{name}.csv" for name in "abc")
    evening = five(rounds=2)
    evening.override([["Ann", "Bob"], ["Cid", "Dan"]])
    evening.to_csv(early)
    assert early.read_text(encoding="utf-8").splitlines() == [
        "round,table,player,won,playoff", "1,1,Ann,,0", "1,1,Bob,,0", "1,2,Cid,,0",
        "1,2,Dan,,0", "1,,Eve,0,0",
    ]  # fmt: skip
    evening.play().to_csv(result)
    evening.to_csv(late)
    assert late.read_bytes() == result.read_bytes()


def test_one_round_may_be_seated_by_another_seating() -> None:
    evening = Tournament(16, 4, 4, 3, seating=HorizonSeating(), rng=1)
    same = Tournament(16, 4, 4, 3, seating=GreedySeating(), rng=1)
    seated = evening.next_round(GreedySeating())
    assert str(seated) == str(same.next_round())
    assert evening.seating == HorizonSeating()


def test_what_cannot_seat_is_refused_and_nothing_is_seated() -> None:
    evening = Tournament(4, 2, 2, 1, rng=1)
    message = "seating must be a value, got the class GreedySeating: call it"
    with pytest.raises(TypeError, match=f"^{message}$"):
        evening.next_round(GreedySeating)  # type: ignore[arg-type]  # that is the test
    assert evening.waiting is None
