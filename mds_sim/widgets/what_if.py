"""What if? Sliders for the stream, and what comes of them: at once, beside theory."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import ipywidgets as ui

from mds_sim._tables import html_table
from mds_sim.analysis import StreamAnswer, what_if
from mds_sim.plots import plot_done_within, plot_pool_sizes
from mds_sim.plots.saving import figure_html, figure_of
from mds_sim.rng import RNG, as_generator
from mds_sim.units import MINUTE

# Name, unit, smallest, largest, step. Beyond these a redraw would take too long.
RATE = ("messages", "a minute", 1.0, 30.0, 1.0)
WINDOW = ("window", "min", 0.5, 20.0, 0.5)
WORKERS = ("workers", "", 1, 30, 1)
SERVICE = ("service", "min a batch", 0.5, 60.0, 0.5)

# Colours are those of the page, light or dark.
STYLE = """<style>
.mds-what-if table {border-collapse: collapse; font-size: 13px; line-height: 1.5;
  color: var(--jp-ui-font-color1, #222)}
.mds-what-if caption {text-align: left; font-weight: 600; font-size: 14px;
  padding: 4px 0}
.mds-what-if th, .mds-what-if td {padding: 1px 12px 1px 0; text-align: right;
  border-bottom: 1px solid var(--jp-border-color2, #ddd)}
.mds-what-if tbody th {text-align: left; font-weight: 400}
.mds-what-if img {max-width: 100%; height: auto}
</style>"""


class WhatIf:
    """A panel with sliders for the stream, in a notebook.

    Four sliders: how many messages come, how long a window is, how many workers there
    are, and how long a batch takes them. Let go of one, and the figures and the
    pictures are those of the new setting: throughput, utilisation and latency,
    simulated with 95 % intervals, beside the exact theory. By keyboard: *Tab* to a
    slider, then the arrows.

    All settings meet the same chance, so that what changes comes from the slider.

    Parameters
    ----------
    rate : float, optional
        Messages a minute to begin with, in 1 to 30.
    window : float, optional
        Length of a window [min], in 0.5 to 20.
    workers : int, optional
        In 1 to 30.
    service : float, optional
        Mean time of a batch, exponential [min], in 0.5 to 60.
    rng : numpy.random.Generator, int or None
        Equal seeds, equal figures.

    Attributes
    ----------
    view : ipywidgets.VBox
        The panel; Jupyter shows it for the object itself.
    answer : StreamAnswer
        The figures that are shown; ``print`` shows them as text.

    Raises
    ------
    ValueError
        If a slider does not go so far.

    Examples
    --------
    >>> panel = WhatIf(workers=10, service=40, rng=1)
    >>> panel.answer.verdict[:31]
    '7.84 of 10 workers busy on aver'
    >>> panel.set(workers=7)
    >>> panel.answer.verdict
    'more work than the pool can do (7.84 of 7 workers): latency grows and grows'
    """

    answer: StreamAnswer

    def __init__(
        self,
        rate: float = 10.0,
        window: float = 5.0,
        workers: int = 10,
        service: float = 40.0,
        *,
        rng: RNG = None,
    ) -> None:
        # One number a panel: each setting begins with the same one.
        self._seed = int(as_generator(rng).integers(2**32))
        self._sliders = {
            "rate": _slider("rate", rate, RATE),
            "window": _slider("window", window, WINDOW),
            "workers": _slider("workers", workers, WORKERS, whole=True),
            "service": _slider("service", service, SERVICE),
        }
        self._table, self._figure = ui.HTML(), ui.HTML()
        layout = ui.Layout(flex_flow="row wrap", align_items="center")
        sliders = ui.VBox(list(self._sliders.values()))
        top = ui.HBox([sliders, self._table], layout=layout)
        self.view = ui.VBox([ui.HTML(STYLE), top, self._figure])
        self.view.add_class("mds-what-if")
        for slider in self._sliders.values():
            slider.observe(self._show, "value")
        self._is_held = False
        self._show()

    def set(self, **values: float) -> None:
        """Move sliders: rate, window, workers, service; it is drawn once.

        Examples
        --------
        >>> panel = WhatIf(rng=1)
        >>> panel.set(rate=20, service=15)
        >>> round(panel.answer.load, 2)
        2.97
        """
        for name, value in values.items():
            if name not in self._sliders:
                known = ", ".join(self._sliders)
                raise ValueError(f"slider must be one of {known}, got {name!r}")
            _check(name, value, self._sliders[name])
        self._is_held = True
        for name, value in values.items():
            self._sliders[name].value = value
        self._is_held = False
        self._show()

    def _show(self, _: Any = None) -> None:
        """Simulate what the sliders say, and show it."""
        if self._is_held:
            return
        value = {name: slider.value for name, slider in self._sliders.items()}
        self.answer = answer = what_if(
            value["rate"] / MINUTE,
            value["window"] * MINUTE,
            value["service"] * MINUTE,
            value["workers"],
            rng=self._seed,
        )
        header = ("", "simulated [95 %]", "theory")
        table = html_table(answer.verdict, answer.rows(), header)
        self._table.value = f'<div role="status">{table}</div>'
        alt = f"Two figures. {answer.verdict}"
        self._figure.value = figure_html(self.static(), alt)

    def static(self) -> Any:
        """Return the same figure to keep, for readers who do not run the notebook.

        Returns
        -------
        Figure
            Of Matplotlib; Jupyter shows it.

        Examples
        --------
        >>> [ax.get_xlabel() for ax in WhatIf(rng=1).static().axes]
        ['latency [h]', 'workers']
        """
        answer = self.answer
        draws = partial(plot_done_within, answer), partial(plot_pool_sizes, answer)
        return figure_of(*draws, beside=True)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)


def _slider(
    name: str, value: float, what: tuple[Any, ...], *, whole: bool = False
) -> Any:
    """Return a slider that says what it counts; it moves things once let go."""
    label, unit, low, high, step = what
    kind = ui.IntSlider if whole else ui.FloatSlider
    text = f"{label} [{unit}]" if unit else label
    slider = kind(
        min=low,
        max=high,
        step=step,
        description=escape(text),
        continuous_update=False,
        style={"description_width": "150px"},
        layout=ui.Layout(width="440px"),
        **({} if whole else {"readout_format": ".1f"}),
    )
    _check(name, value, slider)
    slider.value = value
    return slider


def _check(name: str, value: float, slider: Any) -> None:
    """Refuse what the slider would quietly cut off."""
    whole = isinstance(slider, ui.IntSlider)
    rule = "a whole number from" if whole else "from"
    if not slider.min <= value <= slider.max or (whole and value != int(value)):
        raise ValueError(
            f"{name} must be {rule} {slider.min:g} to {slider.max:g}, got {value!r}"
        )
