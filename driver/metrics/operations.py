"""Operations of loads on a foreign system: how many succeeded, how fast, and how soon again after a heal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import FAIL, OK, Operation
from driver.metrics.metric import (
    Better,
    Metric,
    MetricFamily,
    StillOpen,
    Unit,
    Values,
    distribution,
    ratio,
    summed_up,
)

_LOWER = Better.lower

METRICS = (
    Metric("operations", Unit.count, Better.neither, "operations that a load called before the heal phase"),
    Metric("operations_ok", Unit.count, Better.higher, "operations that were acknowledged"),
    Metric("operations_fail", Unit.count, _LOWER, "operations that certainly had no effect"),
    Metric("operations_unknown", Unit.count, _LOWER, "operations that may have had an effect, or none"),
    Metric("ok_share", Unit.ratio, Better.higher, "operations that were acknowledged ÷ operations"),
    Metric("fail_share", Unit.ratio, _LOWER, "operations that certainly had no effect ÷ operations"),
    Metric("unknown_share", Unit.ratio, _LOWER, "operations that may have had an effect ÷ operations"),
    Metric(
        "operations_per_s", Unit.per_second, Better.neither,
        "operations ÷ seconds from the first one's due instant to the last one's",
    ),
    Metric(
        "ok_operations_per_s", Unit.per_second, Better.higher,
        "operations that were acknowledged ÷ the same seconds",
    ),
    *distribution(
        "latency", Unit.seconds, _LOWER,
        "the times from the due instant of an operation that was acknowledged to its answer",
    ),
    Metric(
        "without_ok_max_s", Unit.seconds, _LOWER,
        "the longest time without an answer that acknowledges an operation, from the first due instant to "
        "the last operation's end",
    ),
    Metric(
        "ok_after_heal_max_s", Unit.seconds, _LOWER,
        "the time from a heal to the next answer that acknowledges an operation, the longest; of heals after "
        "which operations were called, and unknown where none of them was acknowledged before the next fault",
    ),
)  # fmt: skip


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    operations = history.view(under_load)
    ok = [one for one in operations if one.outcome == OK]
    fail = sum(1 for one in operations if one.outcome == FAIL)
    unknown = len(operations) - len(ok) - fail
    due = [one.due_ns for one in operations]
    lasted_s = (max(due) - min(due)) / 1e9 if due else 0.0
    return {
        "operations": len(operations),
        "operations_ok": len(ok),
        "operations_fail": fail,
        "operations_unknown": unknown,
        "ok_share": ratio(len(ok), len(operations)),
        "fail_share": ratio(fail, len(operations)),
        "unknown_share": ratio(unknown, len(operations)),
        "operations_per_s": ratio(len(operations), lasted_s),
        "ok_operations_per_s": ratio(len(ok), lasted_s),
        **summed_up("latency", Unit.seconds, [(one.return_ns - one.due_ns) / 1e9 for one in ok]),
        "without_ok_max_s": _longest_without_ok_s(operations),
        "ok_after_heal_max_s": _ok_after_heal_s(history, operations),
    }


def under_load(history: History) -> list[Operation]:
    """Return the operations that were called before the heal phase: what a load does after it, once all is
    settled, is no part of its traffic.
    """
    heal = history.view(run_timeline).phases.get("heal")
    return [one for one in history.of(Operation) if heal is None or one.call_ns < heal.began_ns]


def _longest_without_ok_s(operations: list[Operation]) -> float | None:
    if not operations:
        return None
    begin_ns = min(one.due_ns for one in operations)
    end_ns = max(one.return_ns for one in operations)
    answers = sorted(one.return_ns for one in operations if one.outcome == OK)
    return max(later - earlier for earlier, later in pairwise([begin_ns, *answers, end_ns])) / 1e9


@dataclass(frozen=True)
class AfterHeal:
    """A heal after which operations were called, and the first answer that acknowledges one, before the next
    fault; None where there is none until `until_ns`, when the last of them has ended or that fault begins.
    """

    heal_ns: int
    called: int
    ok_ns: int | None
    until_ns: int


def _after_heals(history: History, operations: list[Operation]) -> list[AfterHeal]:
    run = history.view(run_timeline)
    found = []
    for heal_ns in run.heals:
        quiet_ns = run.quiet_until_ns(heal_ns)
        called = [one for one in operations if heal_ns < one.call_ns < quiet_ns]
        if called:
            answers = (one.return_ns for one in operations if one.outcome == OK)
            ok_ns = min((at_ns for at_ns in answers if heal_ns < at_ns <= quiet_ns), default=None)
            until_ns = min(quiet_ns, max(one.return_ns for one in called))
            found.append(AfterHeal(heal_ns, len(called), ok_ns, until_ns))
    return found


def _ok_after_heal_s(history: History, operations: list[Operation]) -> float | None:
    heals = _after_heals(history, operations)
    took_ns = [one.ok_ns - one.heal_ns for one in heals if one.ok_ns is not None]
    return max(took_ns) / 1e9 if took_ns and len(took_ns) == len(heals) else None


def still_open(history: History) -> dict[str, StillOpen]:
    """Return the longest wait for an acknowledgement after a heal, where none came."""
    run = history.view(run_timeline)
    heals = _after_heals(history, history.view(under_load))
    never = [one for one in heals if one.ok_ns is None]
    if not never:
        return {}
    worst = max(never, key=lambda one: one.until_ns - one.heal_ns)
    longest_s = max(((one.ok_ns or one.until_ns) - one.heal_ns) / 1e9 for one in heals)
    because = (
        f"none of the {worst.called:,} operations that were called after the heal at "
        f"{run.at_s(worst.heal_ns):.1f} s was acknowledged in {(worst.until_ns - worst.heal_ns) / 1e9:.1f} s"
    )
    return {"ok_after_heal_max_s": StillOpen(longest_s, because)}


BROKEN_BY = {
    "latency": ("operation_late",),
    "ok_after_heal": ("answers_withheld",),
    "operations_per_s": ("operation_late", "operation_claimed"),
    "": ("operation_refused", "operation_claimed"),
}
FAMILY = MetricFamily(
    "Operations",
    METRICS,
    measure,
    rank=25,
    of_operations=True,
    on_system=True,
    still_open=still_open,
    broken_by=BROKEN_BY,
)
