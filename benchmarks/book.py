"""What each notebook costs: seconds on the clock, seconds of CPU, memory at its peak.

Each one runs alone, in a kernel of its own, from its first cell to its last, and is not
saved. The book as a whole is measured as `make nbval` runs it: two notebooks at a time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import nbformat
import psutil
from report import README, digits, versions, write

FOLDER = README.parents[1] / "notebooks"
EACH, MEMORY, BOOK = 20.0, 1e9, 180.0  # seconds, bytes, seconds: what is promised
LOOK = 0.05  # seconds between two looks at the memory
NBVAL = [
    *("-m", "pytest", "-q", "--nbval", "--nbval-current-env"),
    *("--nbval-cell-timeout=120", "--nbval-kernel-startup-timeout=120"),
    *("-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"),
]


@dataclass(frozen=True)
class Cost:
    """What a notebook needed [s, s, bytes]."""

    wall: float
    cpu: float
    memory: int

    @property
    def is_kept(self) -> bool:
        return self.wall <= EACH and self.memory <= MEMORY


def execute(path: Path) -> None:
    """Run a notebook in this process's kernel, and throw the outputs away."""
    sys.path.insert(0, str(FOLDER))
    import_module("execute").run(nbformat.read(path, as_version=4), path.parent)


class Watch:
    """What a process and those below it have used so far, at each look."""

    def __init__(self, pid: int) -> None:
        self._top = psutil.Process(pid)
        self._cpu: dict[psutil.Process, float] = {}
        self.memory = 0

    @property
    def cpu(self) -> float:
        """CPU time of all processes that were seen [s], up to the last look."""
        return sum(self._cpu.values())

    def look(self) -> None:
        """Note the CPU time of each process, and the memory of all below the first."""
        memory = 0
        try:
            for process in (self._top, *self._top.children(recursive=True)):
                times = process.cpu_times()
                self._cpu[process] = times.user + times.system
                memory += share(process) if process != self._top else 0
        except psutil.Error:  # one has ended meanwhile; the next look is soon
            return
        self.memory = max(self.memory, memory)


def share(process: psutil.Process) -> int:
    """Return the memory of a process; what n processes share counts 1/n, on Linux."""
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", memory.rss))


def measure(path: Path) -> Cost:
    """Run a notebook in an interpreter of its own."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, __file__, "--execute", str(path)])
    watch = Watch(process.pid)
    while process.poll() is None:
        watch.look()
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK)
    wall = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{path.name} must run to its end")
    return Cost(wall, watch.cpu, watch.memory)


def whole() -> float:
    """Return how long `make nbval` takes [s]."""
    given = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    sanitize = ["--nbval-sanitize-with", str(FOLDER / "sanitize.cfg")]
    books = map(str, sorted(FOLDER.glob("*.ipynb")))
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *NBVAL, *sanitize, *books],
        cwd=FOLDER.parent,
        env=given,
        check=True,
        stdout=sys.stderr,
    )
    return time.perf_counter() - start


def row(name: str, cost: Cost) -> str:
    """Write what one notebook needed."""
    wall, cpu = digits(cost.wall, up=True), digits(cost.cpu, up=True)
    memory = digits(cost.memory / 1e6, up=True)
    kept = "yes" if cost.is_kept else "no"
    return f"| {name} | {wall} | {cpu} | {memory} | {kept} |"


def table(costs: dict[str, Cost]) -> str:
    """Lay out the costs as Markdown."""
    wall, cpu = sum(c.wall for c in costs.values()), sum(c.cpu for c in costs.values())
    lines = [
        "| notebook | s | CPU s | MB | kept |",
        "|---|---:|---:|---:|---|",
        *(row(name, cost) for name, cost in costs.items()),
        f"| all, one after another | {digits(wall, up=True)} "
        f"| {digits(cpu, up=True)} | | |",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="one, and no README")
    parser.add_argument("--execute", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.execute:
        execute(given.execute)
        return 0
    paths = sorted(FOLDER.glob("*.ipynb"))[: 1 if given.quick else None]
    costs = {path.stem: measure(path) for path in paths}
    parts = [versions("numpy", "jupyterlab", "nbval"), table(costs)]
    is_kept = all(cost.is_kept for cost in costs.values())
    if not given.quick:
        seconds = whole()
        is_kept &= seconds <= BOOK
        parts.append(
            f"`make nbval`, two at a time: {digits(seconds, up=True)} s for all\n"
        )
        write("book.py", parts)
    print(*parts, sep="\n")
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
