"""Run notebooks from top to bottom, and save them with their outputs.

    python notebooks/execute.py [notebook ...]

Without a name it runs every notebook beside this file. What differs from run to run or
from machine to machine is left out of the file, so that running a notebook twice gives
the same bytes, and a change in git is a change of substance.
"""

import sys
import time
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
WIDGET = "application/vnd.jupyter.widget-view+json"
TIMEOUT = 120  # seconds a cell; nbclient may wait for ever on a cell with widgets


def run(notebook: NotebookNode, folder: Path) -> None:
    """Execute the notebook in place, with the Python that runs this script."""
    # With no folder of kernels to look in, "python3" is the interpreter we are.
    kernels = KernelSpecManager(kernel_dirs=[])
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels),
        resources={"metadata": {"path": str(folder)}},
        timeout=TIMEOUT,
        record_timing=False,
        coalesce_streams=True,  # else one text may be stored as two, by chance
        extra_arguments=["--log-level=ERROR"],  # no advice on networks, this is local
    )
    client.execute()


def strip(notebook: NotebookNode) -> None:
    """Remove in place what does not come from the text of the notebook."""
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata.pop("widgets", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in code_cells(notebook):
        cell.metadata.pop("execution", None)
        # A view of a widget is an address in a kernel that has ended.
        cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """List the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def execute(path: Path) -> int:
    """Run one notebook, save it, and return how many code cells it has."""
    notebook = nbformat.read(path, as_version=4)
    run(notebook, path.parent)
    strip(notebook)
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):  # an empty cell has no count
        raise ValueError(f"{path.name}: cells must count 1, 2, 3, ..., got {counts}")
    nbformat.write(notebook, path)
    return len(counts)


def main(names: list[str]) -> int:
    """Run the named notebooks, or all; return the number that failed."""
    failed = 0
    for path in [Path(name) for name in names] or sorted(HERE.glob("*.ipynb")):
        start = time.perf_counter()
        try:
            cells = execute(path)
        except (CellExecutionError, TimeoutError, ValueError) as error:
            print(f"{path.name}: not saved\n{error}", file=sys.stderr)
            failed += 1
        else:
            print(f"{path.name}: {cells} cells, {time.perf_counter() - start:.1f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
