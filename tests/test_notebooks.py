"""What must hold for a notebook before nbval compares its outputs.

nbval says nothing of a cell that was never executed, and of much that a reader would
stumble over. `faults` says it; it takes a path, so that tests can tamper with a copy.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from IPython.core.displayhook import DisplayHook
from nbformat import NotebookNode

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
START = "00_start"  # a table of contents: it may do without a question
MAX_BYTES = 500_000
LINK = re.compile(r'\]\(<?([^)\s>]+)[^)]*\)|\b(?:src|href)="([^"]+)"')


def faults(path: Path) -> list[str]:
    """List what is wrong with a notebook; nothing is the good answer."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        *title_faults(notebook, path),
        *link_faults(notebook, path),
        *count_faults(code),
        *(fault for cell in code for fault in cell_faults(cell)),
        *(["file too large"] if path.stat().st_size >= MAX_BYTES else []),
    ]


def title_faults(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The first line of the first cell is a heading, and a question."""
    first = notebook.cells[0]
    title = first.source.split("\n")[0]
    if first.cell_type != "markdown" or not title.startswith("# "):
        yield "no heading first"
    elif not title.endswith("?") and path.stem != START:
        yield "the heading asks no question"


def link_faults(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Each relative link in a text cell leads to a file."""
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    for link in (markdown or html for markdown, html in LINK.findall(text)):
        outside = re.match(r"[a-z]+:", link)
        if not outside and not (path.parent / link.partition("#")[0]).exists():
            yield f"dead link: {link}"


def count_faults(code: list[NotebookNode]) -> Iterator[str]:
    """The cells were executed once each, in order, in a fresh kernel."""
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield f"cells count {counts}"


def cell_faults(cell: NotebookNode) -> Iterator[str]:
    """A code cell has a quiet, comparable output."""
    where = f"cell [{cell.execution_count}]"
    # Jupyter hides the value of such a cell, nbval shows it. The rule is Jupyter's own.
    if DisplayHook.semicolon_at_end_of_expression(cell.source):
        yield f"{where} ends with a semicolon"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"{where} ends in an error"
        if output.get("name") == "stderr":
            yield f"{where} writes to stderr"
        if "image/svg+xml" in output.get("data", {}):
            yield f"{where} shows an SVG figure"
        if " at 0x" in json.dumps(output):
            yield f"{where} shows a memory address"


def test_there_are_notebooks_to_check() -> None:
    assert START in [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_faults(path: Path) -> None:
    assert faults(path) == []


@pytest.fixture
def good() -> NotebookNode:
    """A small notebook as `make notebooks` would leave it."""
    v4 = nbformat.v4
    value = v4.new_output("execute_result", {"text/plain": "1"}, execution_count=2)
    cells = [
        v4.new_markdown_cell("# Why?\n\n[Next](next.ipynb#top), [x](https://x.org)"),
        v4.new_code_cell("x = 1", execution_count=1),
        v4.new_code_cell("x", execution_count=2, outputs=[value]),
    ]
    return v4.new_notebook(cells=cells)


def save(notebook: NotebookNode, folder: Path, name: str = "01_why") -> Path:
    """Write a notebook beside the one that it links to."""
    (folder / "next.ipynb").touch()
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_good_notebook_has_no_faults(good: NotebookNode, tmp_path: Path) -> None:
    assert faults(save(good, tmp_path)) == []


def show(kind: str, **content: object) -> Callable[[NotebookNode], object]:
    """Make a change that adds an output to the last cell."""
    output = nbformat.v4.new_output(kind, **content)
    return lambda notebook: notebook.cells[2].outputs.append(output)


def write(index: int, source: str) -> Callable[[NotebookNode], object]:
    """Make a change of the text of a cell."""
    return lambda notebook: notebook.cells[index].update(source=source)


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (lambda nb: nb.cells[1].update(execution_count=None), "cells count [None, 2]"),
        (lambda nb: nb.cells[2].update(execution_count=3), "cells count [1, 3]"),
        (lambda nb: nb.cells.reverse(), "no heading first"),
        (write(0, "Why?"), "no heading first"),
        (write(0, "# Because"), "the heading asks no question"),
        (write(0, "# Why?\n[next](gone.ipynb)"), "dead link: gone.ipynb"),
        (write(0, '# Why?\n<img src="no.png">'), "dead link: no.png"),
        (write(0, "# Why?\n" + 500_000 * "!"), "file too large"),
        (write(2, "x;  # no value"), "cell [2] ends with a semicolon"),
        (show("error", ename="E", traceback=[]), "cell [2] ends in an error"),
        (show("stream", name="stderr", text="!"), "cell [2] writes to stderr"),
        (show("stream", text="<A at 0x7f00>"), "cell [2] shows a memory address"),
        (
            show("display_data", data={"text/html": "<i>B at 0x7f00</i>"}),
            "cell [2] shows a memory address",
        ),
        (
            show("display_data", data={"image/svg+xml": "<svg/>"}),
            "cell [2] shows an SVG figure",
        ),
    ],
)
def test_a_tampered_notebook_is_caught(
    good: NotebookNode,
    tmp_path: Path,
    tamper: Callable[[NotebookNode], object],
    fault: str,
) -> None:
    tamper(good)
    assert fault in faults(save(good, tmp_path))


def test_the_table_of_contents_asks_no_question(
    good: NotebookNode, tmp_path: Path
) -> None:
    good.cells[0].source = "# Start here"
    assert faults(save(good, tmp_path, START)) == []


def execute(path: Path) -> subprocess.CompletedProcess[str]:
    """Run a notebook as `make notebooks` does."""
    command = [sys.executable, str(FOLDER / "execute.py"), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_notebook_that_ran_twice_has_the_same_bytes(
    good: NotebookNode, tmp_path: Path
) -> None:
    good.cells[1].source = "import ipywidgets\nx = ipywidgets.IntSlider()"
    good.cells[1].metadata["execution"] = {"iopub.status.busy": "2024-01-01"}
    good.cells.append(nbformat.v4.new_code_cell("for i in range(9):\n    print(i)"))
    path = save(good, tmp_path)
    assert execute(path).stderr == ""
    first = path.read_bytes()
    assert execute(path).stderr == ""
    assert path.read_bytes() == first
    assert faults(path) == []
    assert b"widget" not in first.replace(b"ipywidgets", b"")
    assert b"2024" not in first


@pytest.mark.slow
@pytest.mark.parametrize("source", ["1 / 0", ""])
def test_a_notebook_that_fails_is_not_saved(
    good: NotebookNode, tmp_path: Path, source: str
) -> None:
    good.cells[1].source = source
    path = save(good, tmp_path)
    before = path.read_bytes()
    run = execute(path)
    assert run.returncode == 1
    assert run.stderr.startswith("01_why.ipynb: not saved\n")
    assert path.read_bytes() == before
