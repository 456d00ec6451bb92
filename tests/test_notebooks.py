"""Every notebook keeps the rules of the book, and a tampered one is caught."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).parent))
rules = import_module("notebook_rules")

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
# How many outputs are not compared, and why. Whoever adds one says so here.
UNCHECKED = {
    "00_start": (1, "a panel: its view lives in the kernel"),
    "01_messages_and_mini_batches": (1, "a run on the clock on the wall"),
    "08_threads_or_processes": (9, "seconds of this machine, and their figures"),
    "09_what_if_the_machine_dies": (4, "processes killed at some moment"),
    "10_more_than_one_machine": (4, "seconds and addresses of this machine"),
    "12_how_large_should_a_bucket_be": (1, "seconds of this machine"),
    "15_game_night": (1, "a panel: its view lives in the kernel"),
    "18_the_night_and_the_stream": (1, "a run on the clock on the wall"),
    "20_what_if": (1, "a panel: its view lives in the kernel"),
}
ALT = "A figure with two bars: seven messages came, and six were handled."
SOLUTION = {"tags": ["solution"], "jupyter": {"source_hidden": True}}
TITLE = """# Why?

[![Binder](https://mybinder.org/badge_logo.svg "Run this notebook")](https://x.org)

**You will** ask. **You need** time. **Time**: 1 minute.

## Guess first

[x](https://x.org) ![A mountain that is seen from afar](next.ipynb#top)

## Exercises"""
END = """## What we found

**Where this stops being true**: here. **Next**: [Next](next.ipynb#top)"""


def test_there_are_notebooks_to_check() -> None:
    assert rules.START in [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_faults(path: Path) -> None:
    assert rules.faults(path) == []


def test_no_output_escapes_comparison_unseen() -> None:
    counts = {path.stem: rules.unchecked(path) for path in NOTEBOOKS}
    told = {name: count for name, (count, _) in UNCHECKED.items()}
    assert {name: count for name, count in counts.items() if count} == told


def exercise(number: int) -> list[NotebookNode]:
    """Return an exercise with its hint and its solution."""
    v4 = nbformat.v4
    text = f"**{number}.** Why?\n\n<details><summary>Hint</summary>Why not?</details>"
    solution = v4.new_code_cell(
        "# Solution\nassert x", execution_count=2 + number, metadata=SOLUTION
    )
    return [v4.new_markdown_cell(text), solution]


@pytest.fixture
def good() -> NotebookNode:
    """A small notebook as `make notebooks` would leave it."""
    v4 = nbformat.v4
    value = v4.new_output("execute_result", {"text/plain": "1"}, execution_count=2)
    cells = [
        v4.new_markdown_cell(TITLE),
        v4.new_code_cell("x = 1", execution_count=1),
        v4.new_code_cell("x", execution_count=2, outputs=[value]),
        *(cell for number in (1, 2, 3) for cell in exercise(number)),
        v4.new_markdown_cell(END),
    ]
    return v4.new_notebook(cells=cells)


def save(notebook: NotebookNode, folder: Path, name: str = "01_why") -> Path:
    """Write a notebook beside the one that it links to."""
    (folder / "next.ipynb").touch()
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_good_notebook_has_no_faults(good: NotebookNode, tmp_path: Path) -> None:
    good.cells[2].outputs.append(html(f'<img alt="{ALT}" src="x">'))
    assert rules.faults(save(good, tmp_path)) == []


def html(text: str) -> NotebookNode:
    """Return an output that is HTML."""
    return nbformat.v4.new_output("display_data", data={"text/html": text})


def show(kind: str, **content: object) -> Callable[[NotebookNode], object]:
    """Make a change that adds an output to the second code cell."""
    output = nbformat.v4.new_output(kind, **content)
    return lambda notebook: notebook.cells[2].outputs.append(output)


def write(index: int, source: str) -> Callable[[NotebookNode], object]:
    """Make a change of the text of a cell."""
    return lambda notebook: notebook.cells[index].update(source=source)


def swap(index: int, old: str, new: str) -> Callable[[NotebookNode], object]:
    """Make a change of some words of a cell."""

    def tamper(notebook: NotebookNode) -> None:
        assert old in notebook.cells[index].source
        changed = notebook.cells[index].source.replace(old, new)
        notebook.cells[index].source = changed

    return tamper


def tag(index: int, **metadata: object) -> Callable[[NotebookNode], object]:
    """Make a change of what is known about a cell."""
    return lambda notebook: notebook.cells[index].update(metadata=metadata)


LONG = "def count(n):\n" + '    """Count."""\n' + 9 * "    n += 1\n" + "    return n"


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (lambda nb: nb.cells[1].update(execution_count=None), "[None, 2, 3, 4, 5]"),
        (lambda nb: nb.cells[2].update(execution_count=3), "[1, 3, 3, 4, 5]"),
    ],
)
def test_a_count_that_is_wrong_is_caught(
    good: NotebookNode,
    tmp_path: Path,
    tamper: Callable[[NotebookNode], object],
    fault: str,
) -> None:
    tamper(good)
    assert rules.faults(save(good, tmp_path)) == [f"cells count {fault}"]


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (lambda nb: nb.cells.insert(0, nb.cells.pop()), "no heading first"),
        (swap(0, "# Why?", "Why?"), "no heading first"),
        (swap(0, "# Why?", "# Because"), "the heading asks no question"),
        (swap(0, "## Guess first", "# Guess first"), "2 titles"),
        (
            swap(7, "?\n", "?\n\n#### Deep\n"),
            "a heading of level 4 follows one of level 2",
        ),
        (swap(0, "badge_logo", "logo"), f"no '{rules.PARTS[0]}'"),
        (swap(0, "**You will**", "You will"), "no '**You will**'"),
        (swap(0, "**You need**", "You need"), "no '**You need**'"),
        (swap(0, "**Time**", "Time"), "no '**Time**'"),
        (swap(0, "## Guess first", "## Think"), "no '## Guess first'"),
        (swap(0, "## Exercises", "## More"), "no '## Exercises'"),
        (swap(9, "## What we found", "## And"), "no '## What we found'"),
        (
            swap(9, "**Where this stops being true**", "Where"),
            "no '**Where this stops being true**'",
        ),
        (swap(9, "**Next**", "Next"), "says nowhere how to go on"),
        (lambda nb: nb.cells.pop(7), "2 exercises"),
        (swap(7, "Hint", "Help"), "3 exercises, 2 hints"),
        (tag(8), "3 exercises, 2 solutions"),
        (swap(8, "assert x", "x"), "the solution in cell [5] asserts nothing"),
        (tag(8, tags=["solution"]), "the solution in cell [5] is not folded"),
        (swap(9, "next.ipynb", "gone.ipynb"), "dead link: gone.ipynb#top"),
        (
            swap(7, "Why?\n", f'<img alt="{ALT}" src="no.png">'),
            "dead link: no.png",
        ),
        (
            swap(7, "Why?\n", '<img src="next.ipynb">'),
            "text shows a figure without alternative text",
        ),
        (
            swap(0, "A mountain that is seen from afar", "A mountain"),
            "text says too little of a figure: 'A mountain'",
        ),
        (swap(9, "here", 500_000 * "!"), "file too large"),
        (write(2, "x;  # no value"), "cell [2] ends with a semicolon"),
        (tag(2, tags=["nbval-skip"]), "cell [2] has the tag 'nbval-skip'"),
        (write(2, "#NBVAL_SKIP\nx"), "cell [2] has a comment '#NBVAL_SKIP'"),
        (write(2, f"x = '{83 * '!'}'"), "cell [2] has a line of 89 characters"),
        (write(2, LONG), "cell [2] has a function of 11 lines: count"),
        (
            write(2, f"async {LONG}"),
            "cell [2] has a function of 11 lines: count",
        ),
        (show("error", ename="E", traceback=[]), "cell [2] ends in an error"),
        (show("stream", name="stderr", text="!"), "cell [2] writes to stderr"),
        (show("stream", text="<A at 0x7f00>"), "cell [2] shows a memory address"),
        (
            lambda nb: nb.cells[2].outputs.append(html("<i>B at 0x7f00</i>")),
            "cell [2] shows a memory address",
        ),
        (
            show("display_data", data={"image/svg+xml": "<svg/>"}),
            "cell [2] shows an SVG figure",
        ),
        (
            show("execute_result", data={"image/png": "iVBO"}),
            "cell [2] shows a figure without alternative text",
        ),
        (
            lambda nb: nb.cells[2].outputs.append(html('<img src="x">')),
            "cell [2] shows a figure without alternative text",
        ),
        (
            lambda nb: nb.cells[2].outputs.append(html("<IMG src='x' ALT=' 9  bars'>")),
            "cell [2] says too little of a figure: ' 9  bars'",
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
    assert fault in rules.faults(save(good, tmp_path))


def test_a_function_of_ten_lines_and_its_docstring_is_not_too_long(
    good: NotebookNode, tmp_path: Path
) -> None:
    good.cells[2].source = LONG.replace("    n += 1\n", "", 1)
    assert rules.faults(save(good, tmp_path)) == []


def test_the_table_of_contents_asks_no_question(
    good: NotebookNode, tmp_path: Path
) -> None:
    good.cells[0].source = good.cells[0].source.replace("# Why?", "# Start here")
    assert rules.faults(save(good, tmp_path, rules.START)) == []


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
    assert rules.faults(path) == []
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
