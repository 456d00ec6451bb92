"""The reference: a page for each public name, in the groups of ``__all__``."""

import ast
import tokenize
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import ModuleType

ROOMS = ["theory", "plots", "testing", "data", "analysis", "widgets"]
CONSTANTS = {  # they have no docstrings of their own
    "MINUTE": "Seconds in a minute.",
    "HOUR": "Seconds in an hour.",
    "DAY": "Seconds in a day.",
    "KB": "Bytes in a kilobyte.",
    "MB": "Bytes in a megabyte.",
    "GB": "Bytes in a gigabyte.",
    "MiB": "Bytes in a mebibyte, as computers count.",
    "WORST_CASES": "For the name of a rule, how bad it can be: a `WorstCase`.",
    "AVERAGE_CASES": "For the name of a rule, what it needs on average: an "
    "`AverageCase`.",
    "DUAL_FEASIBLE": "For the name of a family of dual feasible functions, the family; "
    "`dual_feasible` takes the best bound that it has.",
    "HARMONIC_LIMIT": "What the worst case of `mds_sim.Harmonic` tends to, with ever "
    "more classes.",
    "COLOURS": "For each idea of the book, such as `waiting`, the colour of its lines "
    "and markers; `plots.FILLS` has that of its areas.",
    "FILLS": "For each idea of the book, such as `buckets`, the colour of its areas; "
    "pale ones need an edge in its colour of `plots.COLOURS`.",
    "OKABE_ITO": "Eight colours that can be told apart without seeing red or green, as "
    "hex codes (M. Okabe, K. Ito, 2002).",
    "DEB_SIZES": "The file that `deb_sizes` reads.",
    "EARTHQUAKES": "The file that `earthquakes` reads.",
    "FLIGHTS": "The file that `flights` reads.",
}
Groups = dict[str, list[str]]


def groups(module: ModuleType) -> Groups:
    """Read ``__all__`` as it is written: a comment begins a group of names."""
    assert module.__file__ is not None
    path = Path(module.__file__)
    first, last = _lines_of_all(path)
    found: Groups = {}
    title = ""
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if not first < token.start[0] <= last and first != last:
                continue
            if token.type == tokenize.COMMENT and token.start[0] < last:
                title = token.string.lstrip("# ")
            elif token.type == tokenize.STRING and first <= token.start[0] <= last:
                found.setdefault(title, []).append(ast.literal_eval(token.string))
    if [*chain(*found.values())] != list(module.__all__):
        raise ValueError(f"__all__ of {module.__name__} must be one list of names")
    return found


def _lines_of_all(path: Path) -> tuple[int, int]:
    """Return the first and the last line of the list ``__all__``."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and "__all__" in map(ast.unparse, node.targets):
            return node.lineno, node.end_lineno or node.lineno
    raise ValueError(f"{path} must have a list __all__")


def write(folder: Path) -> None:
    """Write the pages of the groups; Sphinx makes those of the names."""
    folder.mkdir(parents=True)
    front = import_module("mds_sim")
    pages = []
    for title, names in groups(front).items():
        if names[0] in ROOMS:
            continue
        slug = "-".join(title.replace(":", "").replace(",", "").split())
        text = _table(front, names)
        head = _heading(title[0].upper() + title[1:], "=")
        (folder / f"{slug}.rst").write_text(f"{head}\n{text}", encoding="utf-8")
        pages.append(slug)
    for room in ROOMS:
        module = import_module(f"mds_sim.{room}")
        (folder / f"{room}.rst").write_text(_room(module), encoding="utf-8")
    (folder / "index.rst").write_text(_index(pages), encoding="utf-8")


def _heading(title: str, line: str) -> str:
    """Underline a title."""
    return f"{title}\n{line * len(title)}\n"


def _table(module: ModuleType, names: list[str]) -> str:
    """List names with the first line of what each says of itself; constants in full.

    A name that the front door has as well has its page there: one name, one page.
    """
    front = import_module("mds_sim")
    there = [name for name in names if module is not front and name in front.__all__]
    constants = [name for name in names if not callable(getattr(module, name))]
    own = [name for name in names if name not in there + constants]
    head = f".. currentmodule:: {module.__name__}\n\n.. autosummary::\n"
    parts = [_constant(module, name) for name in constants]
    if own:
        parts.append(f"{head}   :toctree: names\n   :nosignatures:\n\n{_rows(own)}")
    if there:
        full = [f"~mds_sim.{name}" for name in there]
        parts.append(f"{head}   :nosignatures:\n\n{_rows(full)}")
    return "\n".join(parts)


def _rows(names: list[str]) -> str:
    """Write names as the content of a directive."""
    return "".join(f"   {name}\n" for name in names)


def _constant(module: ModuleType, name: str) -> str:
    """Describe a constant, with its value if that is a number."""
    if name not in CONSTANTS:
        raise ValueError(f"docs/api_pages.py must describe the constant {name}")
    value = getattr(module, name)
    shown = f"   :value: {value!r}\n" if isinstance(value, int | float) else ""
    head = f".. currentmodule:: {module.__name__}\n\n.. py:data:: {name}\n"
    return f"{head}{shown}\n   {CONSTANTS[name]}\n"


def _room(module: ModuleType) -> str:
    """Write the page of a room: what it says of itself, and its names."""
    name = module.__name__
    parts = [_heading(name, "="), f".. automodule:: {name}\n   :no-members:\n"]
    for group, names in groups(module).items():
        if group:
            parts.append(_heading(group[0].upper() + group[1:], "-"))
        parts.append(_table(module, names))
    return "\n".join(parts)


def _index(pages: list[str]) -> str:
    """Write the page that lists the groups."""
    groups_ = "\n".join(f"   {page}" for page in pages)
    rooms = "\n".join(f"   {room}" for room in ROOMS)
    return f"""\
{_heading("Reference", "=")}
All that is public, from the docstrings: ``help(mds_sim.pack)`` says the same. Times are
in seconds, sizes in bytes. Every example is run by the tests.

.. toctree::
   :caption: From import mds_sim
   :maxdepth: 1

{groups_}

.. toctree::
   :caption: Rooms to look into
   :maxdepth: 1

{rooms}
"""
