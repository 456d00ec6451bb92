"""Binder and conda get what pip gets. None of this needs conda, Docker or a network."""

import os
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
POST_BUILD = ROOT / "binder" / "postBuild"
PYPI_NAMES = {"matplotlib-base": "matplotlib"}  # the same thing, less its Qt windows


def offered() -> list[str]:
    """List what environment.yml installs with conda, and with pip in it."""
    entries = ENVIRONMENT["dependencies"]
    conda = [entry for entry in entries if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in entries if isinstance(entry, dict)]
    return [line for line in conda + pip if line.split("=")[0] not in {"python", "pip"}]


def normal(line: str) -> str:
    """Write a requirement in one way, with its name on PyPI."""
    requirement = Requirement(line)
    requirement.name = PYPI_NAMES.get(requirement.name, requirement.name)
    return str(requirement)


def test_the_environment_has_the_requirements_of_the_project() -> None:
    extras = PROJECT["optional-dependencies"]
    chosen = [extras[name] for name in ("lab", "test", "docs")]
    wanted = [*PROJECT["dependencies"], *chain(*chosen)]
    assert sorted(map(normal, offered())) == sorted(map(normal, wanted))


def test_the_environment_has_a_python_that_the_project_takes() -> None:
    (version,) = {
        entry.removeprefix("python=")
        for entry in ENVIRONMENT["dependencies"]
        if str(entry).startswith("python=")
    }
    assert version in SpecifierSet(PROJECT["requires-python"])


def test_the_copy_for_binder_is_exact() -> None:
    copy = ROOT / "binder" / "environment.yml"
    assert not copy.is_symlink()  # in a ZIP, or on Windows, a link is a text file
    assert copy.read_bytes() == (ROOT / "environment.yml").read_bytes()


def test_post_build_stops_at_the_first_error() -> None:
    lines = POST_BUILD.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "set -euo pipefail" in lines


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no executable bit")
@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_are_executable(name: str) -> None:
    assert os.access(ROOT / "binder" / name, os.X_OK)


@pytest.mark.skipif(sys.platform == "win32", reason="repo2docker needs Unix")
def test_repo2docker_reads_our_files() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    dockerfile = run.stdout + run.stderr
    assert "python=3.12" in dockerfile
    assert '--file "binder/environment.yml"' in dockerfile
    assert "RUN ./binder/postBuild" in dockerfile
    assert "/binder/start" in dockerfile
