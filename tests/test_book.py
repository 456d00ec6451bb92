"""The notebooks are one book: the map, the README and the links between pages agree."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "notebooks").glob("*.ipynb"))
START, *CHAPTERS = PAGES
TIME = re.compile(r"\*\*Time\*\*: (\d+) minutes to read, (\d+) seconds to run")
ROW = re.compile(
    r"^\| \[(?:\d\d|00_start)\]\((\S+)\) \| (.+?) \|(?: (.+?) \| (.+?) \|)?$"
)


def text(path: Path) -> list[str]:
    """List the text cells of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


TITLE = {path: text(path)[0].partition("\n")[0].removeprefix("# ") for path in PAGES}


def rows(source: str) -> list[tuple[str, ...]]:
    """List the rows of a table of notebooks: file, question and perhaps the times."""
    return [m.groups() for line in source.split("\n") if (m := ROW.match(line))]


def test_the_map_has_every_chapter_with_its_question_and_times() -> None:
    found = []
    for path in CHAPTERS:
        times = TIME.search(text(path)[0])
        assert times, f"{path.name} must say how long it takes"
        read, run = times.groups()
        found.append((path.name, TITLE[path], f"{read} min", f"{run} s"))
    assert rows("\n".join(text(START))) == found


def test_the_readme_has_every_notebook_with_its_question() -> None:
    table = rows((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [row[0] for row in table] == [f"notebooks/{path.name}" for path in PAGES]
    assert [row[1] for row in table[1:]] == [TITLE[path] for path in CHAPTERS]


def leads_to(path: Path) -> str:
    """Write a link to a notebook, by its question."""
    return f"[{TITLE[path]}]({path.name})"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_ends_with_the_ways_on_and_back(path: Path) -> None:
    i = PAGES.index(path)
    ways = []
    if i > 1:
        ways.append(f"**Back**: {leads_to(PAGES[i - 1])}")
    if i + 1 < len(PAGES):
        ways.append(f"**Next**: {leads_to(PAGES[i + 1])}")
    if i:
        ways.append(f"**All**: [the map]({START.name})")
    assert text(path)[-1].rpartition("\n\n")[2] == " · ".join(ways)
