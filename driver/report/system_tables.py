"""Tables of a foreign system's report: storms, amplification, links that are not judged. Pure."""

from __future__ import annotations

from driver.forensics.amplification import Amplification, amplifications
from driver.histories.history import History
from driver.histories.link_connections import incomplete_links
from driver.metrics import Metrics
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.report.tables import Table, storm_table

MOST_AMPLIFIED = 20


def system_tables(history: History, metrics: Metrics) -> list[Table]:
    """Return the tables of a run, without empty ones."""
    tables = (storm_table(history, metrics), _amplified(history), _incomplete(history))
    return [table for table in tables if table.rows]


def _amplified(history: History) -> Table:
    found = [one for one in amplifications(history) if one.under_per_s or one.before_per_s]
    worst = sorted(found, key=lambda one: -one.under_per_s)[:MOST_AMPLIFIED]
    left = len(found) - len(worst)
    more = f" {left} with fewer attempts are left out." if left else ""
    return Table(
        "Amplification",
        f"Attempts to connect a second before, under and after each fault, on links that it reached.{more}",
        ("link", "fault", "before", "under", "after", "factor"),
        tuple(_row(one) for one in worst),
    )


def _row(one: Amplification) -> tuple[str, ...]:
    least = "at least " if one.least else ""
    return (
        one.link,
        one.fault,
        _rate(one.before_per_s),
        f"{least}{_rate(one.under_per_s)}",
        _rate(one.after_per_s),
        "–" if one.factor is None else write(one.factor, Unit.factor),
    )


def _rate(per_s: float | None) -> str:
    return "–" if per_s is None else f"{per_s:.2f}/s"


def _incomplete(history: History) -> Table:
    names = incomplete_links(history)
    return Table(
        "Links that are not judged",
        "Their doors left lines out, because too many came: how their connections ended is not known.",
        ("link",),
        tuple((name,) for name in names),
    )
