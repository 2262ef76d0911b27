"""Toxiproxy's links are those of the plan: traffic over another link is under no fault."""

from __future__ import annotations

from collections.abc import Iterator

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown
from driver.histories.events import LinksSeen, ProxyLink, RunStarted
from driver.histories.history import History
from driver.metrics import Metrics

NAME = "links_as_planned"
END = "end"
_ANYWHERE = ("[::]", "0.0.0.0", "")


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return passed or unknown, never failed: no fault on a changed link is proved."""
    looks = history.of(LinksSeen)
    for look in looks:
        if differences := list(_differences(look)):
            count = len(differences)
            because = "; ".join(differences[:5]) + (f" ({count} in all)" if count > 5 else "")
            return unknown(NAME, because, measured=count, threshold=0, evidence=show(history, [look]))
    if not any(look.moment == END for look in looks):
        if history.sealed or not history.of(RunStarted):
            return unknown(NAME, "Toxiproxy's links were not read at the end of the run")
        return passed(NAME, "an older lab made this run, and did not read Toxiproxy's links")
    return passed(NAME, f"{len(looks[-1].planned)} links as planned, no others, no faults left on them")


def _differences(look: LinksSeen) -> Iterator[str]:
    planned = {link.name: link for link in look.planned}
    found = {link.name: link for link in look.found}
    for name in sorted(found.keys() - planned.keys()):
        yield f"link {name[:80]!r} to {found[name].upstream[:80]} is not in the plan"
    for name in sorted(planned.keys() & found.keys()):
        yield from _between(planned[name], found[name], look.moment == END)
    if look.moment == END:
        # Before the heal, a Toxiproxy that a fault restarted may not have its links yet.
        yield from (f"link {name} is missing" for name in sorted(planned.keys() - found.keys()))


def _between(planned: ProxyLink, found: ProxyLink, at_the_end: bool) -> Iterator[str]:
    if found.upstream != planned.upstream:
        yield f"link {planned.name} leads to {found.upstream[:80]}, planned {planned.upstream}"
    if _address(found.listen) != _address(planned.listen):
        yield f"link {planned.name} listens on {found.listen[:80]}, planned {planned.listen}"
    if at_the_end and not found.enabled:
        yield f"link {planned.name} is disabled"
    if at_the_end and found.hurts:
        yield f"link {planned.name} still has {', '.join(found.hurts[:3])[:80]}"


def _address(listen: str) -> tuple[str, str]:
    host, _, port = listen.rpartition(":")
    return "" if host in _ANYWHERE else host, port


CHECK = Check(
    name=NAME,
    rank=140,
    claim="Toxiproxy's links were those of the plan at the end, and no others.",
    judge=judge,
    broken_by=("link_changed",),
    on_system=judge,
    always=True,
    decided=of_any_load,
    fails=False,
)
