"""Claims about the whole worker process over a real socket."""

from __future__ import annotations

from tests.worker.process import WorkerProcess
from tests.worker.small_coordinator import SmallCoordinator, until
from wire.messages import Inventory, Result


async def test_a_worker_connects_runs_a_task_and_reports_it() -> None:
    async with SmallCoordinator() as coordinator, WorkerProcess(coordinator.port) as worker:
        await until(lambda: coordinator.channel, "a session")
        token = await coordinator.assign("noop")
        await until(lambda: coordinator.all(Result), "a result")
        result = coordinator.all(Result)[0]
        assert isinstance(result, Result)
        assert (result.token, result.output, result.error) == (token, b"null", "")
        assert isinstance(coordinator.heard[0], Inventory)
        await until(lambda: "result_acknowledged" in worker.happened(), "the acknowledgement")
