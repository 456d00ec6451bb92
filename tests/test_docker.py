"""The Docker image, as far as it can be checked without Docker."""

import os
import re
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="needs sh, and hadolint, which has no Windows build"
)

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "Dockerfile"
SCRIPT = ROOT / "docker-entrypoint.sh"
WORDS = ["stream", "files", "tournament", "plan", "demo", "test", "coverage", "lab"]


def instructions(name: str) -> list[list[str]]:
    """List the arguments of each instruction of one kind, options left out."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines()]
    return [
        [word for word in words[1:] if not word.startswith("--")]
        for words in lines
        if words[:1] == [name]
    ]


def enter(*words: str, path: str = os.defpath) -> subprocess.CompletedProcess[str]:
    """Run the entry point as the container does."""
    return subprocess.run(
        ["sh", str(SCRIPT), *words],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    command = [hadolint, "--no-color", DOCKERFILE]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


def test_what_is_copied_exists() -> None:
    sources = [source for *sources, _ in instructions("COPY") for source in sources]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_container_does_not_run_as_root() -> None:
    *_, (user,) = instructions("USER")
    assert user.partition(":")[0] not in {"root", "0"}


def test_the_words_are_those_of_the_script() -> None:
    labels = re.findall(r"^    ([\w |-]+)\)$", SCRIPT.read_text("utf-8"), re.MULTILINE)
    words = [word for label in labels for word in label.split(" | ")]
    assert words == [*WORDS, "help", "-h", "--help"]


def test_the_default_word_is_known() -> None:
    ((word,),) = instructions("CMD")
    assert word.strip('[]"') in WORDS


def test_help_names_each_word() -> None:
    run = enter("help")
    assert run.returncode == 0
    assert re.findall(r"^  (\w+) ", run.stdout, re.MULTILINE) == WORDS


def test_an_unknown_word_is_refused_with_help() -> None:
    run = enter("juggle")
    assert run.returncode == 64
    assert run.stdout == ""
    assert run.stderr == "unknown word: juggle\n" + enter("help").stdout


@pytest.mark.parametrize("word", WORDS)
def test_a_word_starts_its_program_and_passes_the_rest_on(
    tmp_path: Path, word: str
) -> None:
    for name in ["python", "make"]:
        fake = tmp_path / name
        fake.write_text('#!/bin/sh\nprintf "<%s>" "${0##*/}" "$@"\nexit 3\n')
        fake.chmod(0o755)
    run = enter(word, "--name", "two words", path=f"{tmp_path}:{os.defpath}")
    before = {
        "test": "<make><--no-print-directory><test>",
        "coverage": "<make><--no-print-directory><coverage>",
        "lab": "<python><-m><mds_sim><lab><--ip><0.0.0.0><--no-browser>",
    }.get(word, f"<python><-m><mds_sim><{word}>")
    assert run.stdout == before + "<--name><two words>"
    assert run.returncode == 3


def test_lab_takes_the_options_that_the_container_gives_it() -> None:
    options = ["--ip", "0.0.0.0", "--no-browser", "--version"]
    command = [sys.executable, "-m", "mds_sim", "lab", *options]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == version("jupyterlab")
