"""The lab itself worked: no trouble of its own, all faults healed and verified, not ended early."""

from __future__ import annotations

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown
from driver.histories.container_changes import UnexplainedChange, unexplained_changes, unplanned_exits
from driver.histories.events import Aborted, ContainerExited, FinalContainerState, Healed, LabTrouble
from driver.histories.history import History
from driver.histories.journal_gaps import ALIVE
from driver.histories.run_timeline import RunTimeline, run_timeline
from driver.histories.work import NOUN, unanswered
from driver.metrics import Metrics

NAME = "lab_was_sound"
NAMED = 5


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return passed or unknown, never failed: the lab's own trouble is no fault of the system."""
    run = history.view(run_timeline)
    for aborted in history.of(Aborted)[:1]:
        return unknown(NAME, f"the run was ended early: {aborted.because}", evidence=show(history, [aborted]))
    for trouble in history.of(LabTrouble)[:1]:
        because = f"{trouble.what}: {trouble.detail}"
        return unknown(NAME, because, evidence=show(history, history.of(LabTrouble)))
    stopped = [phase for phase in run.phases.values() if phase.outcome == "stopped"]
    if stopped:
        return unknown(NAME, f"the run was stopped in its phase {stopped[0].name}: {stopped[0].detail}")
    broken = [run.phases[name] for name in ("up", "ready", "gate") if _failed(run.phases.get(name))]
    if broken:
        return unknown(NAME, f"the run failed in its phase {broken[0].name}: {broken[0].detail}")
    healed = history.last(Healed)
    if run.faults and (healed is None or healed.left):
        left = f": {', '.join(healed.left[:5])} still faulty" if healed else ""
        return unknown(NAME, f"after the faults the heal was not verified{left}")
    judged = set(history.tested)
    dead = [
        seen
        for seen in history.of(FinalContainerState)
        if seen.container not in judged and seen.status not in ALIVE
    ]
    if dead:
        because = f"{dead[0].container} was {dead[0].status} at the end, exit code {dead[0].exit_code}"
        return unknown(NAME, because, evidence=show(history, dead))
    own = [name for name in _containers(history) if name not in judged]
    for exited in unplanned_exits(history, own)[:1]:
        because = f"{exited.container} ended with exit code {exited.exit_code}, and no fault explains it"
        return unknown(NAME, because, evidence=show(history, [exited]))
    if unexplained := history.view(unexplained_changes):
        named = [_named(one, run) for one in unexplained[:NAMED]]
        more = f", and {len(unexplained) - NAMED} more times" if len(unexplained) > NAMED else ""
        because = f"{'; '.join(named)}{more}: no fault of this run explains it"
        return unknown(NAME, because, evidence=show(history, [one.shown_by for one in unexplained]))
    count, given_up = unanswered(history)
    if given_up:
        because = f"{count} submissions got no answer, so whether {NOUN}s are lost is undetermined"
        return unknown(NAME, because, evidence=show(history, given_up))
    return passed(NAME, "the lab had no trouble of its own, and was verified clean after the faults")


def _containers(history: History) -> list[str]:
    return sorted({exited.container for exited in history.of(ContainerExited)})


def _named(one: UnexplainedChange, run: RunTimeline) -> str:
    from_s, until_s = (run.at_s(at_ns) for at_ns in (one.from_ns, one.until_ns))
    return f"{one.container} was {one.change} from {from_s:.1f} s to {until_s:.1f} s"


def _failed(phase: object) -> bool:
    return getattr(phase, "outcome", "") == "failed"


CHECK = Check(
    name=NAME,
    rank=130,
    claim="The lab itself had no trouble, and healed its faults.",
    judge=judge,
    broken_by=("heal_forgotten",),
    on_system=judge,
    always=True,
    decided=of_any_load,
    fails=False,
)
