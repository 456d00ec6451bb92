"""`make nbval` is red where a cell was not run, though pytest itself would be green."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

GUARD = Path(__file__).parents[1] / "notebooks" / "conftest.py"
OPTIONS = ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider"]

pytestmark = pytest.mark.slow


def notebook(count: int | None = 2, tags: tuple[str, ...] = ()) -> NotebookNode:
    """Return a notebook of two cells; the second one may be tampered with."""
    v4 = nbformat.v4
    first = v4.new_code_cell("x = 1", execution_count=1)
    second = v4.new_code_cell("y = x", execution_count=count)
    second.metadata["tags"] = list(tags)
    return v4.new_notebook(cells=[first, second])


def nbval(folder: Path, *options: str) -> tuple[int, list[str]]:
    """Run the notebooks of a folder, and return the verdict and what is said."""
    shutil.copy(GUARD, folder)
    names = sorted(path.name for path in folder.glob("*.ipynb"))
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", *OPTIONS, *options]
    run = subprocess.run(
        [*command, *names], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    return run.returncode, run.stdout.splitlines()


def test_cells_that_all_ran_are_counted(tmp_path: Path) -> None:
    nbformat.write(notebook(), tmp_path / "good.ipynb")
    status, said = nbval(tmp_path)
    assert status == 0
    assert said[1] == "2 of 2 code cells of 1 notebooks passed"


@pytest.mark.parametrize(
    "options",
    [(), ("-n", "2", "--dist", "loadfile")],
    ids=["one at a time", "two at a time"],
)
def test_a_cell_that_nobody_ran_is_a_failure(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    nbformat.write(notebook(), tmp_path / "good.ipynb")
    nbformat.write(notebook(tags=("nbval-skip",)), tmp_path / "skipped.ipynb")
    nbformat.write(notebook(count=None), tmp_path / "unrun.ipynb")
    status, said = nbval(tmp_path, *options)
    assert status == 1
    assert "5 of 6 code cells of 3 notebooks passed" in said
    wrong = [line for line in said if line.startswith(("good", "skipped", "unrun"))]
    assert wrong == [
        "skipped.ipynb: 1 of 2 code cells passed",
        "unrun.ipynb: 1 code cells were saved without having been run",
    ]
