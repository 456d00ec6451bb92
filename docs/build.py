"""Build the site from the notebooks as they were last run, without a network.

    python docs/build.py [folder]

The pages are first put together in a folder of their own (a stage), laid out as the
repository is, so that links between notebooks, guides and reports hold on both. Then
Sphinx makes HTML of them. No notebook is run: one that is not as `make notebooks` would
leave it stops the build, and so does every warning.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import api_pages
import exercises
import nbformat
import notebook_pages

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
# Pages that are written elsewhere in the repository, for they are read there as well.
REPORTS = ["README.md", "benchmarks/README.md", "mds_sim/data/README.md"]
LINK = re.compile(
    r"\[(?P<text>[^]]*)\]\(<?(?P<target>[^)\s>#]+)[^)]*\)|\bsrc=\"(?P<picture>[^\"]+)\""
)
HTML_LINK = re.compile(r'\bhref="([^":]+)\.(?:ipynb|md)\b')
PAGES = {".md", ".ipynb", ".rst"}
MENDED = {
    # A button without a name.
    '<summary><span class="toctree-toggle"': '<summary aria-label="Pages of this '
    'section"><span class="toctree-toggle"',
    # A role that has been withdrawn, and a list of what are no items of a list.
    ' role="doc-biblioentry"': "",
    '<div role="list" class="citation-list">': '<div class="citation-list">',
}
LONG_SIGNATURE = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>\n")


def stage(folder: Path, notebooks: Path) -> None:
    """Put the sources of all pages into a folder, laid out as the repository is."""
    books = notebook_pages.write(notebooks, folder / "notebooks")
    api_pages.write(folder / "api")
    words = {
        "{{ notebooks }}": str(len(books)),
        "{{ exercises }}": str(sum(len(exercises.of(book)) for book in books)),
        "<!-- exercises by topic -->": exercises.tables(books),
        "<!-- first figure -->": notebook_pages.first_figure(books[0], folder),
    }
    for path in [*DOCS.glob("*.md"), *DOCS.glob("guide/*.md")]:
        copy(path, folder / path.relative_to(ROOT), words)
    for name in REPORTS:
        copy(ROOT / name, folder / name, words)
    # Outside the stage their links would lead nowhere, so they are no pages of docs/.
    copy(DOCS / "_templates" / "index.md", folder / "index.md", words)
    copy(DOCS / "_templates" / "guides.md", folder / "docs" / "guides.md", words)
    settle_links(folder)


def copy(source: Path, target: Path, words: dict[str, str]) -> None:
    """Copy a page, with words in place of what stands for them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = without_remote_pictures(source.read_text(encoding="utf-8"))
    for sign, word in words.items():
        text = text.replace(sign, word)
    target.write_text(text, encoding="utf-8")


def without_remote_pictures(text: str) -> str:
    """Leave out badges: their pictures would come from the network."""
    return re.sub(r"\[!\[[^]]*\]\(https?:[^)]*\)\]\([^)]*\)\n*", "", text)


def settle_links(folder: Path) -> None:
    """Make links of all pages hold on the stage, those of notebooks too."""
    for page in [*folder.rglob("*.md")]:
        settled = settle(page.read_text(encoding="utf-8"), page, folder)
        page.write_text(settled, encoding="utf-8")
    for page in [*folder.glob("notebooks/*.ipynb")]:
        notebook = nbformat.read(page, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = settle(cell.source, page, folder)
        nbformat.write(notebook, page)


def settle(text: str, page: Path, folder: Path) -> str:
    """Bring along the files that a text links to; a folder is a name, not a link."""

    def settled(link: re.Match[str]) -> str:
        name = link["target"] or link["picture"]
        target = (page.parent / name).resolve()
        if re.match(r"[a-z]+:", name) or target.is_file():
            return link[0]
        source = ROOT / target.relative_to(folder)
        if source.is_dir():
            return link["text"]
        if source.is_file() and source.suffix not in PAGES:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return link[0]

    # Sphinx sees to links in Markdown; those in HTML it leaves alone.
    return HTML_LINK.sub(r'href="\1.html', LINK.sub(settled, text))


def build(site: Path, notebooks: Path = ROOT / "notebooks") -> int:
    """Build the site into a folder, anew, and return the exit code of Sphinx."""
    with tempfile.TemporaryDirectory() as temporary:
        sources = Path(temporary).resolve() / "sources"
        stage(sources, notebooks)
        made = Path(temporary) / "site"
        command = [
            *(sys.executable, "-m", "sphinx", "--builder", "html", "--quiet"),
            *("--fail-on-warning", "--jobs", "auto", "--conf-dir", str(DOCS)),
            *("--doctree-dir", str(Path(temporary) / "doctrees")),
            *(str(sources), str(made)),
        ]
        code = subprocess.run(command, check=False).returncode
        finish(made)
        if code == 0:  # else the site of before stays as it is
            shutil.rmtree(site, ignore_errors=True)
            shutil.move(made, site)
    return code


def finish(site: Path) -> None:
    """Mend what screen readers stumble over in the pages of theme and docutils."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for wrong, right in MENDED.items():
            text = text.replace(wrong, right)
        page.write_text(LONG_SIGNATURE.sub(as_lines, text), encoding="utf-8")


def as_lines(signature: re.Match[str]) -> str:
    """Write parameters as lines; Sphinx makes them a list that defines nothing."""
    lines = signature[1].replace("<dd>", '<span class="mds-line">')
    return lines.replace("</dd>", "</span>")


def main(names: list[str]) -> int:
    """Build the site, by default into site/ beside docs/; return the exit code."""
    site = Path(names[0]) if names else ROOT / "site"
    notebooks = Path(names[1]) if names[1:] else ROOT / "notebooks"
    try:
        code = build(site, notebooks)
    except ValueError as error:
        print(f"no site: {error}", file=sys.stderr)
        return 1
    if code == 0:
        print(f"==> {site / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
