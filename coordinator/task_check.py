"""Compares tasks with the attempts that sessions hold; for tests and simulations."""

from __future__ import annotations

from coordinator.session import LeasedAttempt, TaskPhase, TaskState


def check_tasks(tasks: dict[str, TaskState], held: list[LeasedAttempt]) -> None:
    """Raise AssertionError where tasks and the sessions' attempts disagree. O(tasks + attempts)."""
    tokens = {attempt.token for attempt in held}
    assert len(tokens) == len(held), "two sessions hold one attempt"
    for attempt in held:
        task = attempt.task
        name = task.row.task_id
        assert tasks.get(name) is task, f"{name} is held, and not in the books"
        assert task.attempt is attempt, f"{name} has two holders: tokens {attempt.token} and {task.attempt}"
        assert attempt.session.attempts.get(attempt.token) is attempt, f"{name} is in other hands"
        assert task.phase is TaskPhase.assigned, f"{name} is held, and {task.phase.value}"
        assert attempt.token > task.fencing_token, (
            f"{name}: the fencing_token {task.fencing_token} is beyond token {attempt.token}"
        )
        assert task.reached_step >= attempt.step, f"{name} reached step {attempt.step}, and more is forgotten"
    for name, task in tasks.items():
        assert (task.attempt is not None) == (task.phase is TaskPhase.assigned), (
            f"{name} is {task.phase.value}"
        )
        assert task.attempt is None or task.attempt.token in tokens, (
            f"{name} has an attempt without a session"
        )
        assert 0 <= task.failures <= task.attempts_started, (
            f"{name}: {task.failures} failures in {task.attempts_started} attempts"
        )
