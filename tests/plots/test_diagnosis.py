"""Figures of a diagnosis: what is drawn is what was found."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from mds_sim import data, plots
from mds_sim.analysis import Diagnosis, diagnose
from mds_sim.stream import read_arrivals
from mds_sim.units import HOUR, MB


@pytest.fixture
def ax() -> Axes:
    return plt.subplots()[1]


@pytest.fixture(autouse=True)
def _close() -> object:
    yield
    plt.close("all")


def test_the_rate_of_each_hour(ax: Axes) -> None:
    found = diagnose(read_arrivals(data.EARTHQUAKES, "time"))
    assert plots.plot_daily_rate(found, ax=ax) is ax
    assert found.arrivals is not None
    (steps,) = ax.patches
    values, edges, _ = steps.get_data()
    assert values.tolist() == (np.array(found.arrivals.rates) * HOUR).tolist()
    assert edges.tolist() == list(range(25))
    (mean,) = ax.lines
    assert mean.get_ydata()[0] == found.arrivals.trace.rate * HOUR
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("hour of the day", "arrivals an hour")


def test_the_laws_beside_the_files(ax: Axes) -> None:
    found = diagnose(data.deb_sizes().sizes)
    assert plots.plot_size_laws(found, ax=ax) is ax
    *laws, files = ax.lines
    names = [line.get_label().partition(",")[0] for line in laws]
    assert found.sizes is not None
    assert names == [fit.name for fit in found.sizes.fits]
    size, share = (np.asarray(values) for values in files.get_data())
    sizes = np.sort(found.sizes.sizes)
    assert size[-1] * MB == pytest.approx(sizes[-1])
    assert share[-1] == pytest.approx(1 / sizes.size)
    assert share[0] == 1.0
    for x, y in list(zip(size, share, strict=True))[::50]:
        near = np.count_nonzero(sizes >= round(x * MB)) / sizes.size
        assert y == pytest.approx(near, abs=0.002)  # equal sizes share a place


def test_what_is_not_there_cannot_be_drawn() -> None:
    message = "^diagnosis must have arrivals, got one of sizes only$"
    with pytest.raises(ValueError, match=message):
        plots.plot_daily_rate(diagnose([1, 2]))
    message = "^diagnosis must have sizes enough to fit a law, got none$"
    for found in (diagnose([1, 2]), Diagnosis()):
        with pytest.raises(ValueError, match=message):
            plots.plot_size_laws(found)
