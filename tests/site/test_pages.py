"""The site: all that is public is on it, nothing leads nowhere, nothing is fetched."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from nbformat import NotebookNode

import mds_sim

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ROOMS = ("theory", "plots", "testing", "data", "analysis", "widgets")
NAMES = [
    *(f"mds_sim.{name}" for name in mds_sim.__all__ if name not in ROOMS),
    *(
        f"mds_sim.{room}.{name}"
        for room in ROOMS
        for name in import_module(f"mds_sim.{room}").__all__
        if name not in mds_sim.__all__  # else it is where the front door has it
    ),
]
# What a page fetches by itself, and from which attribute.
FETCHED = {"img": "src", "script": "src", "link": "href", "source": "src"}
MOST_BYTES = 50_000_000


@dataclass
class Page(HTMLParser):
    """What a test wants to know of a page."""

    path: Path
    lang: str = ""
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    solutions: int = 0
    formulas: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.text = self.path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, found: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in found}
        self.ids.add(attributes.get("id", ""))
        if tag == "html":
            self.lang = attributes["lang"]
        elif tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag == "details":
            self.solutions += "hide" in attributes.get("class", "").split()
        self.formulas += tag == "math"
        if tag == "img":
            self.images.append(attributes)
        if attributes.get(FETCHED.get(tag, "")):
            self.fetched.append(attributes[FETCHED[tag]])


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    """Read all pages of the site."""
    found = {path: Page(path) for path in site.rglob("*.html")}
    return {path: page for path, page in found.items() if "_static" not in path.parts}


@pytest.fixture(scope="session")
def index(site: Path) -> dict[str, object]:
    """Read what the search looks into."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    found = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    assert isinstance(found, dict)
    return found


def test_every_public_name_has_an_entry_that_the_search_finds(
    site: Path, pages: dict[Path, Page], index: dict
) -> None:
    entries = {
        f"{prefix}.{name}": site / f"{index['docnames'][document]}.html"
        for prefix, objects in index["objects"].items()
        for document, _, _, _, name in objects
    }
    assert [name for name in NAMES if name not in entries] == []
    missing = [name for name in NAMES if name not in pages[entries[name]].ids]
    assert missing == []


def test_the_search_knows_words_of_notebooks_and_guides(index: dict) -> None:
    documents = index["docnames"]
    for word, document in (
        ("affin", "notebooks/03_tournament"),
        ("homework", "docs/teaching"),
        ("sha", "docs/guide/plans"),
    ):
        found = index["terms"][word]
        numbers = [found] if isinstance(found, int) else found
        assert document in [documents[number] for number in numbers]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_page_with_all_its_figures(
    site: Path, pages: dict[Path, Page], path: Path
) -> None:
    notebook = nbformat.read(path, as_version=4)
    page = pages[site / "notebooks" / f"{path.stem}.html"]
    assert len(page.images) == sum(map(pictures, notebook.cells))
    assert page.solutions == sum(
        "solution" in cell.metadata.get("tags", []) for cell in notebook.cells
    )
    # Where nothing was said, docutils would say the name of a file.
    unsaid = [i["alt"] for i in page.images if re.fullmatch(r"\S*", i.get("alt", ""))]
    assert unsaid == []


def pictures(cell: NotebookNode) -> int:
    """Count the pictures of a cell; the badge on top is left out on the site."""
    if cell.cell_type == "markdown":
        return len(re.findall(r"(?<!\[)!\[[^]]*\]\(", cell.source))
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    shown = (d.get("text/html", "").count("<img ") or "image/png" in d for d in data)
    return sum(shown)


def test_headings_are_in_order(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert page.headings.count(1) == 1, path
        assert page.headings[0] == 1, path
        assert all(b <= a + 1 for a, b in pairwise(page.headings)), path


def test_pages_name_their_language(pages: dict[Path, Page]) -> None:
    assert {page.lang for page in pages.values()} == {"en-GB"}


def test_links_lead_somewhere(pages: dict[Path, Page]) -> None:
    assert [*dead_links(pages)] == []


def dead_links(pages: dict[Path, Page]) -> Iterator[str]:
    """Find the links within the site that lead to no file or to no place in it."""
    for path, page in pages.items():
        for link in [*page.links, *page.fetched]:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            name = unquote(parts.path)
            target = (path.parent / name).resolve() if name else path
            anchor = unquote(parts.fragment)
            known = pages[target].ids if target in pages else {anchor}
            if not target.is_file() or (anchor and anchor not in known):
                yield f"{path}: {link}"


@pytest.mark.parametrize(
    "link", ["gone.html", "#gone", "index.html#gone", "../sub/gone.png", "_static"]
)
def test_a_dead_link_is_found(tmp_path: Path, link: str) -> None:
    (tmp_path / "_static").mkdir()
    path = tmp_path / "index.html"
    path.write_text(f'<p id="here"><a href="#here"><a href="{link}">', encoding="utf-8")
    assert [*dead_links({path: Page(path)})] == [f"{path}: {link}"]


def test_nothing_is_fetched_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    fetched = {link for page in pages.values() for link in page.fetched}
    assert {link for link in fetched if re.match(r"(https?:)?//", link)} == set()
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(url\(\s*|@import\s*)['\"]?(https?:)?//", text), path


def test_no_page_says_where_it_was_built(site: Path, pages: dict[Path, Page]) -> None:
    places = (str(ROOT), str(site), "PosixPath", "WindowsPath", " at 0x")
    said = {
        (path.name, p) for path, page in pages.items() for p in places if p in page.text
    }
    assert said == set()


def test_formulas_are_mathml(site: Path, pages: dict[Path, Page]) -> None:
    assert pages[site / "api" / "names" / "mds_sim.theory.MMc.html"].formulas == 1
    assert pages[site / "notebooks" / "20_what_if.html"].formulas >= 2
    raw = [path for path, page in pages.items() if re.search(r"\\\(|\$\$", page.text)]
    assert raw == []


def test_tables_of_markdown_are_tables(pages: dict[Path, Page]) -> None:
    raw = [
        path
        for path, page in pages.items()
        if re.search(r"<p>[^<]*\|[-:]+\|", page.text)
    ]
    assert raw == []


def test_the_exercises_are_listed_by_topic(site: Path, pages: dict[Path, Page]) -> None:
    rows = pages[site / "docs" / "teaching.html"].text
    listed = re.findall(r">(\d\d)\.(\d)<", rows)
    found = []
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
        numbers = re.findall(r"^\*\*(\d)\.\*\*", text, re.MULTILINE)
        found += [(path.name[:2], number) for number in numbers]
    assert sorted(listed) == sorted(found)
    assert len(found) > 60


def test_the_site_is_small_enough_to_pass_on(site: Path) -> None:
    sizes = [path.stat().st_size for path in site.rglob("*") if path.is_file()]
    assert sum(sizes) < MOST_BYTES


def change(notebook: NotebookNode, **values: object) -> None:
    """Change the second code cell of a notebook."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[1].update(values)


def error() -> NotebookNode:
    """Return what a cell that failed has shown."""
    return nbformat.v4.new_output("error", ename="E", evalue="no", traceback=[])


@pytest.mark.parametrize("count", [None, 7])
def test_a_notebook_that_was_not_run_stops_the_build(
    tmp_path: Path, count: int | None
) -> None:
    said = refused(tmp_path, lambda n: change(n, execution_count=count))
    cells = nbformat.read(NOTEBOOKS[0], as_version=4).cells
    counts: list[int | None] = [*range(1, 1 + sum("outputs" in c for c in cells))]
    counts[1] = count
    assert said == (
        f"no site: the cells of {NOTEBOOKS[0].name} must be run once each and in "
        f"order, got the counts {counts}; run `make notebooks` first"
    )


def test_a_notebook_that_failed_stops_the_build(tmp_path: Path) -> None:
    said = refused(tmp_path, lambda n: change(n, outputs=[error()]))
    assert said == (
        f"no site: the cells of {NOTEBOOKS[0].name} must run without an error, but "
        "cell [2] ends in one; mend it, run `make notebooks`"
    )


def test_a_notebook_without_a_topic_stops_the_build(tmp_path: Path) -> None:
    said = refused(tmp_path, lambda notebook: None, rename="99_why.ipynb")
    topics = [path.name[:2] for path in NOTEBOOKS]
    assert said == (
        "no site: each notebook must have one topic in docs/exercises.py, got "
        f"{topics} for ['99']"
    )


def refused(
    folder: Path,
    tamper: Callable[[NotebookNode], None],
    rename: str = NOTEBOOKS[0].name,
) -> str:
    """Build from one tampered notebook, and return what the build says."""
    book = folder / "notebooks"
    book.mkdir()
    shutil.copy(NOTEBOOKS[0], book / rename)
    notebook = nbformat.read(book / rename, as_version=4)
    tamper(notebook)
    nbformat.write(notebook, book / rename)
    command = [sys.executable, "docs/build.py", str(folder / "site"), str(book)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert not (folder / "site").exists()
    return run.stderr.strip()
