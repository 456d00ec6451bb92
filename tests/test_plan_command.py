"""The command `plan`: its answers are those of the planners, on people's own data."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mds_sim
from mds_sim.__main__ import main
from mds_sim._commands.plan import EXAMPLES
from mds_sim.data import DEB_SIZES, EARTHQUAKES, FLIGHTS
from mds_sim.files import write_files
from mds_sim.units import MB

Capture = pytest.CaptureFixture[str]
QUAKES = ["--trace", str(EARTHQUAKES), "--column", "time"]
PACKAGES = ["--sizes", str(DEB_SIZES), "--column", "bytes"]
QUICK = ["--scv", "0", "--seed", "1"]


def output_of(capsys: Capture, *words: str) -> str:
    """Plan something, and return what is printed."""
    assert main(["plan", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def plan_of(capsys: Capture, *words: str) -> dict[str, object]:
    """Plan something, and return the plan."""
    found = json.loads(output_of(capsys, *words, "--json"))
    assert isinstance(found, dict)
    return found


def refused(capsys: Capture, *words: str) -> str:
    """Return why a plan is refused."""
    assert main(["plan", *words]) == 2
    return capsys.readouterr().err.removeprefix("mds_sim: ").removesuffix("\n")


def test_a_pool_for_a_trace_at_the_command_line() -> None:
    words = [*QUAKES, "--target", "400", "--quantile", "0.99", *QUICK, "--check"]
    run = subprocess.run(
        [sys.executable, "-m", "mds_sim", "plan", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert max(map(len, run.stdout.splitlines())) < 80
    out = " ".join(run.stdout.split())
    assert "usgs_earthquakes_2018w05.csv: 1707 rows" in out
    told = "passes for a Poisson stream; simulated: a Poisson stream of its rate"
    assert told in out
    assert " service: 60 s a job and 1 s a message, always " in out
    assert " 1 worker: in a day like this one, 99 % of the messages are done " in out
    assert " 1 100.0 % [95.5 %, 100.0 %] yes, the answer " in out
    assert " tried on 1,000 fresh ones: 100.0 % kept the target [99.6 %, " in out


def test_the_answer_is_that_of_plan_workers(capsys: Capture, tmp_path: Path) -> None:
    figure = tmp_path / "plan.png"
    words = ["--rate", "10", "--target", "4500", "--per-job", "1200", "--per-item"]
    words += ["0", "--scv", "0.25", "--probability", "0.9", "--window", "5"]
    words += ["--hours", "12", "--check", "50", "--plot", str(figure), "--seed", "3"]
    found = plan_of(capsys, *words, "--replications", "100")
    stream = mds_sim.StreamPipeline(
        service=mds_sim.LinearService(1200.0, noise=mds_sim.Gamma(1.0, 0.25))
    )
    plan = mds_sim.analysis.plan_workers(
        stream, 4500, probability=0.9, until=12 * 3600, replications=100, rng=3,
        progress=False,
    )  # fmt: skip
    for name, value in plan.to_dict().items():
        assert found[name] == value, name
    fresh = plan.check(50, rng=np.random.default_rng([3, 1]))
    assert found["check"] == {
        "replications": 50,
        "share": fresh.mean,
        "low": fresh.low,
        "high": fresh.high,
    }
    assert found["parameters"]["seed"] == 3  # type: ignore[index]
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_trace_that_is_not_poisson_is_replayed(capsys: Capture) -> None:
    words = ["--trace", str(FLIGHTS), "--column", "scheduled_departure"]
    found = plan_of(capsys, *words, "--target", "700", "--replications", "100", *QUICK)
    assert found["law"] == "replay"
    assert "in a run of this trace" in str(found["promise"])
    day = plan_of(
        capsys, *words, "--target", "700", "--law", "varying", "--zone",
        "America/New_York", "--replications", "100", *QUICK,
    )  # fmt: skip
    assert day["law"] == "varying"
    assert "in a day like this one" in str(day["promise"])


def test_the_longest_window_and_the_cheapest(capsys: Capture) -> None:
    words = ["window", "--rate", "10", "--workers", "2", *QUICK]
    longest = plan_of(capsys, *words, "--target", "300", "--try", "1,2,3,4")
    assert (longest["question"], longest["answer"]) == ("window", 180.0)
    costs = ["--cost-per-job", "1", "--cost-per-second", "0.001"]
    cheapest = plan_of(capsys, *words, *costs, "--try", "0.5,1.5,5", "--hours", "6")
    assert (cheapest["target"], cheapest["answer"]) == (None, 90.0)


def test_buckets_for_the_files_of_a_folder(capsys: Capture, tmp_path: Path) -> None:
    write_files(tmp_path, [3000, 3000, 4000, 6000], rng=1)
    words = ["buckets", "--folder", str(tmp_path), "--deadline", "22", "--workers"]
    words += ["2", "--per-job", "10", "--per-mb", "1000", "--try", "0.006,0.01"]
    found = plan_of(capsys, *words, "--replications", "100", *QUICK)
    assert found["answer"]["capacity"] == 10_000  # type: ignore[index]
    assert found["scan"]["files"] == 4  # type: ignore[index]
    out = output_of(capsys, *words, "--replications", "100", *QUICK)
    assert max(map(len, out.splitlines()[1:])) < 80  # a path is as long as it is
    rows = [line.split() for line in out.splitlines()]
    said = {tuple(row[:4]): row[-1] for row in rows if row[1:2] == ["kB"]}
    assert said["10", "kB", "first-fit-decreasing", "given"] in ("yes", "answer")
    assert said["6", "kB", "balanced", "longest"] == "no"


def test_a_pool_for_nights_like_a_list_of_sizes(capsys: Capture) -> None:
    words = ["--deadline", "60", "--per-job", "10", "--per-mb", "0.1", *QUICK]
    found = plan_of(capsys, *PACKAGES, "--count", "100", *words)
    nights = mds_sim.NightlyPipeline.from_sizes(
        mds_sim.read_sizes(DEB_SIZES, "bytes"),
        count=100,
        service=mds_sim.LinearService(10.0, per_byte=0.1 / MB),
    )
    plan = mds_sim.analysis.plan_workers(nights, 60, rng=1, progress=False)
    assert found["answer"] == plan.answer
    assert found["promise"] == plan.promise
    same = plan_of(capsys, *PACKAGES, *words[:1], "7000", *words[2:])
    assert "a night like these" in str(same["promise"])


def test_random_files_are_a_night_too(capsys: Capture) -> None:
    words = ["--count", "10", "--mean", "2", "--deadline", "100", *QUICK]
    found = plan_of(capsys, *words, "--replications", "100")
    assert found["parameters"]["bucket"] == 10.0  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--target must be given, in seconds"),
        (["buckets"], "--target must be given, in seconds"),
        (["--workers", "3"], "--workers goes without `plan workers`"),
        (["--try", "1,2"], "--try goes without `plan workers`"),
        (["window", "--window", "3"], "--window goes without `plan window`"),
        (["--cost-per-job", "1"], "--cost-per-job goes with `plan window`"),
        (["window", "--folder", "a"], "--folder goes without `plan window`: a night "
         "has none"),
        (["window", "--check"], "--check goes with --target"),
        (["window", "--cost-per-job", "1"], "target must be given, or both "
         "cost_per_job and cost_per_second, got only cost_per_job"),
        (["--bucket", "5"], "--bucket goes with nights of files: --folder, --sizes, "
         "--count or --mean"),
        (["--per-mb", "5"], "--per-mb goes with nights of files: --folder, --sizes, "
         "--count or --mean"),
        (["buckets", "--rate", "5"], "--rate goes with a stream, not with nights of "
         "files"),
        (["buckets", "--trace", "a"], "--trace goes with a stream, not with nights of "
         "files"),
        (["--count", "5", "--quantile", "0.9"], "--quantile goes with a stream, not "
         "with nights of files"),
        (["--trace", "a", "--rate", "5"], "--rate goes without --trace"),
        (["--law", "replay"], "--law goes with --trace"),
        (["--folder", "a", "--sizes", "b"], "--sizes goes without --folder"),
        (["--folder", "a", "--mean", "1"], "--mean goes without --folder and --sizes"),
        (["--count", "1", "--column", "a"], "--column goes with --sizes"),
        (["--count", "1", "--follow-links"], "--follow-links goes with --folder"),
        (["--target", "5", "--plot", "a"], "--plot must be a file .png, .pdf or .svg "
         "in a folder that exists, got 'a'"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_refused(
    capsys: Capture, words: list[str], message: str
) -> None:
    assert refused(capsys, *words) == message


def test_a_target_that_cannot_be_kept_says_which_can(capsys: Capture) -> None:
    words = ["--rate", "10", "--target", "300", "--seed", "1"]
    found = re.match(r"target must be >= (\d+) s, ", refused(capsys, *words))
    assert found
    answer = plan_of(capsys, *words[:3], found[1], *words[4:])["answer"]
    assert isinstance(answer, int)


def test_an_empty_folder_has_no_night(capsys: Capture, tmp_path: Path) -> None:
    words = ["--folder", str(tmp_path), "--deadline", "5"]
    assert (
        refused(capsys, *words) == f"--folder must hold a file, got {str(tmp_path)!r}"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--quantile", "1"], "argument --quantile: must be a share > 0 and < 1, such "
         "as 0.99, got '1'"),
        (["--confidence", "x"], "argument --confidence: must be a share > 0 and < 1, "
         "such as 0.99, got 'x'"),
        (["--try", "1,x"], "argument --try: must be a number > 0, got 'x'"),
        (["--check", "1"], "argument --check: must be a whole number >= 2, got '1'"),
        (["--target", "0"], "argument --target/--deadline: must be a number > 0, got "
         "'0'"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_refused(
    capsys: Capture, words: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["plan", *words])
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {message}\n")


def test_the_help_names_files_that_exist() -> None:
    root = Path(mds_sim.__file__).parents[1]
    named = [word for word in EXAMPLES.split() if word.startswith("mds_sim/data/")]
    assert len(named) == 2
    assert all((root / name).is_file() for name in named)


def test_the_buckets_of_the_help_can_be_had(capsys: Capture) -> None:
    assert "done within two minutes:" in EXAMPLES
    assert "--count 100 --deadline 120 " in EXAMPLES
    night = ["--count", "100", "--deadline", "120", "--per-job", "10"]
    plan = plan_of(
        capsys, "buckets", *PACKAGES, *night, "--per-mb", "0.1", "--seed", "1"
    )
    assert plan["target"] == 120.0
