"""Small tables, as plain text and as HTML that suits a light or a dark page.

A page that does not trust a notebook drops drawings and most styles, and a screen
reader skips them: so bars and marks only repeat what the words beside them say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite
from typing import Any

Rows = Sequence[Sequence[str]]

MOST_ROWS = 50  # of an HTML table; nobody reads more in a page
MOST_LETTERS = 240  # of a cell or a title
MOST_COLUMNS = 100  # of a drawing
FIRST = 10  # rows of long columns

_TABLE = '<table style="text-align:right;font-variant-numeric:tabular-nums">'
_CAPTION = '<caption style="text-align:left;font-weight:bold">'
_LEFT = ' style="text-align:left"'
_TRACK = (
    "display:inline-block;width:4em;height:.7em;margin-left:.5em;border:1px solid;"
    "opacity:.6;text-align:left;line-height:0;vertical-align:middle"
)
_DRAWING = "vertical-align:middle;margin-left:.5em;max-width:100%"


def text_table(title: str, rows: Rows) -> str:
    """Lay rows of words out in columns: the first to the left, others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [title] if title else []
    for row in rows:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(word.rjust(w) for word, w in others)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def html_table(
    title: str,
    rows: Rows,
    header: Sequence[str] = (),
    *,
    marks: Mapping[int, Sequence[str]] | None = None,
    most: int = MOST_ROWS,
    hidden: int = 0,
) -> str:
    """Lay the same rows out as an HTML table; every word is escaped.

    `marks` are what `bar` or `whisker` drew for each row, to stand behind the words of
    a column. Of more rows than `most` the first are shown, and how many others there
    are; `hidden` ones were left out before. Numbers are on the right, columns of words
    only on the left.
    """
    shown, hidden = rows[:most], hidden + max(len(rows) - most, 0)
    sides = ["", *(_side(column) for column in list(zip(*shown, strict=True))[1:])]
    parts = [_TABLE, f"{_CAPTION}{word(title)}</caption>"]
    if header:
        parts.append(f"<thead><tr>{_header(header, sides)}</tr></thead>")
    parts.append("<tbody>")
    for i, (first, *others) in enumerate(shown):
        drawn = {column: each[i] for column, each in (marks or {}).items()}
        cells = [
            f"<td{side}>{word(text)}{drawn.get(column, '')}</td>"
            for column, (text, side) in enumerate(
                zip(others, sides[1:], strict=True), 1
            )
        ]
        head = f'<th scope="row"{_LEFT}>{word(first)}{drawn.get(0, "")}</th>'
        parts.append(f"<tr>{head}{''.join(cells)}</tr>")
    if hidden:
        width = len(rows[0]) if rows else 1
        text = f"and {hidden:,} more"
        parts.append(f'<tr><th scope="row" colspan="{width}"{_LEFT}>{text}</th></tr>')
    return "".join([*parts, "</tbody></table>"])


def html_columns(title: str, columns: Mapping[str, Any]) -> str:
    """Lay columns out as a table with the number of each row: the first ten rows."""
    length = len(next(iter(columns.values()), ()))
    rows = [
        (f"{i}", *(number(column[i]) for column in columns.values()))
        for i in range(min(length, FIRST))
    ]
    return html_table(title, rows, ("row", *columns), hidden=length - len(rows))


def html_words(sentences: Sequence[str]) -> str:
    """Return sentences as paragraphs; every word is escaped."""
    return "".join(f"<p>{word(sentence)}</p>" for sentence in sentences)


def html_fold(summary: str, inside: str) -> str:
    """Return HTML that a reader can unfold."""
    return f"<details><summary>{word(summary)}</summary>{inside}</details>"


def word(text: str) -> str:
    """Escape a text, and cut one that no table could hold."""
    cut = text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"
    return escape(cut)


def number(value: Any) -> str:
    """Write a number with six digits, anything else as it is: a name may be "1e5"."""
    if isinstance(value, str):
        return str(value)
    try:
        as_float = float(value)
    except (TypeError, ValueError):
        return str(value)
    whole = as_float.is_integer() and abs(as_float) < 1e15
    return f"{int(value):,}" if whole else f"{as_float:.6g}"


def bar(share: float) -> str:
    """Draw a share in [0, 1] as a bar, for eyes only: the number stands beside it."""
    width = f"{100 * min(max(0.0, share), 1.0):.0f}%"
    inside = f"display:inline-block;width:{width};height:100%;background:currentColor"
    filled = f'<span style="{inside}"></span>'
    return f'<span aria-hidden="true" style="{_TRACK}">{filled}</span>'


def whisker(low: float, mean: float, high: float, ends: tuple[float, float]) -> str:
    """Draw an interval between two ends, with a dashed line at 0 if that is inside.

    It is for eyes only, as the numbers stand beside it. Nothing is drawn if there is
    nothing between the ends, or one is not finite.
    """
    first, width = ends[0], ends[1] - ends[0]
    if not (0.0 < width < float("inf") and isfinite(low + mean + high)):
        return ""
    left, middle, right, zero = (
        4 + 92 * (min(max(x, first), ends[1]) - first) / width
        for x in (low, mean, high, 0.0)
    )
    inside = f'<path d="M{left:.1f} 6H{right:.1f}" stroke-width="2"/>'
    if ends[0] <= 0.0 <= ends[1]:
        inside += f'<path d="M{zero:.1f} 0V12" stroke-dasharray="2" opacity=".6"/>'
    inside += f'<circle cx="{middle:.1f}" cy="6" r="3" fill="currentColor"/>'
    return (
        '<svg aria-hidden="true" width="100" height="12" viewBox="0 0 100 12" '
        f'stroke="currentColor" fill="none" style="{_DRAWING}">{inside}</svg>'
    )


def columns(shares: Sequence[float], label: str) -> str:
    """Draw shares as columns below a dashed line at 1: the first hundred.

    `label` says what there is to see. A column that is higher is cut at the top.
    """
    some = shares[:MOST_COLUMNS]
    wide = max(4, min(16, 600 // max(len(some), 1)))
    bars = "".join(
        f"M{i * wide} 48v-{40 * min(max(0.0, share), 1.2):.3g}h{wide - 1}V48z"
        for i, share in enumerate(some)
    )
    width = wide * len(some)
    return (
        f'<svg role="img" aria-label="{word(label)}" width="{width}" height="48" '
        f'viewBox="0 0 {width} 48" style="max-width:100%" stroke="none" '
        f'fill="currentColor"><path d="{bars}" opacity=".5"/>'
        f'<path d="M0 8H{width}" stroke="currentColor" stroke-dasharray="4"/></svg>'
    )


def _side(column: Sequence[str]) -> str:
    """Return the style of a column that is not on the right: one of words only."""
    begins = [text[0] for text in column if text]
    has_number = any(first.isdigit() or first in "+-<>[" for first in begins)
    return _LEFT if any(map(str.isalpha, begins)) and not has_number else ""


def _header(header: Sequence[str], sides: Sequence[str]) -> str:
    """Return the cells of a header, each above its column."""
    sides = [_LEFT, *sides[1:], *[""] * len(header)]
    return "".join(
        f'<th scope="col"{side}>{word(text)}</th>'
        for text, side in zip(header, sides, strict=False)
    )
