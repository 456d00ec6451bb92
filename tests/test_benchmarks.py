"""The scripts of `benchmarks/` on instances of one's own."""

import csv
import io
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import nbformat
import numpy as np
import pytest

from mds_sim.files import FirstFitDecreasing, pack
from mds_sim.files.instances import Instance, falkenauer_triplets, write_instance

SCRIPTS = Path(__file__).parents[1] / "benchmarks"
NIGHTS = {
    "a.txt": Instance("a", np.array([4, 4, 3, 3, 3, 3]), 10),
    "deep/er/b.txt": falkenauer_triplets(60, 1),
    "deep/c, with a comma.bpp": Instance("c", np.array([6, 5, 4, 25]), 10),
}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import `benchmarks/packing.py`, which finds its neighbours as scripts do."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return import_module("packing")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write instances, some of them below others, and files that are none."""
    for name, instance in NIGHTS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_instance(instance, path)
    (tmp_path / "deep" / "broken.txt").write_text("3\n10\n6\n5.5\n4\n")
    (tmp_path / "README").write_text("three instances\n")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / ".hidden.txt").write_text("nothing")
    return tmp_path


def run(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str | Path
) -> None:
    """Call the script as a command."""
    monkeypatch.setattr(sys, "argv", ["packing.py", *map(str, words)])
    script.main()


class TestInstances:
    def test_all_that_can_be_read_is_packed(
        self,
        script: ModuleType,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run(script, monkeypatch, "--instances", folder)
        out, err = capsys.readouterr()
        rows = list(csv.DictReader(io.StringIO(out)))
        assert [row["instance"] for row in rows] == sorted(NIGHTS)
        for row in rows:
            night = NIGHTS[row["instance"]]
            packing = pack(night.sizes, night.capacity, FirstFitDecreasing())
            assert int(row["files"]) == night.sizes.size
            assert int(row["bound"]) == packing.lower_bound
            assert int(row["FirstFitDecreasing"]) == packing.n_buckets
            assert "status" not in row
        assert err.splitlines() == [
            "README is left out: the number of files must be a whole number >= 0 in "
            "int64, but line 1 of README has 'three instances'",
            "bytes.txt is left out: bytes.txt must be a text file in UTF-8",
            "deep/broken.txt is left out: size 2 of 3 must be a whole number >= 0 in "
            "int64, but line 4 of broken.txt has '5.5'",
            "3 instances, 3 files left out",
        ]

    def test_exact_shows_both_bounds(
        self,
        script: ModuleType,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run(script, monkeypatch, "--instances", folder, "--exact", "20")
        out, err = capsys.readouterr()
        found = {
            row["instance"]: (row["at_least"], row["fewest_found"], row["status"])
            for row in csv.DictReader(io.StringIO(out))
        }
        assert found == {
            "a.txt": ("2", "2", "proved"),
            "deep/c, with a comma.bpp": ("3", "3", "proved"),
            "deep/er/b.txt": ("20", "20", "proved"),
        }
        assert err.splitlines()[-1] == "3 of 3 proved, 20 s each"

    def test_what_is_not_proved_is_open(
        self,
        script: ModuleType,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        write_instance(falkenauer_triplets(249, 1), tmp_path / "t.txt")
        run(script, monkeypatch, "--instances", tmp_path, "--exact", "1e-9")
        out, err = capsys.readouterr()
        (row,) = csv.DictReader(io.StringIO(out))
        assert row["status"] == "open"
        assert int(row["at_least"]) == 83 < int(row["fewest_found"])
        assert err.splitlines()[-1] == "0 of 1 proved, 1e-09 s each"

    def test_an_empty_folder_is_a_table_without_rows(
        self,
        script: ModuleType,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run(script, monkeypatch, "--instances", tmp_path)
        out, err = capsys.readouterr()
        assert out.startswith("instance,files,bound,NextFit,")
        assert len(out.splitlines()) == 1
        assert err == "0 instances, 0 files left out\n"

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (
                ["--instances", "nowhere"],
                "argument --instances: must be a folder, got 'nowhere'",
            ),
            (
                ["--instances", ".", "--exact", "0"],
                "argument --exact: must be > 0 seconds, got '0'",
            ),
            (
                ["--instances", ".", "--exact", "soon"],
                "argument --exact: must be > 0 seconds, got 'soon'",
            ),
            (
                ["--exact", "5"],
                "--exact must go with --instances; exact.py has the classes",
            ),
        ],
    )
    def test_bad_input(
        self,
        script: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        words: list[str],
        message: str,
    ) -> None:
        with pytest.raises(SystemExit) as stop:
            run(script, monkeypatch, *words)
        assert stop.value.code == 2
        assert (
            capsys.readouterr().err.splitlines()[-1] == f"packing.py: error: {message}"
        )


def test_a_script_writes_between_its_marks_only(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    report = import_module("report")
    readme = tmp_path / "README.md"
    monkeypatch.setattr(report, "README", readme)
    before = "# One\n\n<!-- x.py writes from here -->\nold\n<!-- to here -->\n\nlast\n"
    readme.write_text(before)
    report.write("x.py", ["new"])
    assert readme.read_text() == before.replace("\nold\n", "\n\nnew\n")
    text = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    for name in ("packing.py", "exact.py", "book.py"):
        assert text.count(f"<!-- {name} writes from here -->") == 1


class TestBook:
    @pytest.fixture
    def book(self, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """Import `benchmarks/book.py`."""
        monkeypatch.syspath_prepend(str(SCRIPTS))
        return import_module("book")

    def notebook(self, folder: Path, source: str) -> Path:
        """Write a notebook of one cell."""
        cells = [nbformat.v4.new_code_cell(source)]
        path = folder / "one.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    @pytest.mark.slow
    def test_a_child_of_the_kernel_counts(
        self, book: ModuleType, tmp_path: Path
    ) -> None:
        work = (
            "import time; held = b'x' * 300_000_000; end = time.process_time() + 0.5\n"
            "while time.process_time() < end: pass"
        )
        source = f"import subprocess, sys\nwork = {work!r}\n"
        source += "subprocess.run([sys.executable, '-c', work], check=True)"
        cost = book.measure(self.notebook(tmp_path, source))
        assert 300e6 < cost.memory < 1000e6
        assert cost.cpu > 0.3
        assert cost.wall > 0.5

    @pytest.mark.slow
    def test_a_notebook_that_fails_has_no_cost(
        self, book: ModuleType, tmp_path: Path
    ) -> None:
        path = self.notebook(tmp_path, "1 / 0")
        with pytest.raises(RuntimeError, match=r"^one\.ipynb must run to its end$"):
            book.measure(path)

    def test_what_is_beyond_the_promise_is_said(self, book: ModuleType) -> None:
        costs = {
            "kept": book.Cost(20.0, 90.0, 10**9),
            "slow": book.Cost(20.1, 1.0, 5 * 10**6),
            "large": book.Cost(1.0, 1.0, 10**9 + 1),
        }
        assert book.table(costs).splitlines()[2:] == [
            "| kept | 20.0 | 90.0 | 1,000 | yes |",
            "| slow | 20.1 | 1.00 | 5.00 | no |",
            "| large | 1.00 | 1.00 | 1,010 | no |",
            "| all, one after another | 41.1 | 92.0 | | |",
        ]
