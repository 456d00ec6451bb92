"""Progress bars: shown if wanted, and nothing is imported if not."""

import subprocess
import sys

import pytest

from mds_sim.core.progress import progress_bar


def test_a_bar_that_is_not_wanted_shows_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with progress_bar(False, 10, "batches") as advance:
        advance(3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("total", [10, None])
def test_a_bar_counts_in_its_unit(
    capfd: pytest.CaptureFixture[str], total: int | None
) -> None:
    with progress_bar(True, total, "batches") as advance:
        for _ in range(10):
            advance(1)
    out, err = capfd.readouterr()
    assert out == ""
    assert " batches" in err


def test_a_bar_ends_with_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), progress_bar(True, 2, "files"):
        _ = 1 / 0


def test_tqdm_is_loaded_by_a_bar_that_is_shown_only() -> None:
    code = (
        "import sys\n"
        "from mds_sim.core.progress import progress_bar\n"
        "with progress_bar(False, 1, 'files') as advance: advance(1)\n"
        "print('tqdm' in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"
