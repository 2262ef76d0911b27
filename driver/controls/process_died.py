"""A container's process dies, and no fault explains it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, name_of, replaced, when
from driver.histories.container_changes import can_end
from driver.histories.events import ContainerExited, FinalContainerState
from driver.histories.history import DRIVER, History
from driver.histories.journal_gaps import ALIVE
from driver.histories.run_timeline import run_timeline


def alter(history: History) -> Iterator[Altered]:
    """Let each container die where no fault can end it, at one instant; then let each be dead at the end."""
    run = history.view(run_timeline)
    seen = [one.container for one in history.of(ContainerExited)]
    for name in dict.fromkeys([*reversed(history.tested), *seen]):
        span_ns = run.end_ns - run.zero_ns
        instants = (run.zero_ns + span_ns * part // 16 for part in range(15, 0, -1))
        at_ns = next((one for one in instants if not can_end(run, name, one, one)), None)
        if at_ns is not None:
            died = ContainerExited(
                at_ns=at_ns, wall_s=0.0, by=DRIVER, container=name, exit_code=137, out_of_memory=False,
                planned=False, log=[],
            )  # fmt: skip
            change = f"{name_of(name)} dead {when(history, at_ns)}"
            yield Altered(change, history.altered([], [died]))
    for state in history.of(FinalContainerState):
        if state.status in ALIVE:
            dead = replace(state, status="exited", exit_code=137)
            change = f"{name_of(state.container)} dead at the end"
            yield Altered(change, replaced(history, [(state, dead)]))


CONTROL = Control(
    "process_died",
    "A container dies, and no fault explains it.",
    alter,
    (ContainerExited, FinalContainerState),
    rank=160,
)
