"""The command line: exit codes, what it prints, what it refuses."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import mds_sim
from mds_sim import __main__ as cli
from mds_sim.__main__ import main
from mds_sim.data import EARTHQUAKES
from mds_sim.files import write_files

Capture = pytest.CaptureFixture[str]
COMMANDS = ["stream", "files", "tournament", "demo", "lab"]
HOUR = ["stream", "--hours", "1", "--quiet"]
NIGHT = ["files", "--count", "5", "--mean", "0.001", "--quiet"]


def output_of(capsys: Capture, *words: str, code: int = 0) -> str:
    """Run a command that says nothing on stderr, and return what it prints."""
    assert main(words) == code
    out, err = capsys.readouterr()
    assert err == ""
    return out


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
        assert run.stderr.endswith("argument --rate: must be > 0, got '-1'\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["juggle"], None),
        ([*HOUR, "--rate", "0"], "argument --rate: must be > 0, got '0'"),
        ([*HOUR, "--window", "x"], "argument --window: must be > 0, got 'x'"),
        ([*HOUR, "--hours", "nan"], "argument --hours: must be > 0, got 'nan'"),
        ([*HOUR, "--speed", "inf"], "argument --speed: must be > 0, got 'inf'"),
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

    def test_json_holds_the_summary_and_nothing_else(self, capsys: Capture) -> None:
        found = json.loads(output_of(capsys, *HOUR, "--seed", "1", "--json"))
        pipeline = mds_sim.StreamPipeline(
            service=mds_sim.LinearService(60, 1, noise=mds_sim.Exponential(1.0))
        )
        summary = pipeline.simulate(until=3600, rng=1).summary()
        assert found == {**summary.to_dict(), "failed": []}

    def test_options_reach_the_pipeline(self, capsys: Capture) -> None:
        words = ["--rate", "2", "--window", "1", "--per-job", "6", "--per-item", "0"]
        out = output_of(
            capsys, *HOUR, "--seed", "1", "--json", "--workers", "3", *words
        )
        found = json.loads(out)
        assert found["workers"] == 3
        assert found["items_per_job"] == pytest.approx(3, abs=0.5)
        assert found["service_mean"] == pytest.approx(6, rel=0.5)

    def test_a_progress_bar_is_shown_unless_it_is_not_wanted(
        self, capsys: Capture
    ) -> None:
        assert main(["stream", "--hours", "0.1", "--seed", "1"]) == 0
        assert "messages" in capsys.readouterr().err

    def test_real_time_can_be_squeezed(self, capsys: Capture) -> None:
        words = ["--hours", "0.1", "--seed", "1", "--json", "--quiet"]
        jumping = json.loads(output_of(capsys, "stream", *words))
        real = json.loads(output_of(capsys, "stream", *words, "--speed", "1e5"))
        assert real["items"] == jumping["items"]
        assert real["jobs"] == jumping["jobs"]
        assert real["latency_mean"] > jumping["latency_mean"]

    def test_a_trace_is_replayed_and_its_report_is_shown(self, capsys: Capture) -> None:
        words = ["stream", "--trace", str(EARTHQUAKES), "--column", "time", "--quiet"]
        out = output_of(capsys, *words)
        assert out.splitlines()[:2] == [
            "usgs_earthquakes_2018w05.csv: 1707 rows, 0 without a stamp and 0 "
            "unreadable left out, 0 out of order put in order",
            "1,707 items in 925 jobs on 10 workers",
        ]
        found = json.loads(output_of(capsys, *words, "--json"))
        assert (found["items"], found["jobs"]) == (1707, 925)

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
                "every stamp must be ISO 8601 or seconds since 1970, but line 2 of "
                "log.csv has 'soon'; invalid=\"skip\" leaves such lines out",
            ),
            (
                b"\xff\n",
                None,
                "log.csv must be a CSV file in UTF-8, but 'utf-8' codec can't decode "
                "byte 0xff in position 0: invalid start byte",
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

    @pytest.mark.parametrize("where", ["", "none.csv"])
    def test_a_trace_that_is_not_there_or_a_folder_is_refused_with_2(
        self, capsys: Capture, tmp_path: Path, where: str
    ) -> None:
        assert main(["stream", "--trace", str(tmp_path / where)]) == 2
        assert capsys.readouterr().err.startswith("mds_sim: [Errno ")

    def test_a_service_time_must_not_be_negative(self, capsys: Capture) -> None:
        assert main([*HOUR, "--per-job", "-1"]) == 2
        message = "mds_sim: per_job must be >= 0 and finite s, got -1.0\n"
        assert capsys.readouterr() == ("", message)


class TestFiles:
    def test_files_are_made_packed_and_read(self, capsys: Capture) -> None:
        out = output_of(capsys, *NIGHT, "--seed", "1")
        lines = out.splitlines()
        assert lines[0] == "5 real files in a temporary folder"
        assert re.fullmatch(r"5 items in \d+ jobs on 10 workers", lines[1])

    def test_the_same_seed_is_the_same_night(self, capsys: Capture) -> None:
        sizes = [
            json.loads(output_of(capsys, *NIGHT, "--json", "--seed", seed))["bytes"]
            for seed in ("1", "1", "2")
        ]
        assert sizes[0] == sizes[1] != sizes[2]

    @pytest.mark.parametrize("strategy", cli.STRATEGIES)
    def test_every_strategy_has_a_name(self, capsys: Capture, strategy: str) -> None:
        words = ["--json", "--bucket", "0.002", "--seed", "1", "--strategy", strategy]
        found = json.loads(output_of(capsys, *NIGHT, *words))
        assert (found["items"], found["failed"]) == (5, [])

    def test_a_folder_is_copied(self, capsys: Capture, tmp_path: Path) -> None:
        files = write_files(tmp_path / "in", [5, 0, 700], rng=1)
        words = ["--folder", str(tmp_path / "in"), "--copy-to", str(tmp_path / "out")]
        out = output_of(capsys, "files", "--quiet", *words)
        assert out.startswith(f"3 real files in {tmp_path / 'in'}\n")
        for file in files:
            assert file.path
            copy = tmp_path / "out" / file.name
            assert copy.read_bytes() == file.path.read_bytes()

    def test_what_fails_is_named_and_ends_with_1(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        write_files(tmp_path / "in", [5, 6], rng=1)
        write_files(tmp_path / "out", [5, 6], rng=2)  # in the way
        words = ["--folder", str(tmp_path / "in"), "--copy-to", str(tmp_path / "out")]
        assert main(["files", "--quiet", *words]) == 1
        out, err = capsys.readouterr()
        assert re.search(r"^  FAILED +2$", out, re.MULTILINE)
        assert err.splitlines() == [
            f"  job 0, item {i}: FileError: {name} must not overwrite another file, "
            f"{str(tmp_path / 'out' / name)!r}"
            for i, name in enumerate(["file-000.bin", "file-001.bin"])
        ]
        assert main(["files", "--quiet", "--json", *words]) == 1
        out, err = capsys.readouterr()
        assert (len(json.loads(out)["failed"]), err) == (2, "")

    def test_a_folder_without_files_is_a_quiet_night(
        self, capsys: Capture, tmp_path: Path
    ) -> None:
        out = output_of(capsys, "files", "--quiet", "--folder", str(tmp_path))
        assert out.splitlines()[1] == "0 items in 0 jobs on 10 workers"

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--folder", "none"], "folder must exist, got 'none'"),
            (["--bucket", "1e-9"], "capacity must be whole bytes >= 1, got 0"),
        ],
    )
    def test_bad_input_is_refused_with_2(
        self, capsys: Capture, words: list[str], message: str
    ) -> None:
        assert main([*NIGHT, *words]) == 2
        assert capsys.readouterr().err == f"mds_sim: {message}\n"


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
        words = ["--tables", "1", "--rounds", "2", "--csv", str(rounds)]
        out = output_of(capsys, "tournament", "--players", str(names), *words)
        for name in ("Zoë", "Ann", "Bo", "Cy"):
            assert name in out
        with rounds.open(encoding="utf-8", newline="") as stream:
            cells = {cell for row in csv.reader(stream) for cell in row}
        assert {"Zoë", "Ann", "Bo", "Cy"} <= cells

    @pytest.mark.parametrize(
        "words", [["--players", "1"], ["--players", "none.txt"], ["--players", "0"]]
    )
    def test_players_that_cannot_play_are_refused_with_2(
        self, capsys: Capture, words: list[str]
    ) -> None:
        assert main(["tournament", *words]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("mds_sim: ")


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

    def test_it_opens_the_first_notebook_of_the_folder_and_passes_options_on(
        self, started: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notebook = tmp_path / cli.NOTEBOOK
        notebook.parent.mkdir()
        notebook.touch()
        monkeypatch.chdir(tmp_path)
        options = ["--ip", "0.0.0.0", "--no-browser", "--port=9000"]
        assert main(["lab", *options]) == 0
        assert started == [
            str(tmp_path),
            "--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb",
            *options,
        ]

    def test_it_finds_the_repository_from_anywhere(
        self, started: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(cli, "NOTEBOOK", "mds_sim/__init__.py")
        assert main(["lab"]) == 0
        assert Path(started[0], "mds_sim", "__init__.py").samefile(mds_sim.__file__)

    def test_without_notebooks_it_is_refused_with_2(
        self, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(cli, "NOTEBOOK", "none.ipynb")
        assert main(["lab"]) == 2
        message = "mds_sim: none.ipynb must exist: run this in the repository\n"
        assert capsys.readouterr() == ("", message)

    def test_without_jupyterlab_it_says_how_to_get_it(
        self, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cli, "NOTEBOOK", "mds_sim/__init__.py")
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
    assert main(HOUR) == 130
    assert capsys.readouterr() == ("", "")
