"""How to cite: the file for programs, the page for people, and the package agree."""

import re
import tomllib
from pathlib import Path

import yaml

import mds_sim

ROOT = Path(__file__).parents[2]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "citing.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
# https://github.com/citation-file-format/citation-file-format, schema guide of 1.2.0
REQUIRED = {"cff-version", "message", "title", "authors"}
KNOWN = REQUIRED | {"abstract", "type", "version", "license", "keywords"}


def test_the_citation_has_what_its_format_asks_for() -> None:
    assert set(CITATION) >= REQUIRED
    assert set(CITATION) <= KNOWN
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    assert all(
        isinstance(CITATION[name], str) for name in KNOWN - {"authors", "keywords"}
    )


def test_the_citation_says_what_the_package_says() -> None:
    assert CITATION["version"] == PROJECT["version"] == mds_sim.__version__
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["keywords"] == PROJECT["keywords"]
    assert CITATION["authors"] == PROJECT["authors"]


def test_the_page_says_what_the_citation_says() -> None:
    assert set(re.findall(r"\b\d+\.\d+\.\d+\b", PAGE)) == {CITATION["version"]}
    title = CITATION["title"].removeprefix("mds_sim")
    assert PAGE.count(title) == 2
