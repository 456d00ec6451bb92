"""Notebooks as pages: what was shown when they were last run, with solutions folded."""

import base64
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

BADGE = re.compile(r"\[!\[Binder\]\([^)]*\)\]\((https://mybinder\.org/v2/gh/[^)]*)\)")
NO_PLACE = "/gh/OWNER/REPO/"  # as long as nobody has said where the repository is
NOTE = """\
:::{{admonition}} Run it yourself
:class: tip mds-run-it
This page shows the notebook as it was last run. To change a number and see what
happens, get the project and type `make lab`{binder}. Panels with sliders and buttons
work there only; here a figure stands in for each.
{{download}}`Get this notebook <original/{name}>`.
:::"""


@dataclass(frozen=True)
class Book:
    """A notebook that has become a page: ``number`` as in 02, and its title."""

    path: Path
    number: str
    title: str
    notebook: NotebookNode


def write(source: Path, target: Path) -> list[Book]:
    """Write a page for each notebook of a folder, and a page that lists them."""
    target.mkdir(parents=True)
    (target / "original").mkdir()
    books = []
    for path in sorted(source.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        check_executed(notebook, path.name)
        books.append(Book(path, path.name[:2], title_of(notebook, path), notebook))
        shutil.copyfile(path, target / "original" / path.name)
        nbformat.write(page(notebook, path.name, target), target / path.name)
    (target / "index.md").write_text(contents(books), encoding="utf-8")
    return books


def check_executed(notebook: NotebookNode, name: str) -> None:
    """Refuse a notebook that was not run from top to bottom, once."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(counts) + 1)):
        raise ValueError(
            f"the cells of {name} must be run once each and in order, got the counts "
            f"{counts}; run `make notebooks` first"
        )
    for cell in code:
        if any(output.output_type == "error" for output in cell.outputs):
            raise ValueError(
                f"the cells of {name} must run without an error, but cell "
                f"[{cell.execution_count}] ends in one; mend it, run `make notebooks`"
            )


def title_of(notebook: NotebookNode, path: Path) -> str:
    """Return the heading of a notebook."""
    first = notebook.cells[0].source.partition("\n")[0]
    if not first.startswith("# "):
        raise ValueError(f"{path.name} must begin with a heading, got {first!r}")
    return str(first[2:])


def page(notebook: NotebookNode, name: str, folder: Path) -> NotebookNode:
    """Return a copy made for reading: a note on top, solutions folded."""
    made = nbformat.from_dict(notebook)
    first = made.cells[0]
    address = BADGE.search(first.source)
    first.source = BADGE.sub(note(name, address[1] if address else ""), first.source)
    for cell in made.cells:
        save_pictures(cell, name, folder)
        if cell.cell_type == "code" and "solution" in cell.metadata.get("tags", []):
            fold(cell)
    return made


def note(name: str, binder: str) -> str:
    """Say what the page is, and where the notebook can be run."""
    known = binder and NO_PLACE not in binder
    words = f", or open it [on Binder]({binder}), which needs a browser only"
    return NOTE.format(name=name, binder=words if known else "")


def fold(cell: NotebookNode) -> None:
    """Hide a solution behind a line that opens it, output and all."""
    cell.metadata.tags = [*cell.metadata.tags, "hide-cell"]
    prompts = {"code_prompt_show": "Show a solution", "code_prompt_hide": "Solution"}
    cell.metadata.mystnb = prompts


def save_pictures(cell: NotebookNode, name: str, folder: Path) -> None:
    """Write the pictures of a text cell into files, which a page can show."""
    for picture, kinds in cell.pop("attachments", {}).items():
        file = f"{Path(name).stem}-{picture}"
        (data,) = kinds.values()
        (folder / file).write_bytes(base64.b64decode(data))
        cell.source = cell.source.replace(f"(attachment:{picture})", f"({file})")


def first_figure(book: Book, folder: Path) -> str:
    """Return the first figure of a notebook, in Markdown; the front page shows it."""
    outputs = [o for cell in book.notebook.cells for o in cell.get("outputs", [])]
    for data in (output.get("data", {}) for output in outputs):
        if "<img " in data.get("text/html", ""):
            html = data["text/html"]
            return f"```{{raw}} html\n<div class='mds-first-figure'>{html}</div>\n```"
        if "image/png" in data:
            (folder / "first.png").write_bytes(base64.b64decode(data["image/png"]))
            return "![The three problems in one picture](first.png)"
    raise ValueError(f"{book.path.name} must have a figure for the front page")


def contents(books: list[Book]) -> str:
    """Write the page that lists the notebooks."""
    entries = [f"{b.number} {b.title} <{b.path.stem}>" for b in books]
    rows = [f"| {b.number} | [{b.title}]({b.path.name}) | {times(b)} |" for b in books]
    return "\n".join(
        [
            "# Notebooks",
            "",
            "Each begins with a question and a guess, and ends with exercises, whose",
            "solutions are folded. Begin with the first; after it, any order will do.",
            "",
            "| no. | question | time |",
            "|---|---|---|",
            *rows,
            "",
            "```{toctree}",
            ":hidden:",
            "",
            *entries,
            "```",
            "",
        ]
    )


def times(book: Book) -> str:
    """Return how long a notebook takes, in its own words."""
    found = re.search(r"\*\*Time\*\*:? *([^.]*)\.", book.notebook.cells[0].source)
    return found[1] if found else ""
