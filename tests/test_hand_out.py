"""Notebooks without solutions: what is handed out has none, and runs without them."""

import ast
import builtins
import re
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
QUICK = FOLDER / "05_batch_size_and_delay.ipynb"


@dataclass
class Run:
    """What a call of the command came to."""

    returncode: int
    stdout: str
    stderr: str


def hand_out(*arguments: object) -> Run:
    """Call the command, in this very process: fresh ones would take longer to begin."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as error:
        main = runpy.run_path(str(FOLDER / "hand_out.py"))["main"]
        code = main([*map(str, arguments)])
    return Run(code, out.getvalue(), error.getvalue())


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hand out the whole book."""
    folder = tmp_path_factory.mktemp("class") / "week1"
    run = hand_out(folder)
    assert (run.returncode, run.stderr) == (0, "")
    assert len(run.stdout.splitlines()) == len(NOTEBOOKS)
    return folder


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_copy_has_all_but_the_solutions(copies: Path, path: Path) -> None:
    whole, copy = (nbformat.read(p, as_version=4) for p in (path, copies / path.name))
    assert len(copy.cells) == len(whole.cells)
    emptied = 0
    for old, new in zip(whole.cells, copy.cells, strict=True):
        if is_solution(old):
            emptied += 1
            assert (new.source, new.outputs) == ("# Your solution\n", [])
            assert (new.execution_count, new.metadata) == (None, {})
        else:
            assert new == old
    assert emptied >= 3
    assert "# Solution" not in (copies / path.name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_needs_a_name_from_a_solution(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert needed_from_solutions(notebook) == set()


def needed_from_solutions(notebook: NotebookNode) -> set[str]:
    """Find the names that cells read and that only solutions before them make."""
    made, solved, needed = set(dir(builtins)), set[str](), set[str]()
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        names = [*ast.walk(ast.parse(TransformerManager().transform_cell(cell.source)))]
        stored = {name for node in names for name in binds(node)}
        if is_solution(cell):
            solved |= stored
        else:
            made |= stored
            read = {node.id for node in names if isinstance(node, ast.Name)}
            needed |= (read & solved) - made
    return needed


def binds(node: ast.AST) -> set[str]:
    """Return the names that a part of a program gives a value."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return {node.id}
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.alias):
        return {(node.asname or node.name).partition(".")[0]}
    return {node.arg} if isinstance(node, ast.arg) else set()


def is_solution(cell: NotebookNode) -> bool:
    """Whether a cell has the tag of solutions."""
    return "solution" in cell.metadata.get("tags", [])


def test_a_cell_that_needs_a_solution_is_found() -> None:
    v4 = nbformat.v4
    solution = v4.new_code_cell("import x.y\nbest = 3", metadata={"tags": ["solution"]})
    after = v4.new_code_cell("worst = 1\nprint(best, worst, x)")
    notebook = v4.new_notebook(cells=[solution, after])
    assert needed_from_solutions(notebook) == {"best", "x"}


@pytest.mark.slow
def test_a_copy_runs(copies: Path) -> None:
    path = copies / QUICK.name
    command = [sys.executable, str(FOLDER / "execute.py"), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert re.fullmatch(rf"{QUICK.name}: \d+ cells, [\d.]+ s\n", run.stdout)


def test_chosen_notebooks_only(tmp_path: Path) -> None:
    run = hand_out(tmp_path, QUICK)
    assert run.stdout == f"{tmp_path / QUICK.name}: 3 solutions left out\n"
    assert [path.name for path in tmp_path.iterdir()] == [QUICK.name]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    there = tmp_path / QUICK.name
    there.write_text("mine", encoding="utf-8")
    run = hand_out(tmp_path, QUICK)
    assert (run.returncode, there.read_text(encoding="utf-8")) == (2, "mine")
    assert run.stderr == (
        f"FOLDER must not hold what is to be written, got {there}; name a new folder\n"
    )


def test_a_folder_of_the_book_is_safe() -> None:
    before = QUICK.read_bytes()
    assert hand_out(FOLDER, QUICK).returncode == 2
    assert QUICK.read_bytes() == before


def test_a_notebook_must_exist(tmp_path: Path) -> None:
    run = hand_out(tmp_path, tmp_path / "no.ipynb")
    assert run.returncode == 2
    assert run.stderr == f"a notebook must exist, got {tmp_path / 'no.ipynb'}\n"


def test_a_notebook_must_be_one(tmp_path: Path) -> None:
    no_notebook = tmp_path / "no.ipynb"
    no_notebook.write_text("x", encoding="utf-8")
    run = hand_out(tmp_path / "class", no_notebook)
    assert (run.returncode, list((tmp_path / "class").iterdir())) == (2, [])
    assert run.stderr == (
        "FOLDER and notebooks must be what they say: "
        "Notebook does not appear to be JSON: 'x'\n"
    )


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_command_says_how_it_is_used(arguments: list[str]) -> None:
    run = hand_out(*arguments)
    assert run.returncode == 2
    usage = "usage: python notebooks/hand_out.py FOLDER [notebook ...]\n"
    assert run.stderr == usage
