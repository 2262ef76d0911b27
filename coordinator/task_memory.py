"""Memory of tasks without a result: their params and newest checkpoints, each within a budget."""

from __future__ import annotations

from typing import Final

from coordinator.session import TaskState
from wire.messages import Checkpoint

PARAMS_MAX_BYTES: Final = 256 * 1024 * 1024
CHECKPOINTS_MAX_BYTES: Final = 256 * 1024 * 1024


class TaskMemory:
    """Params count from their submission to the task's result, states from their arrival to the next
    state's.
    """

    def __init__(
        self, params_max: int = PARAMS_MAX_BYTES, checkpoints_max: int = CHECKPOINTS_MAX_BYTES
    ) -> None:
        self.params_bytes = 0
        self.checkpoint_bytes = 0
        self._params_max = params_max
        self._checkpoints_max = checkpoints_max

    def has_room_for_task(self, params_bytes: int) -> bool:
        """Return whether a task with params of this size fits."""
        return self.params_bytes + params_bytes <= self._params_max

    def has_room_for_state(self, checkpoint: Checkpoint) -> bool:
        """Return whether another checkpoint fits, while the previous one is still kept."""
        return self.checkpoint_bytes + len(checkpoint.state) <= self._checkpoints_max

    def add_task(self, task: TaskState) -> None:
        """Count a task, with the checkpoint that it has."""
        self.params_bytes += len(task.row.params)
        if task.checkpoint is not None:
            self.add_state(task.checkpoint)

    def add_state(self, checkpoint: Checkpoint) -> None:
        """Count a checkpoint that is being stored."""
        self.checkpoint_bytes += len(checkpoint.state)

    def remove_state(self, checkpoint: Checkpoint | None) -> None:
        """Discount a checkpoint: a newer one is durable, or its task has its result."""
        if checkpoint is not None:
            self.checkpoint_bytes -= len(checkpoint.state)
            assert self.checkpoint_bytes >= 0, "more states were removed than added"

    def remove_task(self, task: TaskState) -> None:
        """Discount a task that has its result."""
        self.params_bytes -= len(task.row.params)
        self.remove_state(task.checkpoint)
        assert self.params_bytes >= 0, "more params were removed than added"
