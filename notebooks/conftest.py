"""A guard for `make nbval`: a cell that nobody ran is a failure, not a silence.

A tag, a comment or an option can keep a cell from being run, and nbval compares nothing
where the stored notebook was never run; pytest is green all the same. So the cells that
passed are counted, for each notebook that was named.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import nbformat
import pytest

OUTPUT_TIMEOUT = 60  # seconds from the end of a cell to its last output; nbval has 5


def pytest_configure(config: pytest.Config) -> None:
    """Count where all reports come together: not in the workers of pytest-xdist."""
    if config.getoption("nbval", False) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Guard(config), "guard of the book")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Be patient with a busy machine."""
    if hasattr(item, "output_timeout"):
        item.output_timeout = OUTPUT_TIMEOUT


class Guard:
    """Counts the cells that passed, and compares with those that there are."""

    def __init__(self, config: pytest.Config) -> None:
        folder = config.invocation_params.dir
        named = [folder / argument.partition("::")[0] for argument in config.args]
        self._cells = {path.resolve(): cells(path) for path in notebooks(named)}
        self._root = config.rootpath
        self._passed: Counter[Path] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a cell that was run and found as it should be."""
        if report.when == "call" and report.passed:
            self._passed[(self._root / report.nodeid.partition("::")[0]).resolve()] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a session that was green but did not run all cells."""
        if self.missing() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Say how many cells passed, and where some did not."""
        run, there = self._passed.total(), sum(len(c) for c in self._cells.values())
        terminalreporter.write_line(
            f"{run} of {there} code cells of {len(self._cells)} notebooks passed"
        )
        for line in self.missing():
            terminalreporter.write_line(line, red=True)

    def missing(self) -> list[str]:
        """List the notebooks of which not every cell was run and compared."""
        return [
            line
            for path, counts in self._cells.items()
            for line in missing_in(path.name, counts, self._passed[path])
        ]


def notebooks(named: list[Path]) -> list[Path]:
    """List the notebooks that were named, one by one or by their folder."""
    return [
        path
        for name in named
        for path in (sorted(name.glob("*.ipynb")) if name.is_dir() else [name])
        if path.suffix == ".ipynb"
    ]


def cells(path: Path) -> list[int | None]:
    """Return the execution counts that the code cells of a notebook were saved with."""
    notebook = nbformat.read(path, as_version=4)
    return [c.execution_count for c in notebook.cells if c.cell_type == "code"]


def missing_in(name: str, counts: list[int | None], passed: int) -> list[str]:
    """Say what was not run, or not compared, in a notebook."""
    said = []
    if passed != len(counts):
        said.append(f"{name}: {passed} of {len(counts)} code cells passed")
    if None in counts:
        never = counts.count(None)
        said.append(f"{name}: {never} code cells were saved without having been run")
    return said
