"""Distributions of durations, as data of the page's plots. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driver.histories.connection_history import LOSS, connection_histories
from driver.histories.history import History
from driver.histories.outage_phases import PHASES
from driver.report.charts.bins import short
from driver.report.charts.plot import Plot, PlotLine

POINTS = 300


def reconnection_distribution(history: History) -> Plot:
    """Return the plot of the times to reconnect, and of their phases."""
    outages = [
        o
        for connections in history.view(connection_histories).values()
        for o in connections.outages
        if o.how == LOSS and o.back
    ]
    return distribution(
        "reconnection",
        "Time to reconnect",
        "The whole outage, fault included, and its phases.",
        {
            "whole": [o.total_s for o in outages],
            **{phase.name: [phase.length_s(o) for o in outages] for phase in PHASES},
        },
    )


def distribution(name: str, title: str, says: str, groups: Mapping[str, Sequence[float | None]]) -> Plot:
    """Return a plot with a line for each group that has numbers."""
    colours = {"whole": "ink", **{phase.name: f"phase-{phase.key}" for phase in PHASES}}
    series = []
    for label, numbers in groups.items():
        # A logarithmic axis has no zero; a tenth of a millisecond is drawn for it.
        ordered = sorted(max(1e-4, number) for number in numbers if number is not None)
        if ordered:
            ranks = sorted({round(index * (len(ordered) - 1) / (POINTS - 1)) for index in range(POINTS)})
            x = [round(ordered[rank], 5) for rank in ranks]
            shares = [short((rank + 1) / len(ordered)) for rank in ranks]
            series.append(PlotLine(f"{label} ({len(ordered)})", shares, x, colours.get(label, "")))
    return Plot(name, title, "s", says, series, log=True)
