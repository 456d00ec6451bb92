"""README and guide keep their promises: each command, link, file and example works."""

import re
import runpy
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A name such as `notebooks/00_start.ipynb` or `environment.yml`.
FILE = re.compile(r"[\w.-]+(/[\w.-]+)*\.(cfg|csv|gif|ipynb|md|py|sh|toml|txt|yml)")
FOLDERS = [ROOT, *(ROOT / name for name in ("mds_sim", "notebooks", "tests"))]


@dataclass(frozen=True)
class Document:
    """A text with blocks of code, and the prose around them."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[tuple[str, str]]:
        return FENCE.findall(self.text)

    @property
    def prose(self) -> str:
        return FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        return re.findall(r"`([^`\n]+)`", self.prose)

    @property
    def examples(self) -> list[str]:
        return [text for kind, text in self.blocks if kind == "python"]

    @property
    def commands(self) -> str:
        """What is typed at a prompt: neither remarks nor "make sure" in prose are."""
        blocks = [text for kind, text in self.blocks if kind != "python"]
        return "\n".join([*self.spans, *(re.sub(r"#.*", "", b) for b in blocks)])

    @property
    def links(self) -> set[str]:
        pattern = r'\]\(<?([^)\s>]+)[^)]*\)|\b(?:src|href)="([^"]+)"'
        return {text or html for text, html in re.findall(pattern, self.prose)}

    @property
    def headings(self) -> set[str]:
        """The anchors that GitHub makes of the headings."""
        titles = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        words = [re.sub(r"[^\w\s-]", "", title.lower()) for title in titles]
        return {re.sub(r"\s", "-", title) for title in words}


README = Document(ROOT / "README.md")
PAGES = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("docs/guide/*.md")])
DOCUMENTS = [README, *map(Document, PAGES)]
EXAMPLES = [(page.path.stem, text) for page in DOCUMENTS for text in page.examples]


def found(pattern: str) -> list[str]:
    """List, once each, what a pattern finds in the commands of all documents."""
    return sorted({x for page in DOCUMENTS for x in re.findall(pattern, page.commands)})


def test_there_is_something_to_check() -> None:
    assert len(README.examples) == 1
    assert len(EXAMPLES) > 5
    assert {"lab", "test"} <= set(found(r"\bmake (\w+)"))
    assert {"files", "plan"} <= set(found(r"-m mds_sim (\w+)"))


@pytest.mark.parametrize("target", found(r"\bmake (\w+)"))
def test_a_make_target_exists(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("word", found(r"-m mds_sim (\w+)"))
def test_a_subcommand_exists(word: str) -> None:
    command = [sys.executable, "-m", "mds_sim", word, "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("page", "link"),
    [(page, link) for page in DOCUMENTS for link in sorted(page.links)],
    ids=lambda x: x.path.stem if isinstance(x, Document) else x,
)
def test_a_link_leads_somewhere(page: Document, link: str) -> None:
    target, _, heading = link.partition("#")
    if re.match(r"[a-z]+:", link):
        return  # on the internet, where a test does not go
    other = page.path.parent / target if target else page.path
    assert other.exists()
    if heading and other.suffix == ".md":
        assert heading in Document(other).headings


@pytest.mark.parametrize(
    "name", sorted({s for page in DOCUMENTS for s in page.spans if FILE.fullmatch(s)})
)
def test_a_named_file_exists(name: str) -> None:
    assert any((folder / name).exists() for folder in FOLDERS)


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=f"{name}-{i}") for i, (name, text) in enumerate(EXAMPLES)],
)
def test_an_example_runs(tmp_path: Path, text: str) -> None:
    script = tmp_path / "example.py"
    script.write_text(text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_pictures_are_what_their_words_say() -> None:
    """The words come from the movie itself, so that neither can change alone."""
    pictures = runpy.run_path(str(ROOT / "docs" / "pictures.py"))["MOVIES"]
    shown = dict(re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]+)">', README.text))
    assert len(shown) == len(pictures)
    for name, movie in pictures.items():
        path = f"docs/pictures/{name}.gif"
        made = movie()
        assert shown[path] == escape(made.alt)
        with Image.open(ROOT / path) as file:
            assert 20 <= file.n_frames <= len(made.moments)  # equal ones are merged
        assert (ROOT / path).stat().st_size <= 260_000


def test_the_examples_are_formatted() -> None:
    """As the rest of the code: a reader copies them."""
    for name, text in EXAMPLES:
        command = [sys.executable, "-m", "ruff", "format", "--check", "-"]
        run = subprocess.run(command, input=text, text=True, capture_output=True)
        assert run.returncode == 0, f"{name}: {text}"
