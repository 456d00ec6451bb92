"""What is in a panel, for the tests of all panels."""

from typing import Any

import ipywidgets as ui


def widgets(panel: Any, kind: type) -> list[ui.Widget]:
    """Return the widgets of a kind in a panel, from first to last."""
    found: list[ui.Widget] = []
    stack = [panel.view]
    while stack:
        widget = stack.pop(0)
        found += [widget] if isinstance(widget, kind) else []
        stack = [*getattr(widget, "children", ()), *stack]
    return found
