"""Plots, as data of the page. Pure."""

from __future__ import annotations

import msgspec

from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.report.charts.bins import Bins, Numbers


class PlotLine(msgspec.Struct, frozen=True):
    """One line of a plot. That of a distribution has its own `x`; that of a curve shares the plot's.

    `colour` names a colour of the page's styles; "": the next of the series' colours.
    """

    label: str
    y: Numbers
    x: list[float] = []
    colour: str = ""


class Plot(msgspec.Struct, frozen=True):
    """One plot. `unit` labels the axis of the numbers; `says` explains how to read it."""

    name: str
    title: str
    unit: str
    says: str
    series: list[PlotLine]
    x: list[float] = []
    log: bool = False


def plot_of(
    bins: Bins, name: str, title: str, unit: str, says: str, *series: PlotLine, log: bool = False
) -> Plot:
    """Return a plot without the lines that have no number."""
    filled = [one for one in series if any(y is not None for y in one.y)]
    return Plot(name, title, unit, says, filled, bins.x, log)


def in_bins(bins: Bins) -> str:
    """Return how wide the steps are in which a curve is drawn."""
    return f"in steps of {write(bins.seconds, Unit.seconds)}"
