"""The exercises of all notebooks by topic, read from the notebooks themselves."""

import re
from collections.abc import Iterator

from notebook_pages import Book

TOPICS = {
    "First steps": ["00"],
    "Messages and mini-batches": ["01", "04", "05"],
    "Queues and workers": ["06", "17", "18", "20"],
    "Files and buckets": ["02", "11", "12", "13"],
    "Tournaments": ["03", "14", "15"],
    "Chance and evidence": ["07", "16", "19"],
    "Running it for real": ["08", "09", "10"],
}
EXERCISE = re.compile(r"^\*\*(\d+)\.\*\* *(.+)$", re.MULTILINE)


def of(book: Book) -> list[tuple[str, str]]:
    """List number and text of each exercise of a notebook."""
    cells = (cell for cell in book.notebook.cells if cell.cell_type == "markdown")
    return [found for cell in cells for found in EXERCISE.findall(cell.source)]


def tables(books: list[Book]) -> str:
    """Write one table a topic, in Markdown."""
    by_number = {book.number: book for book in books}
    listed = sorted(number for numbers in TOPICS.values() for number in numbers)
    if listed != sorted(by_number):
        raise ValueError(
            f"each notebook must have one topic in docs/exercises.py, got {listed} "
            f"for {sorted(by_number)}"
        )
    topics = (
        _table(topic, [by_number[number] for number in numbers])
        for topic, numbers in TOPICS.items()
    )
    return "\n\n".join(topics)


def _table(topic: str, books: list[Book]) -> str:
    """Write the table of a topic, with its notebooks above it."""
    names = [f"[{b.number} {b.title}](../notebooks/{b.path.name})" for b in books]
    rows = [row for book in books for row in _rows(book)]
    head = ["| no. | exercise |", "|---|---|"]
    return "\n".join([f"### {topic}", "", " · ".join(names), "", *head, *rows])


def _rows(book: Book) -> Iterator[str]:
    """Write the rows of a notebook: number and first line of each exercise."""
    for number, text in of(book):
        link = f"[{book.number}.{number}](../notebooks/{book.path.name}#exercises)"
        safe = text.replace("|", "\\|")
        yield f"| {link} | {safe} |"
