"""Work was done again although checkpoints existed, or for lack of them."""

from __future__ import annotations

from driver.histories.history import History
from driver.metrics import Metrics
from driver.reference.advice.advice import figure, number
from driver.report.advice import Advice, Adviser, Findings


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    ratio = metrics.values["checkpoint_restore_ratio"]
    if ratio is not None and ratio < 1:
        return Advice(
            "checkpoints_unused",
            "Find out why attempts begin at the first step where a checkpoint was durable.",
            f"Only {figure(metrics, 'checkpoint_restore_ratio')} of the attempts that could have begun "
            f"from one did.",
            f"Up to {figure(metrics, 'redone_steps')} steps would not have been done twice.",
            ("checkpoint_restore_ratio", "redone_steps"),
        )
    if number(metrics, "redone_steps") > number(metrics, "checkpoints_created"):
        return Advice(
            "checkpoints_unused",
            "Write checkpoints more often (checkpoint_every_ms).",
            f"{figure(metrics, 'redone_steps')} steps were done twice, beside "
            f"{figure(metrics, 'checkpoints_created')} checkpoints.",
            "Twice as many checkpoints halve the work that a loss costs.",
            ("redone_steps", "checkpoints_created"),
        )
    return None


ADVISER = Adviser(rank=110, advise=advise)
