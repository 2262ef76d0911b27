"""Plans one fault by hand: on the clients of the reference lab, or on targets that are given."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from chaos.anchor import AnchorEntry
from chaos.catalogue import FaultError, make
from chaos.fault import Fault, Layer
from chaos.targets import CORE, Fleet, Selection, TargetError
from driver.errors import UsageError
from driver.scenarios.plan import PlannedAnchor, PlannedFault, check_one_door
from driver.scenarios.target_selector import links_of_fleet

MANUAL_PREFIX = "by-hand-"
"""Prefix of the ids of manual injections."""
DRAW = "by-hand"
"""Name of the random draw of the targets."""
LONGEST_S = 3600.0
"""Duration of a fault without `--for`, which Ctrl-C or `heal` ends."""
AT_ONCE_S = 1.0
"""Duration of a fault without `--for` whose whole effect is at its begin: a kill."""


def plan_injection(
    fault: str,
    params: Mapping[str, Any],
    selection: str,
    for_s: float | None,
    seed: int,
    clients: int,
    when: AnchorEntry | None = None,
) -> list[PlannedFault]:
    """Return the plan of one fault: one entry for each of its segments.

    `for_s` is its duration in seconds; None: until it is ended, or AT_ONCE_S where its whole effect is at
    its begin. `when` is its anchor. Raises UsageError for unknown faults, parameters and targets, for a link
    fault on the core, for a duration of a fault that has none, and for an anchor that cannot be.
    """
    fleet = Fleet(clients, seed)
    try:
        made = make(fault, params)
        targets = fleet.select(selection, DRAW)
        anchor = plan_anchor(made, when, targets, partial(links_of_fleet, fleet))
    except (FaultError, TargetError) as error:
        raise refusal(fault, error) from None
    core = [name for name in targets if name in CORE]
    if core and made.layer is not Layer.container:
        raise UsageError(
            f"inject {fault}: it acts on the links of workers, and {core[0]} has none of its own.",
            "--workers all acts on every link to it.",
        )
    return plan_on_targets(made, targets, for_s, seed, anchor)


def plan_anchor(
    made: Fault,
    when: AnchorEntry | None,
    targets: tuple[str, ...],
    links_of: Callable[[Selection, str], tuple[str, ...]],
) -> PlannedAnchor | None:
    """Return an anchor with its links, which `links_of` resolves from a selection and the name of a draw.

    Raises TargetError.
    """
    if when is None:
        return None
    if when.link is not None:
        links = links_of(when.link, f"{DRAW}/when")
    elif made.layer is Layer.container:
        raise TargetError(f"{made.name} acts on containers: its anchor needs `link`, on which it counts")
    else:
        links = targets
    check_one_door(links)
    return PlannedAnchor(links=links, point=when.point, within_s=when.within_s)


def refusal(fault: str, error: ValueError) -> UsageError:
    """Return the error for a fault or targets that do not exist."""
    end = "" if str(error).endswith((".", "?")) else "."
    return UsageError(f"inject {fault}: {error}{end}", f"See: python lab.py inject {fault} --help")


def plan_on_targets(
    made: Fault,
    targets: tuple[str, ...],
    for_s: float | None,
    seed: int,
    when: PlannedAnchor | None = None,
) -> list[PlannedFault]:
    """Return the plan of one fault on these targets: one entry for each of its segments.

    `for_s` is as in `plan_injection`. Raises UsageError for a duration of a fault that has none, and for an
    anchor of one with several segments.
    """
    fault = made.name
    if not made.lasting and for_s is not None:
        raise UsageError(f"inject {fault}: it is over in an instant, and takes no --for.")
    until_stopped_s = AT_ONCE_S if made.done_at_once else LONGEST_S
    lasts_s = (until_stopped_s if for_s is None else for_s) if made.lasting else None
    parts = made.expand(lasts_s)
    if when is not None and len(parts) > 1:
        raise UsageError(f"inject {fault}: it comes in several parts, and takes no --when.")
    name = f"{MANUAL_PREFIX}{secrets.token_hex(3)}"
    return [
        PlannedFault(
            id=f"{name}-{number}", entry=name, fault=part.fault.name, params=part.fault.params(),
            targets=targets, at_s=part.at_s, for_s=part.for_s, seed=seed, when=when,
        )
        for number, part in enumerate(parts, 1)
    ]  # fmt: skip
