"""README.md keeps its promises: each command, link, file and example in it works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall(README)
PROSE = FENCE.sub("", README)
SPANS = re.findall(r"`([^`\n]+)`", PROSE)
# What is typed at a prompt: a remark after "#" is not, and "make sure" in prose is not.
COMMANDS = "\n".join(
    [*SPANS, *(re.sub(r"#.*", "", text) for kind, text in BLOCKS if kind != "python")]
)
EXAMPLES = [text for kind, text in BLOCKS if kind == "python"]
LINKS = re.findall(r'\]\(<?([^)\s>]+)[^)]*\)|\b(?:src|href)="([^"]+)"', PROSE)
# A name such as `notebooks/00_start.ipynb` or `environment.yml`.
FILE = re.compile(r"[\w.-]+(/[\w.-]+)*\.(cfg|csv|ipynb|md|py|sh|toml|txt|yml)")


def found(pattern: str) -> list[str]:
    """List, once each, what a pattern finds in the commands."""
    return sorted(set(re.findall(pattern, COMMANDS)))


def test_there_is_something_to_check() -> None:
    assert EXAMPLES
    assert found(r"\bmake (\w+)")
    assert found(r"-m mds_sim (\w+)")


@pytest.mark.parametrize("target", found(r"\bmake (\w+)"))
def test_a_make_target_exists(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("word", found(r"-m mds_sim (\w+)"))
def test_a_subcommand_exists(word: str) -> None:
    command = [sys.executable, "-m", "mds_sim", word, "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("link", sorted({text or html for text, html in LINKS}))
def test_a_link_leads_somewhere(link: str) -> None:
    target, _, heading = link.partition("#")
    if re.match(r"[a-z]+:", link):
        return  # on the internet, where a test does not go
    if target:
        assert (ROOT / target).exists()
    else:
        assert heading in headings()


def headings() -> set[str]:
    """List the anchors that GitHub makes of the headings."""
    titles = re.findall(r"^#+ (.*)$", PROSE, re.MULTILINE)
    words = [re.sub(r"[^\w\s-]", "", title.lower()) for title in titles]
    return {re.sub(r"\s", "-", title) for title in words}


@pytest.mark.parametrize("name", sorted({s for s in SPANS if FILE.fullmatch(s)}))
def test_a_named_file_exists(name: str) -> None:
    folders = [ROOT, ROOT / "mds_sim", ROOT / "notebooks", ROOT / "tests"]
    assert any((folder / name).exists() for folder in folders)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(tmp_path: Path, number: int) -> None:
    script = tmp_path / "example.py"
    script.write_text(EXAMPLES[number], encoding="utf-8")
    run = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
