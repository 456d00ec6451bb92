"""The house of the package: who may import whom, and how the rooms must look.

Imports go down the floors only, so that each room can be read, tested and used without
those above it: the pipelines know nothing of metrics, and metrics nothing of plots.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import mds_sim

PACKAGE = Path(mds_sim.__file__).parent
FLOORS: tuple[set[str], ...] = (
    {"units", "_validate", "_tables", "_summary", "rng", "distributions", "data"},
    {"_reading"},
    {"records", "theory"},
    {"core", "sim"},
    {"stream", "files", "tournament"},
    {"system", "analysis"},
    {"plots", "testing", "widgets"},
    # The doors: they open on all rooms, no room on them.
    {"__main__", "_commands", "_game_night", "__init__"},
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
STRANGERS = FLOORS[4]  # the three subjects: none may import another
# What only one room may import.
ONLY_IN = {"matplotlib": "plots", "ipywidgets": "widgets"}
# What `import mds_sim` must not pay for. Each is imported where it is used.
HEAVY = {
    "matplotlib", "numba", "scipy.stats", "dask", "tqdm",
    "IPython", "ipykernel", "ipywidgets", "jupyter_client", "jupyterlab",
}  # fmt: skip
MAX_LINES = 500


def imports(module: Path, package: Path) -> Iterator[str]:
    """Yield the full name of all that a module imports, in functions too."""
    here = (package.name, *module.relative_to(package).parent.parts)
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = here[: len(here) - node.level + 1] if node.level else ()
            prefix = ".".join([*start, *filter(None, [node.module])])
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def violations(package: Path) -> list[str]:
    """List the imports of a package that break a rule of the house."""
    rooms = {path.name.removesuffix(".py") for path in package.iterdir()}
    found = []
    for module in sorted(package.rglob("*.py")):
        where = module.relative_to(package)
        room = where.parts[0].removesuffix(".py")
        if room not in FLOOR:
            found.append(f"{where.as_posix()} is in a room that has no floor")
            continue
        for name in imports(module, package):
            top, _, rest = name.partition(".")
            if top == package.name:
                other = rest.partition(".")[0]
                other = other if other in rooms else "__init__"
                upwards = FLOOR.get(other, 0) > FLOOR[room]
                if upwards or (room != other and {room, other} <= STRANGERS):
                    found.append(f"{where.as_posix()} must not import {name}")
            elif room != ONLY_IN.get(top, room):
                found.append(f"{where.as_posix()} must not import {name}")
    return found


def test_imports_go_down_the_floors_only() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("units.py", "from mds_sim.records import RunRecord"),
        ("records.py", "import mds_sim.core"),
        ("core/pool.py", "def late():\n    from ..analysis import metrics"),
        ("sim/workers.py", "from .. import stream"),
        ("stream/windows.py", "from mds_sim.files import pack"),
        ("files/__init__.py", "from ..tournament.seating import GreedySeating"),
        ("tournament/search.py", "from mds_sim import stream"),
        ("analysis/metrics.py", "from mds_sim import plots"),
        ("plots/style.py", "from mds_sim import RunRecord"),
        ("testing.py", "import mds_sim"),
        ("analysis/compare.py", "from matplotlib.axes import Axes"),
        ("theory/queues.py", "if 0:\n    import matplotlib.pyplot as plt"),
        ("plots/panel.py", "import ipywidgets"),
        ("widgets/panel.py", "import matplotlib"),
        ("cellar/wine.py", ""),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, where: str, source: str) -> None:
    package = fake_package(tmp_path, {where: source})
    assert [text.split()[0] for text in violations(package)] == [where]


def test_an_allowed_import_is_not_reported(tmp_path: Path) -> None:
    sources = {
        "__init__.py": "from .stream.windows import Window\nfrom .plots import draw",
        "__main__.py": "import mds_sim\nfrom mds_sim.plots import draw",
        "units.py": "import numpy as np\nfrom ._validate import check",
        "stream/windows.py": "from ..units import MINUTE\nfrom .other import name",
        "plots/pool.py": "import matplotlib.pyplot as plt\nfrom ..records import R",
    }
    assert violations(fake_package(tmp_path, sources)) == []


def fake_package(folder: Path, sources: dict[str, str]) -> Path:
    """Write a package with an empty module for each room, and the given sources."""
    package = folder / "mds_sim"
    for room in FLOOR:
        (package / room).mkdir(parents=True)
    for where, source in sources.items():
        (package / where).parent.mkdir(exist_ok=True)
        (package / where).write_text(source, encoding="utf-8")
    return package


def test_the_front_door_is_light() -> None:
    code = f"import sys, mds_sim; print(*sorted({HEAVY} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []


@pytest.mark.parametrize("name", mds_sim.__all__)
def test_a_public_name_has_a_docstring_with_an_example(name: str) -> None:
    value = getattr(mds_sim, name)
    if isinstance(value, int | float | str):
        return  # a constant; its type's docstring says nothing about it
    assert value.__doc__, f"{name} must have a docstring"
    if not isinstance(value, ModuleType):  # its functions have their own
        assert ">>>" in value.__doc__, f"the docstring of {name} must have an example"


def test_modules_are_short() -> None:
    sizes = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_bytes().splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: size for name, size in sizes.items() if size > MAX_LINES} == {}
