"""What must hold for a notebook of the book: rules that need no kernel.

nbval compares outputs. It says nothing of a cell that was never executed, and of much
that a reader would stumble over. `faults` says it; it takes a path, so that tests can
tamper with a copy.
"""

import ast
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

START = "00_start"  # a table of contents: it may do without a question
MAX_BYTES = 500_000
MAX_WIDTH = 88  # characters: what a page shows without a scroll bar
MAX_FUNCTION = 10  # lines, less the docstring; longer ones belong into the package
MIN_EXERCISES = 3
MIN_ALT = 30  # characters: fewer name a figure, and do not say what it shows
TAGS = {"nbval-ignore-output", "raises-exception", "solution"}
LINK = re.compile(r'\]\(<?([^)\s>]+)[^)]*\)|\b(?:src|href)="([^"]+)"')
HEADING = re.compile(r"^(#{1,6}) ", re.MULTILINE)
PICTURE = re.compile(r"!\[([^\]]*)\]\(<?([^)\s>]+)")
MARKER = re.compile(r"#\s*(?:NBVAL|PYTEST_VALIDATE)_\w+")
EXERCISE = re.compile(r"^\*\*\d+\.\*\*", re.MULTILINE)
PARTS = (
    "https://mybinder.org/badge_logo.svg",
    "**You will**",
    "**You need**",
    "**Time**",
    "## Guess first",
    "## Exercises",
    "## What we found",
    "**Where this stops being true**",
)
ONWARD = ("**Next**", "**Read on**")  # one of them: the last notebook has no next one


def faults(path: Path) -> list[str]:
    """List what is wrong with a notebook; nothing is the good answer."""
    notebook = nbformat.read(path, as_version=4)
    code = code_cells(notebook)
    return [
        *title_faults(notebook, path),
        *heading_faults(notebook),
        *part_faults(notebook),
        *exercise_faults(notebook),
        *link_faults(notebook, path),
        *text_image_faults(notebook),
        *count_faults(code),
        *(fault for cell in code for fault in cell_faults(cell)),
        *(fault for cell in code for fault in source_faults(cell)),
        *(["file too large"] if path.stat().st_size >= MAX_BYTES else []),
    ]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """List the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown(notebook: NotebookNode) -> str:
    """Return the text cells as one text."""
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def tags(cell: NotebookNode) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def unchecked(path: Path) -> int:
    """Count the cells whose outputs nbval does not compare."""
    cells = code_cells(nbformat.read(path, as_version=4))
    return sum("nbval-ignore-output" in tags(cell) for cell in cells)


def title_faults(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The first line of the first cell is a heading, and a question."""
    first = notebook.cells[0]
    title = first.source.split("\n")[0]
    if first.cell_type != "markdown" or not title.startswith("# "):
        yield "no heading first"
    elif not title.endswith("?") and path.stem != START:
        yield "the heading asks no question"


def heading_faults(notebook: NotebookNode) -> Iterator[str]:
    """There is one title, and no heading leaves out a level."""
    levels = [len(marks) for marks in HEADING.findall(markdown(notebook))]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} titles"
    for above, below in pairwise(levels):
        if below > above + 1:
            yield f"a heading of level {below} follows one of level {above}"


def part_faults(notebook: NotebookNode) -> Iterator[str]:
    """What a reader expects from each notebook is there."""
    text = markdown(notebook)
    yield from (f"no {part!r}" for part in PARTS if part not in text)
    if not any(word in text for word in ONWARD):
        yield "says nowhere how to go on"


def exercise_faults(notebook: NotebookNode) -> Iterator[str]:
    """Each exercise has a hint and a folded solution, which checks itself."""
    text = markdown(notebook)
    found = len(EXERCISE.findall(text.partition("## Exercises")[2]))
    solutions = [cell for cell in code_cells(notebook) if "solution" in tags(cell)]
    if found < MIN_EXERCISES:
        yield f"{found} exercises"
    if text.count("<summary>Hint") != found:
        yield f"{found} exercises, {text.count('<summary>Hint')} hints"
    if len(solutions) != found:
        yield f"{found} exercises, {len(solutions)} solutions"
    for cell in solutions:
        where = f"the solution in cell [{cell.execution_count}]"
        if not re.search(r"^\s*assert ", cell.source, re.MULTILINE):
            yield f"{where} asserts nothing"
        if not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield f"{where} is not folded"


def link_faults(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Each relative link in a text cell leads to a file."""
    for link in (one or other for one, other in LINK.findall(markdown(notebook))):
        outside = re.match(r"[a-z]+:", link)
        if not outside and not (path.parent / link.partition("#")[0]).exists():
            yield f"dead link: {link}"


def count_faults(code: list[NotebookNode]) -> Iterator[str]:
    """The cells were executed once each, in order, in a fresh kernel."""
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield f"cells count {counts}"


def cell_faults(cell: NotebookNode) -> Iterator[str]:
    """A code cell has a quiet, comparable output, and words for its figures."""
    where = f"cell [{cell.execution_count}]"
    # Jupyter hides the value of such a cell, nbval shows it. The rule is Jupyter's own.
    if DisplayHook.semicolon_at_end_of_expression(cell.source):
        yield f"{where} ends with a semicolon"
    yield from (f"{where} has the tag {tag!r}" for tag in sorted(tags(cell) - TAGS))
    # A comment says the same to nbval as a tag, but not to us who count the tags.
    yield from (f"{where} has a comment {c!r}" for c in MARKER.findall(cell.source))
    for output in cell.outputs:
        data = output.get("data", {})
        if output.output_type == "error":
            yield f"{where} ends in an error"
        if output.get("name") == "stderr":
            yield f"{where} writes to stderr"
        if "image/svg+xml" in data:
            yield f"{where} shows an SVG figure"
        if any(kind.startswith("image/") for kind in data):
            yield f"{where} shows a figure without alternative text"
        if " at 0x" in json.dumps(output):
            yield f"{where} shows a memory address"
        yield from image_faults("".join(data.get("text/html", "")), where)


def source_faults(cell: NotebookNode) -> Iterator[str]:
    """The code of a cell can be read at a glance."""
    where = f"cell [{cell.execution_count}]"
    widest = max(map(len, cell.source.split("\n")))
    if widest > MAX_WIDTH:
        yield f"{where} has a line of {widest} characters"
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(cell.source))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = function_length(node)
            if length > MAX_FUNCTION:
                yield f"{where} has a function of {length} lines: {node.name}"


def function_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function, from `def` on, less its docstring."""
    first = node.body[0]
    length = (node.end_lineno or 0) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        length -= (first.end_lineno or 0) - first.lineno + 1
    return length


def text_image_faults(notebook: NotebookNode) -> Iterator[str]:
    """Each image in a text cell says what it shows; a badge is a word by itself."""
    text = markdown(notebook)
    yield from image_faults(text, "text")
    for alt, target in PICTURE.findall(text):
        if len(alt) < MIN_ALT and target != PARTS[0]:
            yield f"text says too little of a figure: {alt!r}"


def image_faults(html: str, where: str) -> Iterator[str]:
    """Each image in a piece of HTML says what it shows."""
    for alt in alternatives(html):
        if alt is None:
            yield f"{where} shows a figure without alternative text"
        elif len(" ".join(alt.split())) < MIN_ALT:
            yield f"{where} says too little of a figure: {alt!r}"


def alternatives(html: str) -> list[str | None]:
    """Return the alternative text of each image in a piece of HTML, or none."""
    found: list[str | None] = []

    class Images(HTMLParser):
        def handle_starttag(
            self, tag: str, attrs: list[tuple[str, str | None]]
        ) -> None:
            if tag == "img":
                found.append(dict(attrs).get("alt"))

    parser = Images()
    parser.feed(html)
    parser.close()
    return found
