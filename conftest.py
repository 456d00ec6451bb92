"""What holds for the examples in docstrings: each cleans up after itself.

Twenty figures of pyplot may be open at a time, and each example of a figure opens one.
"""

import sys

import pytest


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Close the figures that an example has opened."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and isinstance(item, pytest.DoctestItem):
        pyplot.close("all")
