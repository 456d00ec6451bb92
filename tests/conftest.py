"""What holds for all tests: no windows, and no verdict on the speed of a machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Before anyone imports Matplotlib, and for the interpreters that tests start too.
os.environ["MPLBACKEND"] = "Agg"

# A busy machine is not a bug, and what is red here is red for everybody.
settings.register_profile("mds_sim", deadline=None, derandomize=True)
settings.load_profile("mds_sim")

BUILD = Path(__file__).parents[1] / "docs" / "build.py"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once for all tests that look at it, and return its folder."""
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, str(BUILD), str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return folder
