"""A game night at the command line: people type who won."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mds_sim import Tournament
from mds_sim.__main__ import main

Capture = pytest.CaptureFixture[str]
NAMES = ["Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida"]


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "names.txt"
    path.write_text("\n".join(NAMES), encoding="utf-8")
    return path


class Night:
    """A command that is typed at, with what it prints."""

    def __init__(
        self, capsys: Capture, monkeypatch: pytest.MonkeyPatch, names: Path
    ) -> None:
        self.capsys, self.monkeypatch, self.names = capsys, monkeypatch, names

    def begin(self, lines: list[str], *words: str, code: int = 0) -> str:
        players = ["--players", str(self.names), "--tables", "2", "--seats", "4"]
        more = ["--seating", "swiss", "--rounds", "2", "--seed", "1", *words]
        return self.run(lines, *players, *more, code=code)

    def run(self, lines: list[str], *words: str, code: int = 0, err: str = "") -> str:
        text = "".join(line + "\n" for line in lines)
        self.monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert main(["tournament", *words]) == code
        out, found = self.capsys.readouterr()
        assert found == err
        return out


@pytest.fixture
def night(capsys: Capture, monkeypatch: pytest.MonkeyPatch, names: Path) -> Night:
    return Night(capsys, monkeypatch, names)


def seated(out: str) -> list[list[list[str]]]:
    """Return the tables of each round that was printed, in order."""
    rounds = re.findall(r"^round \d+\n((?:  table .*\n)+)", out, re.MULTILINE)
    return [
        [line.split(": ")[1].split(", ") for line in text.splitlines()]
        for text in rounds
    ]


def test_a_whole_evening_with_names_in_a_process_of_its_own(
    names: Path, tmp_path: Path
) -> None:
    saved, seats = tmp_path / "night.json", tmp_path / "seats.csv"
    command = [sys.executable, "-m", "mds_sim", "tournament"]
    options = [
        "--players",
        str(names),
        "--tables",
        "2",
        "--rounds",
        "3",
        "--seed",
        "4",
        "--seating",
        "swiss",
        "--save",
        str(saved),
        "--export",
        str(seats),
    ]

    def type_in(lines: list[str], words: list[str]) -> str:
        run = subprocess.run(
            [*command, *words], input="".join(f"{line}\n" for line in lines),
            capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert (run.returncode, run.stderr) == (0, "")
        return run.stdout

    # Round 1 is seated and then the input ends; nobody else has moved the seats.
    (tables,) = seated(type_in([], options))
    assert len({name for table in tables for name in table}) == 8
    again = ["--load", str(saved), "--export", str(seats)]
    out = type_in([f"{tables[0][1]}, {tables[1][0]}"], again)
    assert seated(out)[0] == tables
    second = seated(out)[1]
    third = seated(type_in([second[0][0], "zoe", second[1][0].upper()], again))[1]
    out = type_in([third[0][0], third[1][0], *NAMES], again)
    champion = re.search(r"^(\w+) won: 9 players, 2 tables of 4, 3 rounds$", out, re.M)
    assert champion is not None
    result = Tournament.load(saved).play()
    assert result.winner.name == champion[1]
    assert [[[str(p) for p in t.players] for t in r] for r in result.rounds] == [
        tables, second, third
    ]  # fmt: skip
    with seats.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert len([line for line in lines if line["playoff"] == "0"]) == 3 * 9
    won = [line["player"] for line in lines if line["won"] == "1"]
    assert won[:4] == [tables[0][1], tables[1][0], second[0][0], second[1][0]]
    assert np.ptp(result.history.sat_out) <= 1


class TestWinners:
    def test_one_table_a_line_or_all_in_one(self, night: Night) -> None:
        (first, *_), *_ = seated(night.begin([], code=1))
        one, two = first[0], seated(night.begin([], code=1))[0][1][0]
        together = night.begin([f"{two},{one}"], code=1)
        apart = night.begin([one, two], code=1)
        assert seated(together) == seated(apart)
        assert len(seated(apart)) == 2

    @pytest.mark.parametrize(
        ("typed", "reason"),
        [
            (
                "Zoe",
                "  'Zoe' is no player; `tables` shows the names\nwon at tables 1, 2: ",
            ),
            (
                "{bench}",
                "  '{bench}' does not play in this round\nwon at tables 1, 2: ",
            ),
            (
                "{a}, {b}",
                "  table 1 must have one winner, got '{a}' and '{b}'; `undo` forgets "
                "those just typed\nwon at table 2: ",
            ),
            ("", "won at tables 1, 2: \nwon at tables 1, 2: "),
        ],
    )
    def test_what_is_wrong_is_asked_again(
        self, night: Night, typed: str, reason: str
    ) -> None:
        ((first, second),) = seated(night.begin([], code=1))
        (bench,) = set(NAMES) - {*first, *second}
        who = {"a": first[0], "b": first[1], "bench": bench}
        out = night.begin([typed.format(**who)], code=1)
        assert reason.format(**who) in out

    def test_undo_forgets_what_was_typed_and_then_the_round_before(
        self, night: Night
    ) -> None:
        ((first, second),) = seated(night.begin([], code=1))
        out = night.begin([first[0], "undo", first[1], second[0], "undo"], code=1)
        rounds = seated(out)
        assert rounds[0] == rounds[2] == [first, second]
        assert rounds[1] != rounds[0]
        assert out.count("won at table 2: ") == 2
        assert "must have one winner" not in out

    def test_undo_at_the_start_says_why_not(self, night: Night) -> None:
        out = night.begin(["undo"], code=1)
        assert "  a round must be recorded before it can be undone\n" in out

    def test_a_name_may_hold_a_comma_or_be_a_command(self, night: Night) -> None:
        night.names.write_text("Smith, Ann\nundo\nquit\nCid", encoding="utf-8")
        words = ["--players", str(night.names), "--tables", "1", "--rounds", "1"]
        for name in ("Smith, Ann", "undo", "quit"):
            out = night.run([name], *words, "--seed", "1")
            assert f"\n{name} won: 4 players" in out

    def test_a_name_with_a_comma_is_one_of_many(self, night: Night) -> None:
        night.names.write_text("Smith, Ann\nBob\nCid\nDan", encoding="utf-8")
        words = ["--players", str(night.names), "--tables", "2", "--seats", "2"]
        words += ["--rounds", "1", "--seed", "1", "--forbid", "Bob,Cid"]
        lines = ["forbid bob,smith, ann", "DAN,smith,  ann", "smith,x, ann", "undo"]
        out = night.run(lines, *words, code=1)
        assert "  table 2: Smith, Ann, Cid\n" in out
        assert "won at tables 1, 2: DAN,smith,  ann\n  'smith' is no player" in out
        out = night.run([lines[0], "DAN, smith, ann", "dan"], *words)
        assert "\nDan won: 4 players" in out

    def test_accents_may_be_typed_either_way(self, night: Night) -> None:
        night.names.write_text("Zoe\u0308\nBob", encoding="utf-8")
        words = ["--players", str(night.names), "--tables", "1", "--rounds", "1"]
        assert "\nZoe\u0308 won: " in night.run(["zo\u00eb"], *words, "--seed", "1")


class TestBetweenRounds:
    @pytest.mark.parametrize(
        "line", ["add Zoë", "remove Ann", "forbid Ann, Bob", "swap Ann, Bob", "reseat",
                 "seating greedy"],
    )  # fmt: skip
    def test_a_round_that_is_half_won_is_not_seated_anew(
        self, night: Night, line: str
    ) -> None:
        name = seated(night.begin([], code=1))[0][0][2]
        out = night.begin([name, line], code=1)
        reason = f"this round must be finished first, {name} won; `undo` forgets that"
        assert f"won at table 2: {line}\n  {reason}\nwon at table 2: " in out
        assert len(seated(out)) == 1

    def test_another_seating_is_the_way_out_of_a_plan(self, night: Night) -> None:
        night.names.write_text("Ann\nBob\nCid\nDan", encoding="utf-8")
        words = ["--players", str(night.names), "--tables", "2", "--seats", "2"]
        words += ["--seating", "schedule", "--rounds", "3", "--seed", "1"]
        lines = ["seating knockout", "add Eve", "seating greedy"]
        night.monkeypatch.setattr("sys.stderr", io.StringIO())
        out = night.run(lines, *words, code=1)
        kinds = "random, greedy, horizon, swiss"
        assert f"  seating must be one of {kinds}, got 'knockout'\n" in out
        assert "  schedule must have 5 players, got 4\nno round is seated: " in out
        assert "  sits out: " in out.split("seating greedy\n")[1]

    def test_people_come_and_go_and_the_round_is_seated_anew(
        self, night: Night
    ) -> None:
        out = night.begin(["remove cid", "add Zoë", "remove Nobody"], code=1)
        first, second, third = seated(out)
        everyone = [{name for table in r for name in table} for r in (second, third)]
        assert "Cid" not in everyone[0] | everyone[1]
        assert len(everyone[1]) == 8
        assert len(first) == 2
        assert (
            "  players must be of this tournament, but 'Nobody' is none; here are "
            "'Ann', 'Bob', 'Dan', 'Eve', 'Fay', ...\n"
        ) in out
        assert len(seated(out)) == 3  # what was refused leaves the round as it was

    def test_two_change_places(self, night: Night) -> None:
        ((first, second),) = seated(night.begin([], code=1))
        out = night.begin([f"swap {first[0].lower()}, {second[0]}"], code=1)
        other = seated(out)[1]
        assert sorted(other[0]) == sorted([second[0], *first[1:]])
        assert sorted(other[1]) == sorted([first[0], *second[1:]])

    def test_a_forbidden_pair_is_parted(self, night: Night) -> None:
        ((first, _),) = seated(night.begin([], code=1))
        pair = f"{first[0]}, {first[1]}"
        out = night.begin([f"forbid {pair}", f"swap {pair}", "allow Ann"], code=1)
        for table in seated(out)[1]:
            assert not {first[0], first[1]} <= set(table)
        assert "  two names must be given, with a comma, got 'Ann'\n" in out
        given = night.begin([], "--forbid", pair, "--forbid", "Ann,Ida", code=1)
        for table in seated(given)[0]:
            assert not {first[0], first[1]} <= set(table)
            assert not {"Ann", "Ida"} <= set(table)

    def test_a_round_that_cannot_be_seated_waits_for_a_way_out(
        self, night: Night
    ) -> None:
        night.names.write_text("Ann\nBob\nCid", encoding="utf-8")
        words = ["--players", str(night.names), "--tables", "1", "--rounds", "1"]
        words += ["--seed", "1", "--forbid", "Ann,Bob", "--seating", "swiss"]
        out = night.run(["standings", "allow Ann, Bob", "Ann"], *words)
        reason = (
            "  'Ann' and 'Bob' must not share a table, but both sit at table 1 in "
            "round 1; allow() lets them meet\n"
        )
        assert reason + "no round is seated: standings\n  1. Ann" in out
        assert "\nAnn won: 3 players" in out

    def test_a_round_can_be_seated_anew_and_shown(self, night: Night) -> None:
        first, second, third = seated(night.begin(["reseat", "tables"], code=1))
        assert first != second == third

    def test_a_plan_does_not_keep_a_round_from_being_seated_anew(
        self, night: Night
    ) -> None:
        """Horizon seating would find the same plan from the second round on."""
        begun = night.begin([], "--seating", "horizon", code=1)
        (first,) = seated(begun)
        winners = [table[0] for table in first]
        out = night.begin([*winners, "reseat"], "--seating", "horizon", code=1)
        _, planned, again = seated(out)
        assert {frozenset(t) for t in planned} != {frozenset(t) for t in again}

    def test_who_met_whom_is_saved_as_a_figure(
        self, night: Night, tmp_path: Path
    ) -> None:
        simulated, typed = tmp_path / "simulated.png", tmp_path / "typed.svg"
        night.begin([], "--simulate", "--plot", str(simulated))
        assert simulated.read_bytes()[1:4] == b"PNG"
        (first,) = seated(night.begin([], code=1))
        winners = [table[0] for table in first]
        out = night.begin(
            [*winners, winners[0]], "--rounds", "1", "--plot", str(typed)
        )  # the last line is for the playoff
        assert "won" in out
        assert typed.read_text("utf-8").startswith("<?xml")

    def test_a_figure_that_cannot_be_saved_is_refused_first(
        self, night: Night, tmp_path: Path
    ) -> None:
        path = tmp_path / "evening.txt"
        message = (
            "--plot must be a file .png, .pdf or .svg in a folder that exists, "
            f"got {str(path)!r}"
        )
        words = ["--players", "8", "--tables", "2", "--plot", str(path)]
        out = night.run([], *words, code=2, err=f"mds_sim: {message}\n")
        assert out == ""

    def test_the_standings_say_who_leads(self, night: Night) -> None:
        ((first, second),) = seated(night.begin([], code=1))
        out = night.begin([first[0], second[0], "standings"], code=1)
        lines = re.findall(r"^  (\d)\. (\w+): wins (\d), opponents' wins", out, re.M)
        assert {line[1] for line in lines[:2]} == {first[0], second[0]}
        assert [line[2] for line in lines] == [*"11", *"0000000"]

    def test_help_names_every_command(self, night: Night) -> None:
        from mds_sim._game_night import COMMANDS, HELP

        assert HELP in night.begin(["help"], code=1)
        for word in COMMANDS.keys() - {"help"}:
            assert re.search(rf"\b{word}\b", HELP), word


class TestSaving:
    def test_quit_warns_once_if_the_night_would_be_lost(self, night: Night) -> None:
        out = night.begin(["quit", "tables", "quit", "Ann"], code=1)
        assert out.count("the night is not saved: save FILE keeps it") == 1
        assert out.endswith("the night is not saved\n")

    def test_save_and_quit(self, night: Night, tmp_path: Path) -> None:
        path = tmp_path / "my night.json"
        out = night.begin([f"save {path}", "quit"])
        assert f"  saved in {path}\n" in out
        assert out.endswith(f"go on: python -m mds_sim tournament --load '{path}'\n")
        assert len(Tournament.load(path).waiting or ()) == 2

    def test_winners_of_half_a_round_are_named_as_they_are_not_kept(
        self, night: Night, tmp_path: Path
    ) -> None:
        words = ["--save", str(tmp_path / "night.json")]
        name = seated(night.begin([], code=1))[0][0][2]
        out = night.begin([name, "quit"], *words)
        assert f"\nnot kept, type again: {name}\ngo on: " in out

    def test_no_other_file_is_written_over(self, night: Night, tmp_path: Path) -> None:
        first, other = tmp_path / "night.json", tmp_path / "other.json"
        old = night.names.read_bytes()
        reason = (
            f"must be a new file, but {str(night.names)!r} is there; --load goes on "
            "with a night\n"
        )
        out = night.begin([f"save {night.names}", f"save {first}", f"save {first}"])
        assert f"  save {reason}" in out
        words = ["--load", str(first), "--save"]
        night.run([], *words, str(night.names), code=2, err=f"mds_sim: --save {reason}")
        assert night.names.read_bytes() == old
        out = night.run(["quit"], *words, str(other))
        assert out.endswith(f"go on: python -m mds_sim tournament --load {other}\n")
        assert other.read_bytes() == first.read_bytes()

    def test_a_screen_without_accents_shows_what_it_can(self, names: Path) -> None:
        names.write_text("Zoë\nBob", encoding="utf-8")
        words = ["--players", str(names), "--tables", "1", "--rounds", "1"]
        ended = subprocess.run(
            [sys.executable, "-m", "mds_sim", "tournament", *words, "--seed", "1"],
            input=b"Bob\n", capture_output=True, check=True,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )  # fmt: skip
        assert b"table 1: Zo\\xeb, Bob\n" in ended.stdout
        assert b"\nBob won: " in ended.stdout

    def test_save_needs_a_file(self, night: Night, tmp_path: Path) -> None:
        out = night.begin(["save", f"save {tmp_path}/none/a.json"], code=1)
        assert "  a file must be named: save FILE\n" in out
        assert "No such file or directory" in out

    def test_a_night_that_is_interrupted_is_kept(
        self, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "night.json"

        class Tired(io.StringIO):
            def readline(self, *size: int) -> str:
                raise KeyboardInterrupt

        words = ["--players", str(night.names), "--tables", "2", "--seed", "1"]
        monkeypatch.setattr("sys.stdin", Tired())
        assert main(["tournament", *words, "--save", str(path)]) == 130
        assert night.capsys.readouterr().err == (
            f"\ngo on: python -m mds_sim tournament --load {path}\ninterrupted\n"
        )
        assert Tournament.load(path).waiting is not None

    def test_a_saved_night_is_not_begun_again(
        self, night: Night, tmp_path: Path
    ) -> None:
        path = tmp_path / "night.json"
        night.begin([], "--save", str(path))
        words = ["--players", "8", "--save", str(path)]
        message = (
            f"mds_sim: --save must be a new file, but {str(path)!r} is there; --load "
            "goes on with a night\n"
        )
        night.run([], *words, code=2, err=message)

    def test_a_broken_night_is_refused_with_2(
        self, night: Night, tmp_path: Path
    ) -> None:
        path = tmp_path / "night.json"
        path.write_text("{}")
        message = (
            f"mds_sim: {path} must be a saved tournament, but it is something else\n"
        )
        night.run([], "--load", str(path), code=2, err=message)
        missing = tmp_path / "none.json"
        night.run([], "--load", str(missing), code=2,
                  err=f"mds_sim: no such file: {missing}\n")  # fmt: skip

    @pytest.mark.parametrize(
        "words",
        [
            ["--players", "9"], ["--tables", "2"], ["--seats", "2"], ["--rounds", "2"],
            ["--seating", "swiss"], ["--contention", "final"], ["--seed", "1"],
            ["--forbid", "A,B"],
        ],
    )  # fmt: skip
    def test_what_was_saved_is_not_given_again(
        self, night: Night, words: list[str]
    ) -> None:
        message = f"mds_sim: {words[0]} goes without --load\n"
        night.run([], "--load", "night.json", *words, code=2, err=message)

    def test_the_rest_can_be_left_to_chance(self, night: Night, tmp_path: Path) -> None:
        path = tmp_path / "night.json"
        ((first, second),) = seated(night.begin([], "--save", str(path)))
        night.run([f"{first[0]}, {second[0]}"], "--load", str(path))
        found = json.loads(night.run([], "--load", str(path), "--json"))
        assert found["rounds"][0]["tables"] == [first, second]
        assert found["rounds"][0]["winners"] == [first[0], second[0]]
        assert found["winner"] == Tournament.load(path).play().winner.name


class TestOptions:
    def test_names_need_nobody_to_type_with_simulate(self, night: Night) -> None:
        out = night.begin([], "--simulate")
        assert re.search(r"^\w+ won: 9 players, 2 tables of 4, 2 rounds$", out, re.M)

    @pytest.mark.parametrize(
        ("seating", "contention", "decided_by"),
        [("knockout", None, "knockout"), ("swiss", "funnel", "knockout"),
         ("greedy", "final", "final"), ("horizon", "funnel", "knockout")],
    )  # fmt: skip
    def test_seatings_and_rules_by_name(
        self, night: Night, seating: str, contention: str | None, decided_by: str
    ) -> None:
        words = ["--seed", "1", "--json", "--seating", seating]
        words += [] if contention is None else ["--contention", contention]
        found: dict[str, Any] = json.loads(night.run([], *words))
        assert found["decided_by"] == decided_by
        assert found["parameters"]["seating"] == seating

    def test_a_schedule_is_exported_whole_before_anybody_has_won(
        self, night: Night, tmp_path: Path
    ) -> None:
        seats, saved = tmp_path / "seats.csv", tmp_path / "night.json"
        words = ["--seating", "schedule", "--rounds", "4", "--export", str(seats)]
        words += ["--tables", "3", "--seats", "3", "--save", str(saved)]
        out = night.begin([], *words)
        said = r"^schedule: 36 of at most 36 pairs meet \(.+\)$"
        assert re.search(said, out, re.MULTILINE)
        with seats.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
        assert {line["won"] for line in lines} == {""}
        tables: dict[tuple[str, str], set[str]] = {}
        for line in lines:
            place = line["round"], line["table"]
            tables.setdefault(place, set()).add(line["player"])
        pairs = [
            pair
            for seated in tables.values()
            for pair in combinations(sorted(seated), 2)
        ]
        assert len(tables) == 12
        assert len(set(pairs)) == len(pairs) == 36
        # It goes on by the same schedule, also from the file.
        first = seated(out)[0]
        out = night.run([f"{first[0][0]},{first[1][0]},{first[2][0]}"], "--load",
                        str(saved))  # fmt: skip
        assert [set(table) for table in seated(out)[1]] == [
            tables["2", str(t)] for t in (1, 2, 3)
        ]

    def test_other_seeds_shuffle_a_schedule(self, night: Night) -> None:
        words = ["--seating", "schedule", "--players", "9", "--tables", "3"]
        words += ["--seats", "3", "--rounds", "1", "--json"]
        found = [
            json.loads(night.run([], *words, "--seed", seed))["rounds"]
            for seed in ("1", "2")
        ]
        assert found[0][0]["tables"] != found[1][0]["tables"]

    def test_a_pair_is_two_names(self, night: Night) -> None:
        message = "mds_sim: --forbid must be two names, NAME,NAME, got 'Ann'\n"
        night.run([], "--forbid", "Ann", "--seed", "1", code=2, err=message)

    def test_a_file_needs_a_folder(self, night: Night, tmp_path: Path) -> None:
        path = tmp_path / "none" / "night.json"
        message = (
            f"mds_sim: --save must be a file in a folder that exists, got {str(path)!r}"
            "\n"
        )
        night.run([], "--save", str(path), code=2, err=message)
