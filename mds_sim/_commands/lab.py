"""The command ``lab``: JupyterLab on the first notebook."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import mds_sim

NOTEBOOK = "notebooks/00_start.ipynb"
WORD = ""
SUMMARY = "JupyterLab on the first notebook"
EXAMPLES = "Other options, such as --no-browser or --port 9000, are Jupyter's."


def add_options(parser: Any) -> None:
    """Describe the options: there are none."""


def run(options: argparse.Namespace) -> int:
    """Open JupyterLab on the first notebook, with the whole repository beside it."""
    root = Path.cwd()
    if not (root / NOTEBOOK).is_file():
        root = Path(mds_sim.__file__).resolve().parent.parent
    if not (root / NOTEBOOK).is_file():
        raise FileNotFoundError(f"{NOTEBOOK} must exist: run this in the repository")
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise FileNotFoundError(
            'JupyterLab must be installed: pip install -e ".[lab]"'
        ) from None
    # In a container or on a fresh machine root may be all there is; Jupyter refuses it
    # unless asked. It listens on this machine only, behind a token.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    LabApp.launch_instance(
        [
            str(root),
            f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
            *(["--allow-root"] if is_root else []),
            *options.jupyter,
        ]
    )
    return 0
