"""Small tables, as plain text and as HTML that suits a light or a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Rows = Sequence[Sequence[str]]


def text_table(title: str, rows: Rows) -> str:
    """Lay rows of words out in columns: the first to the left, others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [title] if title else []
    for row in rows:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(word.rjust(w) for word, w in others)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def html_table(title: str, rows: Rows, header: Sequence[str] = ()) -> str:
    """Lay the same rows out as an HTML table; every word is escaped."""
    parts = ["<table>", f"<caption>{escape(title)}</caption>"]
    if header:
        cells = "".join(f'<th scope="col">{escape(word)}</th>' for word in header)
        parts.append(f"<thead><tr>{cells}</tr></thead>")
    parts.append("<tbody>")
    for first, *others in rows:
        cells = "".join(f"<td>{escape(word)}</td>" for word in others)
        parts.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    return "".join([*parts, "</tbody></table>"])
