"""Write copies of notebooks without their solutions, for a class.

    python notebooks/hand_out.py FOLDER [notebook ...]

Without a name it copies every notebook beside this file. A cell that has the tag
"solution" becomes an empty one, all else stays. No file is ever overwritten.
"""

import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
TAG = "solution"
EMPTY = "# Your solution\n"
USAGE = "usage: python notebooks/hand_out.py FOLDER [notebook ...]"


def without_solutions(notebook: NotebookNode) -> int:
    """Empty the solutions in place, and return how many there were."""
    solutions = [c for c in notebook.cells if TAG in c.metadata.get("tags", [])]
    for cell in solutions:
        cell.update(source=EMPTY, outputs=[], execution_count=None)
        cell.metadata = nbformat.NotebookNode()  # neither folded nor marked any more
    return len(solutions)


def hand_out(path: Path, folder: Path) -> int:
    """Write a copy of a notebook, and return how many solutions it lost."""
    notebook = nbformat.read(path, as_version=4)
    count = without_solutions(notebook)
    with (folder / path.name).open("x", encoding="utf-8") as file:
        nbformat.write(notebook, file)
    return count


def main(names: list[str]) -> int:
    """Write the copies into the first of the names; return the exit code."""
    if not names or names[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    folder = Path(names[0])
    paths = [Path(name) for name in names[1:]] or sorted(HERE.glob("*.ipynb"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            count = hand_out(path, folder)
            print(f"{folder / path.name}: {count} solutions left out")
    except FileExistsError as error:
        print(
            f"FOLDER must not hold what is to be written, got {error.filename}; "
            "name a new folder",
            file=sys.stderr,
        )
        return 2
    except FileNotFoundError as error:
        print(f"a notebook must exist, got {error.filename}", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:  # no notebook inside, or no folder there
        print(f"FOLDER and notebooks must be what they say: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
