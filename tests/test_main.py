"""The command line: exit codes, what it prints, what it refuses."""

import csv
import json
import os
import re
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import mds_sim
from mds_sim.__main__ import main
from mds_sim._commands import common, lab
from mds_sim._commands import files as files_command
from mds_sim._commands.options import STRATEGIES
from mds_sim.data import DEB_SIZES, EARTHQUAKES, FLIGHTS
from mds_sim.files import NightlyPipeline, write_files

Capture = pytest.CaptureFixture[str]
COMMANDS = ["stream", "files", "tournament", "plan", "demo", "lab"]
HOUR = ["stream", "--hours", "1", "--quiet"]
NIGHT = ["files", "--count", "5", "--mean", "0.001", "--quiet"]


def output_of(capsys: Capture, *words: str, code: int = 0) -> str:
    """Run a command that says nothing on stderr, and return what it prints."""
    assert main(words) == code
    out, err = capsys.readouterr()
    assert err == ""
    return out


def flat(out: str) -> str:
    """Return what is printed as one line: long ones are broken for a terminal."""
    return " ".join(out.split())


class TestHelp:
    @pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=str)
    def test_each_command_has_its_own(self, capsys: Capture, words: list[str]) -> None:
        with pytest.raises(SystemExit) as stop:
            main([*words, "--help"])
        assert stop.value.code == 0
        out = capsys.readouterr().out
        assert out.startswith(" ".join(["usage: python -m mds_sim", *words]))
        if not words:
            assert re.findall(r"^    (\w+)\b", out, re.MULTILINE) == COMMANDS

    def test_the_version_is_that_of_the_package(self, capsys: Capture) -> None:
        with pytest.raises(SystemExit) as stop:
            main(["--version"])
        assert stop.value.code == 0
        assert capsys.readouterr().out == f"{mds_sim.__version__}\n"

    def test_a_module_can_be_run(self) -> None:
        run = subprocess.run(
            [sys.executable, "-m", "mds_sim", *HOUR, "--rate", "-1"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 2
        assert run.stderr.endswith("argument --rate: must be a number > 0, got '-1'\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["juggle"], None),
        ([*HOUR, "--rate", "0"], "argument --rate: must be a number > 0, got '0'"),
        ([*HOUR, "--window", "x"], "argument --window: must be a number > 0, got 'x'"),
        ([*HOUR, "--rate", "abc"], "argument --rate: must be a number > 0, got 'abc'"),
        (
            [*HOUR, "--per-job", "-1"],
            "argument --per-job: must be a number >= 0, got '-1'",
        ),
        (
            [*HOUR, "--per-item", "x"],
            "argument --per-item: must be a number >= 0, got 'x'",
        ),
        (
            [*NIGHT, "--bucket", "1e-9"],
            "argument --bucket: must be from 1e-06 (a byte) to 9.2e+12 MB, got '1e-9'",
        ),
        (
            [*NIGHT, "--bucket", "1e300"],
            "argument --bucket: must be from 1e-06 (a byte) to 9.2e+12 MB, got '1e300'",
        ),
        (
            [*HOUR, "--hours", "nan"],
            "argument --hours: must be a number > 0, got 'nan'",
        ),
        (
            [*HOUR, "--speed", "inf"],
            "argument --speed: must be a number > 0, got 'inf'",
        ),
        (
            [*HOUR, "--workers", "0"],
            "argument --workers: must be a whole number >= 1, got '0'",
        ),
        (
            [*HOUR, "--seed", "-1"],
            "argument --seed: must be a whole number >= 0, got '-1'",
        ),
        (
            [*NIGHT, "--count", "1.5"],
            "argument --count: must be a whole number >= 1, got '1.5'",
        ),
        ([*NIGHT, "--strategy", "magic"], None),
        ([*HOUR, "--columns"], "unrecognized arguments: --columns"),
        (["tournament", "--port", "9"], "unrecognized arguments: --port 9"),
    ],
)
def test_a_wrong_word_is_refused_with_2(
    capsys: Capture, words: list[str], message: str | None
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    if message:
        assert err.endswith(f"error: {message}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["stream", "--column", "t"], "--column goes with --trace"),
        (["stream", "--skip-invalid"], "--skip-invalid goes with --trace"),
        (["stream", "--trace", "a", "--rate", "1"], "--rate goes without --trace"),
        (["stream", "--trace", "a", "--hours", "1"], "--hours goes without --trace"),
        (["files", "--folder", "a", "--count", "1"], "--count goes without --folder"),
        (["files", "--folder", "a", "--mean", "1"], "--mean goes without --folder"),
        (["files", "--folder", "a", "--seed", "0"], "--seed goes without --folder"),
        (["files", "--ledger", "a.db"], "--ledger goes with --folder"),
        (["files", "--follow-links"], "--follow-links goes with --folder"),
        (["files", "--column", "a"], "--column goes with --sizes"),
        (["files", "--scv", "0"], "--scv goes with --sizes"),
        (["files", "--sizes", "a", "--count", "1"], "--count goes without --sizes"),
        (["stream", "--zone", "UTC"], "--zone goes with --trace"),
        (["stream", "--between", "1", "2"], "--between goes with --trace"),
        *(
            (
                ["stream", "--plot", name],
                "--plot must be a file .png, .pdf or .svg in a folder that exists, "
                f"got {name!r}",
            )
            for name in ("a.txt", "png", "none/a.png")
        ),
        *(
            (
                ["files", "--resume", f"--{name}", value],
                f"--{name} goes without --resume",
            )
            for name, value in (
                ("folder", "a"),
                ("copy-to", "a"),
                ("ledger", "a.db"),
                ("count", "1"),
                ("mean", "1"),
                ("seed", "0"),
                ("bucket", "10"),
                ("strategy", "first-fit-decreasing"),
            )
        ),
    ],
)
def test_an_option_that_would_be_ignored_is_refused_with_2(
    capsys: Capture, words: list[str], message: str
) -> None:
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"mds_sim: {message}\n")


@pytest.mark.parametrize(
    "words", [["--help"], ["stream", "--hours", "0.1", "--json"], ["tournament"]]
)
@pytest.mark.skipif(os.name != "posix", reason="pipes end otherwise")
def test_a_reader_that_has_gone_ends_it_quietly(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        run = subprocess.run(
            [sys.executable, "-m", "mds_sim", *words],
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert run.stderr == b""
    assert run.returncode in (141, 0)  # argparse may swallow the error of --help


class TestStream:
    def test_a_day_is_summed_up(self, capsys: Capture) -> None:
        out = output_of(capsys, "stream", "--seed", "1", "--quiet")
        assert re.match(r"14,\d{3} items in 28\d jobs on 10 workers\n", out)

    def test_the_same_seed_is_the_same_day(self, capsys: Capture) -> None:
        outputs = [
            output_of(capsys, *HOUR, "--seed", seed, "--json")
            for seed in ("1", "1", "2")
        ]
        assert outputs[0] == outputs[1] != outputs[2]

    def test_a_seed_that_was_not_given_is_named_and_repeats_the_run(
        self, capsys: Capture
    ) -> None:
        first, *lines = output_of(capsys, *HOUR).splitlines()
        named = re.fullmatch(r"seed (\d+) \(--seed \1 repeats this run\)", first)
        assert named
        assert output_of(capsys, *HOUR, "--seed", named[1]).splitlines() == lines

    def test_json_names_the_seed_too(self, capsys: Capture) -> None:
        found = json.loads(output_of(capsys, *HOUR, "--json"))
        seed = str(found["parameters"]["seed"])
        assert json.loads(output_of(capsys, *HOUR, "--json", "--seed", seed)) == found

    def test_json_holds_the_summary_and_the_parameters(self, capsys: Capture) -> None:
        found = json.loads(output_of(capsys, *HOUR, "--seed", "1", "--json"))
        pipeline = mds_sim.StreamPipeline(
            service=mds_sim.LinearService(60, 1, noise=mds_sim.Exponential(1.0))
        )
        summary = pipeline.simulate(until=3600, rng=1).summary()
        parameters = {
            "rate": 10.0,
            "hours": 1.0,
            "trace": None,
            "column": None,
            "format": None,
            "unit": None,
            "encoding": None,
            "skip_invalid": False,
            "zone": None,
            "between": None,
            "plot": None,
            "window": 5.0,
            "per_job": 60.0,
            "per_item": 1.0,
            "scv": 1.0,
            "speed": None,
            "workers": 10,
            "seed": 1,
        }
        expected = {**summary.to_dict(), "failed": [], "parameters": parameters}
        assert found == expected

    def test_options_reach_the_pipeline(self, capsys: Capture) -> None:
        words = ["--rate", "2", "--window", "1", "--per-job", "6", "--per-item", "0"]
        out = output_of(
            capsys, *HOUR, "--seed", "1", "--json", "--workers", "3", *words
        )
        found = json.loads(out)
        assert found["workers"] == 3
        assert found["items_per_job"] == pytest.approx(3, abs=0.5)
        assert found["service_mean"] == pytest.approx(6, rel=0.5)

    @pytest.mark.parametrize(
        ("is_terminal", "words", "shown"),
        [(True, [], True), (True, ["--quiet"], False), (False, [], False)],
    )
    def test_a_progress_bar_is_shown_in_a_terminal_if_it_is_wanted(
        self,
        capsys: Capture,
        monkeypatch: pytest.MonkeyPatch,
        is_terminal: bool,
        words: list[str],
        shown: bool,
    ) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
        assert main(["stream", "--hours", "0.1", "--seed", "1", *words]) == 0
        assert ("messages" in capsys.readouterr().err) == shown

    def test_real_time_can_be_squeezed(self, capsys: Capture) -> None:
        words = ["--hours", "0.1", "--seed", "1", "--json", "--quiet"]
        jumping = json.loads(output_of(capsys, "stream", *words))
        real = json.loads(output_of(capsys, "stream", *words, "--speed", "1e5"))
        assert real["items"] == jumping["items"]
        assert real["jobs"] == jumping["jobs"]
        assert real["latency_mean"] > jumping["latency_mean"]

    def test_a_trace_is_replayed_and_its_report_is_shown(self, capsys: Capture) -> None:
        words = ["stream", "--trace", str(EARTHQUAKES), "--column", "time", "--quiet"]
        words += ["--seed", "1"]
        out = output_of(capsys, *words)
        assert flat(out).startswith(
            "usgs_earthquakes_2018w05.csv: 1707 rows, 0 without a stamp and 0 "
            "unreadable left out, 0 out of order put in order format CSV, column 'time'"
        )
        assert "  span                                         6.98 d\n" in out
        assert "\n1,707 items in 925 jobs on 10 workers\n" in out
        found = json.loads(output_of(capsys, *words, "--json"))
        assert (found["items"], found["jobs"]) == (1707, 925)
        assert found["parameters"]["trace"] == str(EARTHQUAKES)
        assert found["parameters"]["rate"] is None
        assert (found["data"]["rows"], found["data"]["zone"]) == (1707, "")

    def test_stamps_are_read_as_the_options_say(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        path = tmp_path / "caf\xe9.csv"
        text = "Zeit;\xfc\n2024-03-01 08:00;1\n2024-03-01 08:01;1\n2024-03-01 12:00;1\n"
        path.write_bytes(text.encode("latin-1"))
        words = ["stream", "--trace", str(path), "--column", "Zeit", "--seed", "1"]
        words += ["--encoding", "latin-1", "--zone", "Europe/Berlin", "--format", "csv"]
        words += ["--between", "2024-03-01T08:00", "2024-03-01T12:00", "--quiet"]
        out = flat(output_of(capsys, *words))
        assert " first 2024-03-01T07:00:00+00:00 " in out
        assert " no zone in all stamps: Europe/Berlin assumed " in out
        assert " 1 outside of --between left out 2 items in 1 job" in out

    def test_the_longest_line_fits_a_terminal(self, capsys: Capture) -> None:
        words = ["--trace", str(FLIGHTS), "--column", "actual_departure", "--seed", "1"]
        out = output_of(capsys, "stream", *words)
        assert max(map(len, out.splitlines())) < 80

    def test_a_figure_is_saved(self, capsys: Capture, tmp_path: Path) -> None:
        path = tmp_path / "day.svg"
        out = output_of(capsys, *HOUR, "--seed", "1", "--plot", str(path))
        assert flat(out).endswith(f"figure: {path}")
        assert "<svg" in path.read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("scv", "told"), [("0", 0.0), ("0.25", 0.25), ("1", 1.0), ("4", 4.0)]
    )
    def test_service_times_vary_as_they_are_told_to(
        self, scv: str, told: float
    ) -> None:
        law = common.noise(float(scv))
        if law is None:
            assert told == 0
            return
        # 1e5 draws: 10 % off is 6 standard errors for the widest of them, seed fixed.
        draws = law.sample(100_000, rng=np.random.default_rng(1))
        assert draws.mean() == pytest.approx(1.0, abs=0.05)
        assert draws.var() == pytest.approx(told, rel=0.1)

    def test_stamps_that_are_none_can_be_left_out(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        path = tmp_path / "log.csv"
        path.write_text("t\n0\nsoon\n5\n", encoding="utf-8")
        words = ["--trace", str(path), "--skip-invalid", "--quiet", "--seed", "1"]
        out = flat(output_of(capsys, "stream", *words))
        told = "skipped, 3 rows, 0 without a stamp and 1 unreadable left out,"
        assert told in out
        assert " unreadable: line 3 2 items in " in out

    @pytest.mark.parametrize(
        ("content", "column", "message"),
        [
            (
                b"t,x\n1,2\n",
                None,
                "column must be given for log.csv, one of ['t', 'x']",
            ),
            (b"t,x\n1,2\n", "y", "column must be one of ['t', 'x'], got 'y'"),
            (b"t\n", "t", "log.csv must hold a stamp, got none"),
            (
                b"t\nsoon\n",
                "t",
                "every stamp must be a date and time (ISO 8601, RFC 2822, or as web "
                "servers write it) or a number since 1970, but line 2 of log.csv has "
                "'soon'; --skip-invalid leaves such lines out",
            ),
            (
                b"\xff\n",
                None,
                "log.csv must be text in UTF-8, but line 1 has the byte 0xff; --"
                "encoding latin-1 if it is from western Europe, or save it as UTF-8",
            ),
        ],
    )
    def test_a_trace_that_cannot_be_read_is_refused_with_2(
        self,
        capsys: Capture,
        tmp_path: Path,
        content: bytes,
        column: str | None,
        message: str,
    ) -> None:
        path = tmp_path / "log.csv"
        path.write_bytes(content)
        words = ["--column", column] if column else []
        assert main(["stream", "--trace", str(path), *words]) == 2
        assert capsys.readouterr() == ("", f"mds_sim: {message}\n")

    @pytest.mark.parametrize(
        ("where", "message"),
        [
            (
                "",
                "path must be a file, got the folder {!r}; "
                "scan_files lists the files of a folder",
            ),
            ("none.csv", "path must exist, got {!r}"),
        ],
    )
    def test_a_trace_that_is_not_there_or_a_folder_is_refused_with_2(
        self, capsys: Capture, tmp_path: Path, where: str, message: str
    ) -> None:
        path = tmp_path / where
        assert main(["stream", "--trace", str(path)]) == 2
        told = f"mds_sim: {message.format(str(path))}\n"
        assert capsys.readouterr() == ("", told)


class TestFiles:
    def test_files_are_made_packed_and_read(self, capsys: Capture) -> None:
        out = output_of(capsys, *NIGHT, "--seed", "1")
        lines = out.splitlines()
        assert lines[0] == "5 real files in a temporary folder"
        assert re.fullmatch(r"5 items in \d+ jobs? on 10 workers", lines[1])

    def test_the_same_seed_is_the_same_night(self, capsys: Capture) -> None:
        sizes = [
            json.loads(output_of(capsys, *NIGHT, "--json", "--seed", seed))["bytes"]
            for seed in ("1", "1", "2")
        ]
        assert sizes[0] == sizes[1] != sizes[2]

    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_every_strategy_has_a_name(self, capsys: Capture, strategy: str) -> None:
        words = ["--json", "--bucket", "0.002", "--seed", "1", "--strategy", strategy]
        found = json.loads(output_of(capsys, *NIGHT, *words))
        assert (found["items"], found["failed"]) == (5, [])

    def test_a_folder_is_copied(self, capsys: Capture, tmp_path: Path) -> None:
        files = write_files(tmp_path / "in", [5, 0, 700], rng=1)
        words = ["--folder", str(tmp_path / "in"), "--copy-to", str(tmp_path / "out")]
        out = output_of(capsys, "files", "--quiet", *words)
        assert flat(out).startswith(f"{tmp_path / 'in'}: 3 files, 705 B 3 items in ")
        for file in files:
            assert file.path
            copy = tmp_path / "out" / file.name
            assert copy.read_bytes() == file.path.read_bytes()

    def test_a_night_with_a_ledger_is_resumed_and_needs_nothing_else(
        self, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write_files(tmp_path / "in", [500] * 20, rng=1)
        (tmp_path / "out").mkdir()
        for name in ("file-003.bin", "file-004.bin"):
            (tmp_path / "out" / name).write_bytes(b"in the way")
        words = ["--folder", "in", "--copy-to", "out", "--ledger", "night.db"]
        small = ["--bucket", "0.001", "--workers", "3", "--quiet"]
        assert main(["files", *words, *small]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines[:3] == [
            "in: 20 files, 10 kB",
            "night.db: 20 files, 0 done before, 18 copied now, 2 failed now",
            "20 items in 10 jobs on 3 workers",
        ]
        (tmp_path / "out" / "file-003.bin").unlink()
        assert main(["files", "--resume", "--quiet"]) == 1
        told, err = capsys.readouterr()
        assert told.splitlines()[0] == (
            "night.db: 20 files, 16 done before, 1 copied now, 1 failed now, "
            "2 verified now"
        )
        target = str(tmp_path / "out" / "file-004.bin")
        assert err == (
            "  job 2, item 4: FileError: file-004.bin must not overwrite another file, "
            f"{target!r}\n"
        )
        (tmp_path / "out" / "file-004.bin").unlink()
        monkeypatch.chdir(tmp_path / "in")
        path = str(tmp_path / "night.db")
        found = json.loads(output_of(capsys, "files", "--resume", path, "--json"))
        assert found["ledger"] == {
            "path": path, "before": 18, "missing": 0, "altered": 0,
            "now": {"copied": 1, "verified": 1},
        }  # fmt: skip
        assert (found["items"], found["workers"], found["failed"]) == (20, 3, [])
        assert found["parameters"]["copy_to"] == str(tmp_path / "out")
        assert found["parameters"]["bucket"] == 0.001
        again = output_of(capsys, "files", "--resume", path, "--workers", "2")
        assert again.startswith(
            "night.db: 20 files, 20 done before\n20 items in 10 jobs"
        )

    def test_without_copies_the_files_are_read_and_the_same_words_resume(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        write_files(tmp_path / "in", [5], rng=1)
        words = ["--folder", str(tmp_path / "in"), "--ledger", str(tmp_path / "a.db")]
        for told in ("0 done before, 1 read now", "1 done before"):
            out = output_of(capsys, "files", "--quiet", *words)
            assert f"\na.db: 1 file, {told}\n" in out
        out = output_of(capsys, "files", "--resume", words[3])
        assert out.splitlines()[0] == "a.db: 1 file, 1 done before"

    def test_a_folder_without_files_has_a_ledger_as_well(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        (tmp_path / "in").mkdir()
        words = ["--folder", str(tmp_path / "in"), "--ledger", str(tmp_path / "a.db")]
        out = output_of(capsys, "files", "--quiet", *words)
        assert "\na.db: 0 files, 0 done before\n" in out

    def test_a_ledger_must_not_be_one_of_the_files(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        write_files(tmp_path / "in", [5], rng=1)
        ledger = tmp_path / "in" / "night.db"
        words = ["--folder", str(tmp_path / "in"), "--ledger", str(ledger)]
        assert main(["files", *words]) == 2
        assert capsys.readouterr() == (
            "",
            f"mds_sim: --ledger must be outside --folder {str(tmp_path / 'in')!r}, got "
            f"{str(ledger)!r}; it would be a file of the next night: "
            "keep it beside it\n",
        )
        assert not ledger.exists()

    def test_a_ledger_must_not_be_among_the_copies(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        write_files(tmp_path / "in", [5], ["f1"], rng=1)
        out, ledger = str(tmp_path / "out"), str(tmp_path / "out" / "f1")
        words = ["--folder", str(tmp_path / "in"), "--copy-to", out, "--ledger", ledger]
        assert main(["files", *words]) == 2
        assert capsys.readouterr() == (
            "",
            f"mds_sim: --ledger must be outside --copy-to {out!r}, got {ledger!r}; a "
            "copy could want its name: keep it beside it\n",
        )

    @pytest.mark.parametrize(
        ("how", "told"),
        [
            ([], "6 done before, 1 altered since, 1 missing since, 1 copied now, "
                 "1 failed now, 2 verified now"),
            (["--verify"], "4 done before, 2 altered since, 1 missing since, "
                           "1 copied now, 2 failed now, 3 verified now"),
        ],
    )  # fmt: skip
    def test_copies_that_are_gone_are_made_again_and_altered_ones_named(
        self, capsys: Capture, tmp_path: Path, how: list[str], told: str
    ) -> None:
        files = write_files(tmp_path / "in", [500] * 10, rng=1)
        out, ledger = tmp_path / "out", str(tmp_path / "night.db")
        words = ["--folder", str(tmp_path / "in"), "--copy-to", str(out)]
        small = ["--bucket", "0.001", "--quiet", "--ledger", ledger]
        output_of(capsys, "files", *words, *small)
        copies = [out / file.name for file in files]
        copies[0].unlink()
        copies[3].write_bytes(b"altered")
        copies[8].write_bytes(bytes(500))  # of the same size
        assert main(["files", "--resume", ledger, *how]) == 1
        found, err = capsys.readouterr()
        assert flat(found).startswith(f"night.db: 10 files, {told} 10 items in ")
        assert f"must not overwrite another file, {str(copies[3])!r}" in err
        assert (str(copies[8]) in err) == bool(how)
        assert copies[0].read_bytes() == (tmp_path / "in" / files[0].name).read_bytes()
        assert copies[3].read_bytes() == b"altered"
        assert copies[8].read_bytes() == bytes(500)

    def test_to_verify_goes_with_resume(self, capsys: Capture) -> None:
        assert main(["files", "--verify"]) == 2
        assert capsys.readouterr() == ("", "mds_sim: --verify goes with --resume\n")

    def test_whoever_interrupts_is_told_how_to_go_on(
        self, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

        write_files(tmp_path / "in", [5], rng=1)
        path = tmp_path / "my night.db"
        words = ["--folder", str(tmp_path / "in"), "--ledger", str(path), "--quiet"]
        with monkeypatch.context() as patch:
            patch.setattr(mds_sim.core.Ledger, "done", interrupt)
            patch.setattr(mds_sim.core.Ledger, "record", interrupt)
            assert main(["files", *words]) == 130
        told = f"go on: python -m mds_sim files --resume '{path}'\ninterrupted\n"
        assert capsys.readouterr().err == told
        assert main(["files", "--resume", str(path)]) == 0

    def test_only_a_night_that_is_there_can_be_resumed(
        self, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main(["files", "--resume"]) == 2
        assert capsys.readouterr() == (
            "",
            "mds_sim: --resume must name the ledger of a night, but there is no "
            "'night.db'; begin one with --folder and --ledger\n",
        )
        assert list(tmp_path.iterdir()) == []

    def test_only_a_night_that_copies_or_reads_can_be_resumed_here(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        path = tmp_path / "night.db"
        NightlyPipeline([5]).run(len, ledger=path, progress=False)
        assert main(["files", "--resume", str(path)]) == 2
        assert capsys.readouterr() == (
            "",
            f"mds_sim: handler must be given to go on with {str(path)!r}: it is of a "
            "night that calls builtins.len; call mds_sim.files.resume(ledger, "
            "handler)\n",
        )

    def test_a_ledger_of_another_night_is_refused_with_2(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        write_files(tmp_path / "in", [5], rng=1)
        path = tmp_path / "a.db"
        words = ["--folder", str(tmp_path / "in"), "--ledger", str(path), "--quiet"]
        assert main(["files", *words]) == 0
        write_files(tmp_path / "in", [6], ["new"], rng=1)
        capsys.readouterr()
        assert main(["files", *words]) == 2
        assert capsys.readouterr().err == (
            f"mds_sim: ledger {str(path)!r} must be of this night, but its number of "
            "files is 1, not 2; go on with what it planned by resume(ledger, handler), "
            "or --resume on the command line, or name a new ledger\n"
        )

    def test_what_fails_is_named_and_ends_with_1(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        write_files(tmp_path / "in", [5, 6], rng=1)
        write_files(tmp_path / "out", [5, 6], rng=2)  # in the way
        words = ["--folder", str(tmp_path / "in"), "--copy-to", str(tmp_path / "out")]
        assert main(["files", "--quiet", *words]) == 1
        out, err = capsys.readouterr()
        assert re.search(r"^  FAILED +2\b", out, re.MULTILINE)
        assert err.splitlines() == [
            f"  job 0, item {i}: FileError: {name} must not overwrite another file, "
            f"{str(tmp_path / 'out' / name)!r}"
            for i, name in enumerate(["file-000.bin", "file-001.bin"])
        ]
        assert main(["files", "--quiet", "--json", *words]) == 1
        out, err = capsys.readouterr()
        assert (len(json.loads(out)["failed"]), err) == (2, "")

    def test_of_many_failures_five_are_named_and_the_others_counted(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        write_files(tmp_path / "in", [5] * 7, rng=1)
        write_files(tmp_path / "out", [5] * 7, rng=2)  # in the way
        words = ["--folder", str(tmp_path / "in"), "--copy-to", str(tmp_path / "out")]
        assert main(["files", "--quiet", *words]) == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 6
        assert lines[-1] == "  and 2 more (--json lists all)"
        assert main(["files", "--quiet", "--json", *words]) == 1
        assert len(json.loads(capsys.readouterr().out)["failed"]) == 7

    @pytest.mark.parametrize("place", ["in", "in/out", "in/a/../out", "link/out"])
    def test_copies_must_not_go_into_the_folder_itself(
        self, capsys: Capture, tmp_path: Path, place: str
    ) -> None:
        folder = tmp_path / "in"
        write_files(folder, [5], rng=1)
        if place.startswith("link"):
            (tmp_path / "link").symlink_to(folder)
        words = ["--folder", str(folder), "--copy-to", str(tmp_path / place)]
        assert main(["files", *words]) == 2
        assert capsys.readouterr() == (
            "",
            f"mds_sim: --copy-to must be outside --folder {str(folder)!r}, got "
            f"{str(tmp_path / place)!r}; the next run would copy the copies: "
            "name a folder beside it\n",
        )
        assert len(list(folder.iterdir())) == 1

    @pytest.mark.parametrize("place", ["file", "file/out"])
    def test_copies_must_not_go_to_a_file(
        self, capsys: Capture, tmp_path: Path, place: str
    ) -> None:
        file = tmp_path / "file"
        file.touch()
        assert main([*NIGHT, "--copy-to", str(tmp_path / place)]) == 2
        message = f"--copy-to must be a folder, but {str(file)!r} is a file"
        assert capsys.readouterr() == ("", f"mds_sim: {message}\n")

    @pytest.mark.parametrize(
        ("words", "need"),
        [
            (["--count", "3", "--mean", "1e9"], r"3,000,000 GB"),
            (["--count", "400000", "--mean", "1e-6"], r"1\.64 GB"),  # a block each
            (["--count", "1", "--mean", "899", "--seed", "1"], "965 MB"),
        ],
    )
    def test_files_for_which_there_is_no_room_are_not_made(
        self,
        capsys: Capture,
        monkeypatch: pytest.MonkeyPatch,
        words: list[str],
        need: str,
    ) -> None:
        usage = namedtuple("usage", "free")(10**9)
        monkeypatch.setattr(files_command.shutil, "disk_usage", lambda folder: usage)
        monkeypatch.setattr(
            files_command.files, "write_files", None
        )  # nothing is written
        assert main(["files", "--seed", "3", *words]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(
            rf"mds_sim: the files must leave 10% of the free space, but they need "
            rf"{need} and \S+ has 1 GB free; lower --count or --mean, or let TMPDIR "
            r"name a folder on a larger disk\n",
            err,
        )

    def test_sizes_of_a_list_are_a_night_that_is_simulated(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        figure = tmp_path / "night.png"
        words = ["--sizes", str(DEB_SIZES), "--column", "bytes", "--scv", "0"]
        more = ["--bucket", "100", "--plot", str(figure), "--seed", "1"]
        out = output_of(capsys, "files", *words, *more)
        assert "in all                      7.17 GB\n7 files are larger" in out
        assert "\nservice: 5 s a job and 1 s a MB, always\n5,000 items in 54 " in out
        assert figure.read_bytes().startswith(b"\x89PNG")
        found = json.loads(output_of(capsys, "files", *words, *more, "--json"))
        sizes = mds_sim.data.deb_sizes().sizes
        assert found["service_mean"] == pytest.approx(5 + sizes.sum() / 1e6 / 54)
        assert (found["data"]["rows"], found["jobs"]) == (5000, 54)

    def test_a_folder_that_cannot_be_read_is_named_as_it_is_typed(
        self, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def walk(folder: Path, onerror: Any) -> Any:
            onerror(PermissionError(13, "Permission denied", "in/secret"))
            return iter(())

        monkeypatch.setattr(os, "walk", walk)  # the superuser can read everything
        words = ["files", "--folder", str(tmp_path)]
        assert main(words) == 2
        assert capsys.readouterr().err == (
            "mds_sim: every folder must be readable, but 'in/secret' is not: "
            "Permission denied; --skip-unreadable leaves it out\n"
        )
        out = flat(output_of(capsys, *words, "--skip-unreadable"))
        assert "left out: 1 unreadable folder (in/secret)" in out

    @pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
    def test_what_is_skipped_is_counted(self, capsys: Capture, tmp_path: Path) -> None:
        write_files(tmp_path, [5, 6], rng=1)
        words = ["files", "--quiet", "--folder", str(tmp_path)]
        begin = f"{tmp_path}: 2 files, 11 B"
        assert flat(output_of(capsys, *words)).startswith(f"{begin} 2 items in ")
        (tmp_path / "file").symlink_to("file-000.bin")
        told = flat(output_of(capsys, *words))
        assert told.startswith(f"{begin}; left out: 1 link 2 items in ")
        (tmp_path / "folder").symlink_to("/nowhere")
        os.mkfifo(tmp_path / "pipe")
        told = flat(output_of(capsys, *words))
        assert told.startswith(f"{begin}; left out: 2 links, 1 of another kind 2 items")
        scan = json.loads(output_of(capsys, *words, "--json"))["scan"]
        assert (scan["files"], scan["links"], scan["others"]) == (2, 2, 1)
        followed = json.loads(output_of(capsys, *words, "--json", "--follow-links"))
        assert (followed["scan"]["links"], followed["scan"]["twice"]) == (1, 1)

    @pytest.mark.parametrize(
        ("sizes", "told"),
        [
            ([10, 5], None),
            ([11, 5], "1 file is larger than a bucket and gets one of its own"),
            ([11, 12], "2 files are larger than a bucket and get one of their own"),
        ],
    )
    def test_files_larger_than_a_bucket_are_counted(
        self, capsys: Capture, tmp_path: Path, sizes: list[int], told: str | None
    ) -> None:
        write_files(tmp_path, sizes, rng=1)
        words = ["--quiet", "--folder", str(tmp_path), "--bucket", "1e-5"]
        out = flat(output_of(capsys, "files", *words))  # long names of folders wrap
        head = f"{tmp_path}: 2 files, {sum(sizes)} B"
        assert out.startswith(f"{head} {told or '2 items in 2 jobs on 10 workers'} ")

    def test_an_empty_folder_is_nothing_to_do(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        words = ["files", "--quiet", "--folder", str(tmp_path)]
        told = f"{tmp_path}: no files, 0 B nothing to do"
        assert flat(output_of(capsys, *words)) == told
        assert json.loads(output_of(capsys, *words, "--json"))["items"] == 0

    def test_a_folder_must_exist(self, capsys: Capture) -> None:
        assert main(["files", "--folder", "none", "--copy-to", "copies"]) == 2
        message = "mds_sim: folder must exist, got 'none'\n"
        assert capsys.readouterr() == ("", message)


class TestTournament:
    def test_rounds_and_standings_are_printed(self, capsys: Capture) -> None:
        out = output_of(capsys, "tournament", "--seed", "1", "--rounds", "3")
        assert re.findall(r"^round (\d)", out, re.MULTILINE)[:3] == ["1", "2", "3"]

    def test_the_same_seed_is_the_same_evening(self, capsys: Capture) -> None:
        outputs = [
            output_of(capsys, "tournament", "--seating", "random", "--seed", seed)
            for seed in ("1", "1", "2")
        ]
        assert outputs[0] == outputs[1] != outputs[2]

    def test_names_come_from_a_file_and_rounds_go_to_one(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        names, rounds = tmp_path / "names.txt", tmp_path / "rounds.csv"
        names.write_text("\ufeffZoë\r\n\r\n  Ann \r\nBo\r\nCy", encoding="utf-8")
        words = ["--tables", "1", "--rounds", "2", "--simulate", "--csv", str(rounds)]
        out = output_of(capsys, "tournament", "--players", str(names), *words)
        for name in ("Zoë", "Ann", "Bo", "Cy"):
            assert name in out
        with rounds.open(encoding="utf-8", newline="") as stream:
            cells = {cell for row in csv.reader(stream) for cell in row}
        assert {"Zoë", "Ann", "Bo", "Cy"} <= cells

    def test_a_playoff_is_no_round(self, capsys: Capture) -> None:
        words = ["--players", "4", "--tables", "2", "--seats", "2", "--rounds", "1"]
        out = output_of(capsys, "tournament", "--seed", "1", *words)
        assert re.findall(r"^(round|playoff)", out, re.M) == ["round", "playoff"]
        assert re.search(r"^playoff\n  table 1: P\d, P\d \(won by P\d\)\nP", out, re.M)

    def test_json_holds_rounds_winner_and_standings(self, capsys: Capture) -> None:
        words = ["--players", "5", "--tables", "2", "--seats", "2", "--rounds", "1"]
        words += ["--seed", "1", "--json"]
        found = json.loads(output_of(capsys, "tournament", *words))
        evening = mds_sim.Tournament(
            5, 2, 2, 1, seating=mds_sim.GreedySeating(), rng=1
        ).play()
        (played,) = found["rounds"]
        seated = [[str(p) for p in table.players] for table in evening.rounds[0]]
        assert played["tables"] == seated
        assert all(w in t for w, t in zip(played["winners"], seated, strict=True))
        assert sorted(
            played["bench"] + [name for table in seated for name in table]
        ) == [f"P{i}" for i in range(1, 6)]
        assert found["winner"] == evening.winner.name
        assert found["decided_by"] == "playoff"
        assert found["playoff"]["winners"] == [evening.winner.name]
        assert [line["player"] for line in found["standings"]] == [
            line.player.name for line in evening.standings
        ]
        assert found["standings"][0].keys() == {
            "rank", "player", *evening.criteria, "met", "sat_out"
        }  # fmt: skip
        assert found["pairs_met"] == 2
        assert found["parameters"]["seed"] == 1

    def test_a_tournament_without_a_playoff_has_none_in_json(
        self, capsys: Capture
    ) -> None:
        words = ["--players", "2", "--tables", "1", "--rounds", "1", "--json"]
        assert json.loads(output_of(capsys, "tournament", *words))["playoff"] is None

    @pytest.mark.parametrize("players", ["1", "0", "-5", "2.5", "none.txt", "", "."])
    def test_what_is_no_players_is_refused_with_2(
        self, capsys: Capture, players: str, tmp_path: Path
    ) -> None:
        assert main(["tournament", "--players", players]) == 2
        assert capsys.readouterr() == (
            "",
            "mds_sim: --players must be a number of players >= 2 or a file of names, "
            f"got {players!r}\n",
        )

    def test_too_many_players_are_refused_with_2(self, capsys: Capture) -> None:
        assert main(["tournament", "--players", "1000000"]) == 2
        message = "mds_sim: --players must be at most 5,000, got 1,000,000\n"
        assert capsys.readouterr() == ("", message)

    def test_names_in_another_encoding_are_refused_with_2(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        path = tmp_path / "names.txt"
        path.write_bytes(b"Zo\xeb\nAnn\n")
        assert main(["tournament", "--players", str(path)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"mds_sim: {path} must be a text file in UTF-8, but ")

    def test_rounds_need_a_folder_to_go_to(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        path = tmp_path / "none" / "rounds.csv"
        assert main(["tournament", "--csv", str(path)]) == 2
        message = f"--export must be a file in a folder that exists, got {str(path)!r}"
        assert capsys.readouterr() == ("", f"mds_sim: {message}\n")


@pytest.mark.slow
def test_the_demo_shows_all_of_it(capsys: Capture) -> None:
    out = output_of(capsys, "demo", "--speed", "50000")
    assert re.search(r"^Stream: 6\d\d items in 1\d jobs on 10 workers$", out, re.M)
    assert re.search(r"^Nightly files: 100 items in \d+ jobs on 10", out, re.M)
    assert "FAILED" not in out
    assert "\nTournament:\n" in out


class TestLab:
    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Put a JupyterLab in its place that only says how it was started."""
        arguments: list[str] = []
        module: Any = ModuleType("jupyterlab.labapp")
        module.LabApp = SimpleNamespace(launch_instance=arguments.extend)
        monkeypatch.setitem(sys.modules, "jupyterlab", ModuleType("jupyterlab"))
        monkeypatch.setitem(sys.modules, "jupyterlab.labapp", module)
        return arguments

    @pytest.mark.parametrize(("user", "more"), [(1000, []), (0, ["--allow-root"])])
    def test_it_opens_the_first_notebook_of_the_folder_and_passes_options_on(
        self,
        started: list[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        user: int,
        more: list[str],
    ) -> None:
        monkeypatch.setattr("os.geteuid", lambda: user, raising=False)
        notebook = tmp_path / lab.NOTEBOOK
        notebook.parent.mkdir()
        notebook.touch()
        monkeypatch.chdir(tmp_path)
        options = ["--ip", "0.0.0.0", "--no-browser", "--port=9000"]
        assert main(["lab", *options]) == 0
        assert started == [
            str(tmp_path),
            "--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb",
            *more,
            *options,
        ]

    def test_it_finds_the_repository_from_anywhere(
        self, started: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(lab, "NOTEBOOK", "mds_sim/__init__.py")
        assert main(["lab"]) == 0
        assert Path(started[0], "mds_sim", "__init__.py").samefile(mds_sim.__file__)

    def test_without_notebooks_it_is_refused_with_2(
        self, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(lab, "NOTEBOOK", "none.ipynb")
        assert main(["lab"]) == 2
        message = "mds_sim: none.ipynb must exist: run this in the repository\n"
        assert capsys.readouterr() == ("", message)

    def test_without_jupyterlab_it_says_how_to_get_it(
        self, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lab, "NOTEBOOK", "mds_sim/__init__.py")
        monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
        assert main(["lab"]) == 2
        message = 'mds_sim: JupyterLab must be installed: pip install -e ".[lab]"\n'
        assert capsys.readouterr() == ("", message)


def test_a_ctrl_c_ends_with_130(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(mds_sim.StreamPipeline, "run", interrupted)
    assert main([*HOUR, "--seed", "1"]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


def test_a_want_of_memory_is_said_with_2(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: Any, **options: Any) -> Any:
        raise MemoryError("Unable to allocate 8 TiB")

    monkeypatch.setattr(mds_sim.StreamPipeline, "run", too_large)
    assert main([*HOUR, "--seed", "1"]) == 2
    message = "mds_sim: too much for the memory: Unable to allocate 8 TiB\n"
    assert capsys.readouterr() == ("", message)
