"""A directory of test commands, named and scheduled as in Antithesis' test composer (composer_template)."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.unit_types import PerSecond, Seconds
from driver.histories.system_events import FAIL, OK, UNKNOWN
from driver.loads.addresses import Endpoint, endpoint, services_of, variables
from driver.loads.composer_template import CommandKind, TemplateCommand, plan_template, template_commands
from driver.loads.load import Load, LoadContext
from driver.loads.open_loop import wait_until
from driver.loads.operation_log import OperationLog
from driver.loads.program_run import OutputLog, ProgramEnd, run_program


class ComposerLoad(Load):
    """Test commands of a directory, each an operation: ok where it ends with 0, unknown where it is ended."""

    name: ClassVar = "composer"
    summary: ClassVar = "a directory of test commands, named as in Antithesis' test composer"
    is_slow: ClassVar = True
    expects: ClassVar = ("test_commands_passed",)

    composer: Annotated[
        str, Field(min_length=1, max_length=1_000, description="the directory, from the scenario's file")
    ]
    parallel: Annotated[int, Field(ge=1, le=64, description="parallel drivers at once, at most")] = 4
    rate_per_s: Annotated[
        PerSecond, Field(gt=0, le=100, description="starts of commands a second, at most")
    ] = 5.0
    timeout_s: Annotated[
        Seconds, Field(gt=0, le=3600, description="how long a command may run before it is ended")
    ] = 60.0
    reach: Annotated[
        tuple[Endpoint, ...],
        Field(max_length=64, description="ports that are not published and that they need: redis:6379"),
    ] = ()

    @property
    def services(self) -> Mapping[tuple[str | int, ...], str]:
        return services_of(self.reach)

    def check(self, home: Path) -> None:
        read_template(home / self.composer)

    async def run(self, context: LoadContext) -> None:
        runner = await self._runner(context)
        draw = random.Random(f"{context.seed}/load/{context.name}")
        plan = plan_template(runner.commands, draw)
        await wait_until(context.zero_ns)
        if plan.first and await runner.run(plan.first) != OK:
            context.operations.trouble(f"{plan.first.name} did not end with 0: no other command was run")
            return
        end_ns = context.zero_ns + round(context.duration_s * 1e9)
        anytime = asyncio.ensure_future(self._serial(runner, plan.anytime, draw, end_ns))
        try:
            if plan.singleton:
                await runner.run(plan.singleton)
            await self._drivers(runner, plan.drivers, draw, end_ns)
            await anytime
        finally:
            anytime.cancel()
            await asyncio.gather(anytime, return_exceptions=True)

    async def after(self, context: LoadContext) -> None:
        runner = await self._runner(context)
        was_ended = context.operations.counts[UNKNOWN] > 0
        for command in plan_template(runner.commands, random.Random(0)).after:
            if was_ended and command.kind is CommandKind.final:
                runner.leave_out(command, "not run: a command before it did not end by itself")
            else:
                await runner.run(command)

    async def _runner(self, context: LoadContext) -> _Runner:
        addresses = await asyncio.to_thread(variables, context.access, map(endpoint, self.reach))
        folder = context.home / self.composer
        return _Runner(
            read_template(folder),
            folder,
            {**os.environ, **context.variables, **addresses},
            self.timeout_s,
            context.operations,
            OutputLog(context.folder / f"{context.name}.log"),
        )

    async def _serial(
        self, runner: _Runner, commands: Sequence[TemplateCommand], draw: random.Random, end_ns: int
    ) -> None:
        """Run one command after another, drawn each time."""
        while commands and time.monotonic_ns() < end_ns:
            await runner.run(draw.choice(commands))
            await self._pause(draw)

    async def _drivers(
        self, runner: _Runner, commands: Sequence[TemplateCommand], draw: random.Random, end_ns: int
    ) -> None:
        """Run drivers, drawn each time: parallel ones beside each other, a serial one beside none."""
        running: set[asyncio.Task[str]] = set()
        try:
            while commands and time.monotonic_ns() < end_ns:
                command = draw.choice(commands)
                is_serial = command.kind is CommandKind.serial_driver
                while len(running) >= (1 if is_serial else self.parallel):
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                task = asyncio.ensure_future(runner.run(command))
                running.add(task)
                task.add_done_callback(running.discard)
                if is_serial:
                    await task
                await self._pause(draw)
            await asyncio.gather(*running)
        finally:
            left = list(running)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _pause(self, draw: random.Random) -> None:
        await asyncio.sleep(draw.expovariate(self.rate_per_s))


@dataclass
class _Runner:
    """Runs commands of one directory, each as an operation."""

    commands: Sequence[TemplateCommand]
    folder: Path
    environment: dict[str, str]
    timeout_s: float
    operations: OperationLog
    output: OutputLog
    begun: int = 0

    async def run(self, command: TemplateCommand) -> str:
        """Run a command to its end; returns the operation's outcome."""
        self.begun += 1
        number, call_ns = self.begun, time.monotonic_ns()
        ended = ProgramEnd("", "the load ended before it")
        try:
            ended = await run_program(
                [f"./{command.name}"],
                self.environment,
                self.folder,
                self.timeout_s,
                self._keep,
                self.output,
            )
        finally:
            self._write(command, number, call_ns, ended)
        return _outcome(ended)

    def leave_out(self, command: TemplateCommand, because: str) -> None:
        """Write that a command was not run."""
        self.begun += 1
        self._write(command, self.begun, time.monotonic_ns(), ProgramEnd("", because))

    def _write(self, command: TemplateCommand, number: int, call_ns: int, ended: ProgramEnd) -> None:
        outcome = _outcome(ended)
        self.operations.operation(
            op=command.kind,
            key=f"{command.name}#{number}",
            value=ended.code,
            due_ns=call_ns,
            call_ns=call_ns,
            return_ns=time.monotonic_ns(),
            outcome=outcome,
            detail="" if outcome == OK else f"{command.name} {ended}",
        )

    async def _keep(self, output: asyncio.StreamReader) -> bool:
        await self.output.read(output)
        return True


def _outcome(ended: ProgramEnd) -> str:
    if ended.code is None:
        return UNKNOWN
    return OK if ended.code == 0 else FAIL


def read_template(folder: Path) -> list[TemplateCommand]:
    """Return the commands of a directory. Raises ValueError."""
    try:
        with os.scandir(folder) as entries:
            files = {one.name: os.access(one.path, os.X_OK) for one in entries if one.is_file()}
    except OSError as error:
        raise ValueError(f"expected a directory of test commands; {folder}: {error.strerror}") from None
    return template_commands(files)
