"""A tournament as a file: it goes on as the saved one would; broken files say so."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mds_sim.tournament import (
    AffineKnockout,
    FinalLast,
    FixedOutcome,
    FunnelFirst,
    GreedySeating,
    PlackettLuce,
    Player,
    RandomSeating,
    ScheduledSeating,
    SwissSeating,
    Tournament,
    round_robin,
)
from mds_sim.tournament.saving import as_dict, write_whole

KINDS: list[dict[str, Any]] = [
    {"seating": RandomSeating()},
    {"seating": SwissSeating(), "contention": FunnelFirst()},
    {"seating": SwissSeating(), "contention": FinalLast(2)},
    {"seating": GreedySeating(starts=3), "outcome": PlackettLuce([0.5] * 9)},
    {"seating": AffineKnockout(), "contention": FunnelFirst()},
]


def copy_of(tournament: Tournament, path: Path) -> Tournament:
    """Save, load, and compare what both know."""
    tournament.save(path)
    copy = Tournament.load(path)
    assert json.dumps(as_dict(copy)) == json.dumps(as_dict(tournament))
    assert copy.standings == tournament.standings
    assert copy.waiting == tournament.waiting
    return copy


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: type(k["seating"]).__name__)
@pytest.mark.parametrize("rounds", [0, 1, 3, 4])
def test_a_copy_goes_on_exactly_alike(
    tmp_path: Path, kind: dict[str, Any], rounds: int
) -> None:
    evening = Tournament(9, 3, 3, 4, rng=3, **kind)
    for _ in range(rounds):
        evening.record([t.players[0] for t in evening.next_round()])
    copy = copy_of(evening, tmp_path / "night.json")
    if not evening.finished:
        evening.next_round()  # now a round waits
        copy = copy_of(evening, tmp_path / "night.json")
    assert copy.play().same_as(evening.play())
    assert copy_of(evening, tmp_path / "night.json").play().same_as(copy.play())


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15)
def test_people_who_come_and_go_are_in_the_file(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("nights") / "night.json"
    evening = Tournament(
        ["Zoë", Player("Bo, the Great", 1.5), "C", "D", "E"], 2, 2, 6,
        seating=SwissSeating(), forbidden=[("Zoë", "C")], rng=seed,
    )  # fmt: skip
    for _ in range(6):
        if rng.random() < 0.5:
            evening.add_player(f"N{evening.history.players}")
        if rng.random() < 0.5 and len(evening.present) > 4:
            evening.remove_player(evening.present[-1])
        evening = copy_of(evening, path)
        try:
            plan = evening.next_round()
        except ValueError:  # four are left, who cannot be parted
            evening.allow("Zoë", "C")
            plan = evening.next_round()
        evening.record([t.players[-1] for t in plan])
    copy = copy_of(evening, path)
    while evening.history.round:
        assert copy.undo() == evening.undo()
    assert json.dumps(as_dict(copy)) == json.dumps(as_dict(evening))


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_any_generator_goes_on(tmp_path: Path, bits: Any) -> None:
    evening = Tournament(8, 2, 4, 3, rng=np.random.Generator(bits(5)))
    copy = copy_of(evening, tmp_path / "night.json")
    assert copy.play().same_as(evening.play())


@dataclass(frozen=True)
class ByName:
    """A seating of one's own, that spawns streams."""

    shift: int = 0

    def seat(self, history: Any, rng: np.random.Generator) -> Any:
        lot = rng.spawn(1)[0].permutation(history.players)
        return np.arange(history.players)[lot] // (history.players // history.tables)


def test_a_class_of_ones_own_is_given_again(tmp_path: Path) -> None:
    path = tmp_path / "night.json"
    evening = Tournament(8, 2, 4, 3, seating=ByName(1), rng=1)
    evening.record([t.players[0] for t in evening.next_round()])
    evening.save(path)
    message = (
        f"{path} must be a saved tournament, but seating must be a class of this "
        f"package, got '{ByName.__module__}.ByName'; give a value of it to "
        "load(path, seating=...)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Tournament.load(path)
    copy = Tournament.load(path, seating=ByName(1))
    assert copy.play().same_as(evening.play())


def test_a_class_of_ones_own_is_never_taken_for_one_of_ours(tmp_path: Path) -> None:
    mine = type("GreedySeating", (RandomSeating,), {"__module__": "my_seatings"})
    Tournament(8, 2, 4, 3, seating=mine()).save(tmp_path / "night.json")
    with pytest.raises(ValueError, match=r", got 'my_seatings\.GreedySeating'; give"):
        Tournament.load(tmp_path / "night.json")


def test_a_schedule_and_results_are_saved_too(tmp_path: Path) -> None:
    winners = [["P1", "P2"], ["P1", "P3"], ["P1", "P2"]]
    evening = Tournament(
        4, 2, 2, 3, seating=ScheduledSeating(round_robin(4)),
        outcome=FixedOutcome(winners),
    )  # fmt: skip
    copy = copy_of(evening, tmp_path / "night.json")
    assert copy.play().same_as(evening.play())


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    class Lambda:
        def seat(self, history: Any, rng: Any) -> None: ...

    seating = Lambda()
    message = (
        "seating must be a dataclass of numbers, words and lists to be saved, got "
        f"{seating!r}"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Tournament(4, 2, 2, 3, seating=seating).save(tmp_path / "a.json")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


class TestWhole:
    def test_a_file_that_fails_leaves_the_old_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "night.json"
        path.write_text("old")

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
            write_whole(path, "new")
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
    def test_the_mode_stays_and_a_new_file_is_as_any_other(
        self, tmp_path: Path
    ) -> None:
        old, new, other = (tmp_path / name for name in ("old", "new", "other"))
        old.write_text("old")
        old.chmod(0o640)
        write_whole(old, "text")
        write_whole(new, "text")
        other.write_text("text")
        assert old.stat().st_mode & 0o777 == 0o640
        assert new.stat().st_mode == other.stat().st_mode


def change(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda found: found.update({key: value})


BROKEN: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (change("format", "x"), "must be a saved tournament, but it is something else"),
    (
        change("version", 99),
        "must be of version 1, got 99; use the mds_sim that saved it",
    ),
    (lambda found: found.pop("winner"), "must hold 'winner', but lacks it"),
    (
        change("players", [["Ann", 0.0]] * 5),
        "must be a saved tournament, but names must be unique, but players[0] and "
        "players[1] are both 'Ann'; add a surname",
    ),
    (
        lambda found: found["players"].pop(),
        "must be a saved tournament, but a row must hold 4 integers >= -2, got "
        "[1, 0, 1, -1, 0]",
    ),
    (
        change("tables", 3),
        "must be a saved tournament, but players must be >= 2 * tables = 6 (a game "
        "needs two), got 5; use tables <= 2",
    ),
    (
        change("winner", [[0, 9], [0, 1]]),
        "must be a saved tournament, but winners must be players 0 to 4, got 9",
    ),
    (
        change("winner", [[4, 1], [0, 1]]),
        "must be a saved tournament, but table 1 must have one winner, got 'P5' and "
        "'P2'",
    ),
    (
        lambda found: found["table"][0].__setitem__(3, 1),
        "must be a saved tournament, but a table must hold at most 2 players, but "
        "table 1 holds 3 in round 1: 'P1', 'P3', 'P4'",
    ),
    (
        lambda found: found["table"][1].__setitem__(0, 0.5),
        "must be a saved tournament, but a row must be whole numbers, but a row[0] = "
        "0.5",
    ),
    (
        change("rounds", 1),
        "must be a saved tournament, but table must have at most 1 round, got 2",
    ),
    (
        change("forbidden", [["P1", "P9"]]),
        "must be a saved tournament, but players must be of this tournament, but 'P9' "
        "is none; here are 'P1', 'P2', 'P3', 'P4', 'P5'",
    ),
    (
        change("here", [True] * 4),
        "must be a saved tournament, but here must hold 5 times true or false",
    ),
    (
        change("credit", [7, 0, 0, 0, 0]),
        "must be a saved tournament, but sit-outs must differ by at most 1, got 0 to 7",
    ),
    (
        lambda f: f["random"][0]["generator"].update(bit_generator="seed"),
        "must be a saved tournament, but bit_generator must be one of numpy.random, "
        "got 'seed'",
    ),
    (
        lambda f: f["random"][0]["generator"].update(has_uint32=10**30),
        "must be a saved tournament, but Python int too large to convert to C long",
    ),
    (
        change("seated", [0, 0, 0, 1, 1]),
        "must be a saved tournament, but a table must hold at most 2 players, but "
        "table 0 holds 3 in round 3: 'P1', 'P2', 'P3'",
    ),
    (
        lambda f: f.update(rounds=2, seated=[0, -1, -1, -1, -1]),
        "must be a saved tournament, but a playoff must seat two or more at table 0, "
        "got [0, -1, -1, -1, -1]",
    ),
    (
        change("random_before", []),
        "must be a saved tournament, but random_before must have 2 entries, one for "
        "each round that is recorded, got 0",
    ),
    (
        change("seating", {"class": "Tournament"}),
        "must be a saved tournament, but seating must be a class of this package, got "
        "'Tournament'; give a value of it to load(path, seating=...)",
    ),
]


@pytest.mark.parametrize(("damage", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_says_what_is_wrong(
    tmp_path: Path, damage: Callable[[dict[str, Any]], Any], message: str
) -> None:
    path = tmp_path / "night.json"
    evening = Tournament(5, 2, 2, 4, rng=5)
    for tables in ([["P2", "P5"], ["P1", "P3"]], [["P4", "P1"], ["P2", "P3"]]):
        evening.override(tables)
        evening.record([t[0] for t in tables])
    evening.save(path)
    found = json.loads(path.read_text(encoding="utf-8"))
    damage(found)
    path.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path} {message}')}$"):
        Tournament.load(path)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "null", '"a"', "\xff", "[" * 99_999, '{"a":' * 99_999, "9" * 5000],
    ids=lambda text: text[:9],
)
def test_what_is_no_tournament_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "night.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(
        ValueError, match=f"^{re.escape(str(path))} must be a saved tournament, but "
    ):
        Tournament.load(path)


def test_every_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "night.json"
    evening = Tournament(5, 2, 2, 4, rng=5)
    evening.record([t.players[0] for t in evening.next_round()])
    evening.save(path)
    whole = path.read_text(encoding="utf-8")
    for end in range(0, len(whole) - 3, 97):
        path.write_text(whole[:end], encoding="utf-8")
        with pytest.raises(ValueError, match=r"must be a saved tournament, but "):
            Tournament.load(path)
