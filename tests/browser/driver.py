"""JupyterLab on this machine, and a browser that opens notebooks in it as people do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import nbformat
from axe_playwright_python.sync_playwright import Axe
from nbformat import NotebookNode
from playwright.sync_api import Browser, Locator, Page, Route

ROOT = Path(__file__).parents[2]
UP = 120  # seconds until the server answers, on a busy machine
PATIENCE = 60_000  # milliseconds until a step on a page must have come true
RUN = 180_000  # milliseconds until a whole notebook must have run
NAMES = "chromium", "chromium-browser", "google-chrome", "chrome"
REMEDY = (
    "these tests need Chromium or Chrome on the PATH (`apt-get install chromium`), "
    "or its path in MDS_SIM_CHROMIUM"
)
# Nothing that a browser does by itself may reach for the network.
QUIET = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
]
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # All cells are in the page, not only those on the screen.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}
BAD = {"serious", "critical"}  # what axe-core calls a fault that keeps people out

SIZE: Any = {"width": 1400, "height": 1000}
BADGE = "https://mybinder.org/badge_logo.svg"
ELSEWHERE = re.compile(r"^(https?|wss?)://(?!127\.0\.0\.1[:/])")
SVG = {"content-type": "image/svg+xml"}
# ipywidgets 8.1 gives the handle of a slider no name, and no trait of its reaches it: a
# description labels the box around it only. All else must have a name.
NAMELESS = re.compile(r"^aria-input-field-name: .*role=\"slider\"")

KERNEL = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
CELLS = """jupyterapp.shell.currentWidget.content.widgets
    .map(cell => cell.model.toJSON())
    .filter(cell => cell.cell_type === 'code')"""
ENDED = f"""() => {{
    const cells = {CELLS};
    const failed = cells.some(
        cell => cell.outputs.some(output => output.output_type === 'error'));
    return {KERNEL} === 'idle'
        && (failed || cells.every(cell => cell.execution_count !== null));
}}"""


def find_chromium() -> str | None:
    """Return the path of a browser, if there is one."""
    given = os.environ.get("MDS_SIM_CHROMIUM")
    return given or next(filter(None, map(shutil.which, NAMES)), None)


class Lab:
    """A JupyterLab that serves one folder, on loopback, with settings of its own."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.folder, self.log = folder, ""
        self._state = state
        self._up = threading.Event()

    def __enter__(self) -> Self:
        for name, values in SETTINGS.items():
            self._set(name, values)
        self._process = subprocess.Popen(
            self._command(),
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._up.wait(UP) or self._process.poll() is not None:
            self.__exit__()
            raise RuntimeError(f"JupyterLab did not start:\n{self.log}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()  # and it ends its kernels
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the kernels see it, and end themselves
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def put(self, name: str, notebook: NotebookNode) -> None:
        """Write a notebook as somebody gets it who has never run it."""
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        nbformat.write(notebook, self.folder / f"{name}.ipynb")

    def put_cells(self, name: str, sources: Iterable[str]) -> None:
        """Write a notebook of some code cells."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        # Without a name of a kernel a dialogue would ask for one.
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        self.put(name, nbformat.v4.new_notebook(cells=cells, metadata=metadata))

    def set_theme(self, theme: str) -> None:
        """Choose the colours of pages that are opened from now on."""
        self._set("apputils-extension/themes", {"theme": THEMES[theme]})

    def address(self, name: str) -> str:
        """Return where a notebook is, in a fresh workspace."""
        return f"{self._url}lab/tree/{name}.ipynb?token={self._token}&reset"

    def _read(self) -> None:
        """Keep what the server says; it says where it is once it is there."""
        for line in self._process.stdout or ():
            self.log += line
            found = re.search(r"(http://127\.0\.0\.1:\d+/)lab\?token=(\w+)", line)
            if found:
                self._url, self._token = found.groups()
                self._up.set()
        self._up.set()  # it has ended

    def _set(self, name: str, values: dict[str, Any]) -> None:
        """Write a file of settings, as JupyterLab does it."""
        path = self._state / f"settings/@jupyterlab/{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        """Return an environment in which nothing of the user's is read or written."""
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        mine = {name: str(self._state / folder) for name, folder in folders.items()}
        given = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
        return {**given, **mine, "PYTHONPATH": str(ROOT)}

    def _command(self) -> list[str]:
        """Return the command; a server that is left alone ends after some minutes."""
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={self.folder}"),
            "--LabApp.extension_manager=readonly",
            "--LabApp.expose_app_in_browser=True",
            "--ServerApp.shutdown_no_activity_timeout=600",
            "--MappingKernelManager.cull_idle_timeout=600",
            "--MappingKernelManager.cull_connected=True",
        ]


class Book:
    """A notebook in a page of the browser."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self.page, self.lab = page, lab
        page.set_default_timeout(PATIENCE)

    def open(self, name: str) -> None:
        """Open a notebook, and wait for its kernel: before, a click would be lost."""
        self.page.goto(self.lab.address(name))
        self.wait(f"() => window.jupyterapp && {KERNEL} === 'idle'")

    def run_all(self) -> None:
        """Run all cells by the menu, until the last one has ended or one has failed."""
        self.page.locator("li.lm-MenuBar-item", has_text=re.compile("^Run$")).click()
        self.page.locator("li.lm-Menu-item[data-command='runmenu:run-all']").click()
        self.wait(ENDED, timeout=RUN)

    def cells(self) -> list[dict[str, Any]]:
        """Return the code cells as they would be saved now."""
        found: list[dict[str, Any]] = self.page.evaluate(f"() => {CELLS}")
        return found

    def errors(self) -> list[str]:
        """Return what went wrong in the cells."""
        return [
            f"{output['ename']}: {output['evalue']}"
            for cell in self.cells()
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]

    def ask(self, expression: str) -> str:
        """Ask the kernel for a value, in a new cell at the end of the notebook."""
        self.page.evaluate(
            """source => {
                const notebook = jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = notebook.widgets.length - 1;
                return jupyterapp.commands.execute('notebook:insert-cell-below')
                    .then(() => notebook.activeCell.model.sharedModel.setSource(source))
                    .then(() => jupyterapp.commands.execute('notebook:run-cell'));
            }""",
            f"print({expression})",
        )
        self.wait(ENDED)
        if self.errors():
            raise AssertionError(f"{expression}: {self.errors()}")
        (output,) = self.cells()[-1]["outputs"]
        return "".join(output["text"]).removesuffix("\n")

    def tab_to(self, target: Locator, key: str = "Tab") -> None:
        """Press Tab or Shift+Tab until something has the focus; a mouse is not used."""
        for _ in range(100):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{key} does not lead to {target}")

    def set_theme(self, theme: str) -> None:
        """Change the colours of the page, by the command of the menu."""
        name = THEMES[theme]
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
            name,
        )
        self.wait("name => document.body.dataset.jpThemeName === name", name)

    def faults(self, context: str) -> list[str]:
        """List what axe-core finds serious in parts of the page, in both themes."""
        found = []
        for theme in ("dark", "light"):
            self.set_theme(theme)
            faults = axe_faults(self.page, context)
            found += [f"{theme}: {f}" for f in faults if not NAMELESS.match(f)]
        return found

    def wait(
        self, expression: str, argument: object = None, timeout: int = PATIENCE
    ) -> None:
        """Wait until an expression of JavaScript is true."""
        self.page.wait_for_function(expression, arg=argument, timeout=timeout)


@contextmanager
def open_book(browser: Browser, lab: Lab) -> Iterator[Book]:
    """Open a window of its own, by day, which asks nobody but this machine.

    The text of a notebook shows one picture from elsewhere, its badge: an empty one.
    """
    asked: set[str] = set()

    def answer(route: Route) -> None:
        asked.add(route.request.url)
        route.fulfill(body="<svg xmlns='http://www.w3.org/2000/svg'/>", headers=SVG)

    lab.set_theme("light")
    context = browser.new_context(viewport=SIZE)
    context.route(ELSEWHERE, answer)
    context.route_web_socket(ELSEWHERE, lambda socket: asked.add(socket.url))
    try:
        yield Book(context.new_page(), lab)
    finally:
        context.close()
    if asked - {BADGE}:
        raise AssertionError(f"a page asked elsewhere: {sorted(asked - {BADGE})}")


def axe_faults(page: Page, context: str | None = None) -> list[str]:
    """List what axe-core finds serious in a page, or in the parts that match."""
    results = Axe().run(page, context, {"resultTypes": ["violations"]})
    return [
        f"{fault['id']}: {node['html'][:150]}"
        for fault in results.response["violations"]
        if fault["impact"] in BAD
        for node in fault["nodes"]
    ]
