"""A program that drives the system itself, and prints a line for each operation."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from chaos.explain import shown
from chaos.unit_types import PerSecond
from driver.loads.addresses import Endpoint, endpoint, services_of, variables
from driver.loads.container_run import container_argv, container_name, removed_at_end
from driver.loads.load import Load, LoadContext, OutsideNetwork
from driver.loads.open_loop import wait_until
from driver.loads.operation_lines import LineSplitter, reported
from driver.loads.operation_log import OperationLog
from driver.loads.program_run import PIECE_BYTES, OutputLog, ProgramEnd, check_executable, run_program
from driver.port_variables import port_variable

SHELL = ("/bin/sh", "-c")
MOST_BAD_LINES = 1_000
"""A command that prints so many lines that are no operation is ended."""


def _argv(value: object) -> object:
    """Return a text as a command of the shell."""
    return [*SHELL, value] if isinstance(value, str) else value


def _written(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv or not argv[0] or any("\0" in word for word in argv):
        raise ValueError(f"expected a program and its arguments; found {shown(list(argv))}")
    return argv


Argv = Annotated[tuple[str, ...], BeforeValidator(_argv), AfterValidator(_written), Field(max_length=200)]


class CommandLoad(Load):
    """A program that drives the system and prints a JSON line an operation.

    It runs on this host, in the folder of the scenario's file, or in a container beside the system. It ends
    with all that it started: after its time and `timeout`, and with the run.
    """

    name: ClassVar = "command"
    summary: ClassVar = "a program that prints a JSON line an operation"

    command: Annotated[Argv, Field(description="a program with its arguments, or a text for the shell")]
    rate_per_s: Annotated[
        PerSecond, Field(gt=0, le=20_000, description="operations a second that it is to call")
    ] = 10.0
    image: Annotated[
        str, Field(max_length=300, description="an image of this machine in which it runs, beside the system")
    ] = ""
    reach: Annotated[
        tuple[Endpoint, ...],
        Field(max_length=64, description="ports that are not published and that it needs: redis:6379"),
    ] = ()

    @model_validator(mode="after")
    def _reaches_from_this_host(self) -> CommandLoad:
        if self.image.startswith("-"):
            raise ValueError(f"expected the name of an image; found {shown(self.image)}")
        if self.image and self.reach:
            raise ValueError("expected `image` or `reach`: ports that are not published need this host")
        return self

    @property
    def services(self) -> Mapping[tuple[str | int, ...], str]:
        return services_of(self.reach)

    def check(self, home: Path) -> None:
        if not self.image:
            check_executable(self.command[0], home)

    async def run(self, context: LoadContext) -> None:
        output = ReportedOutput(context.operations, context.zero_ns)
        if self.image:
            network = await asyncio.to_thread(context.access.outside_network)
            addresses = {port_variable(*one): address for one, address in network.addresses.items()}
            name = container_name(network, context.name)
            async with removed_at_end(name):
                ended = await self._end_of(context, output, addresses, (network, name))
        else:
            addresses = await asyncio.to_thread(variables, context.access, map(endpoint, self.reach))
            ended = await self._end_of(context, output, addresses)
        if output.is_over:
            return
        if not ended.report:
            context.operations.trouble(
                f"its command still ran {self.timeout_s:g} s after its time: operations may be missing"
            )
        elif ended.code != 0:
            context.operations.trouble(f"its command {ended}")

    async def _end_of(
        self,
        context: LoadContext,
        output: ReportedOutput,
        addresses: dict[str, str],
        container: tuple[OutsideNetwork, str] | None = None,
    ) -> ProgramEnd:
        """Run the program, in a container of that name or on this host, and return how it ended."""
        await wait_until(context.zero_ns)
        left_s = context.duration_s - (time.monotonic_ns() - context.zero_ns) / 1e9
        settings = {"STORMLAB_RATE_PER_S": f"{self.rate_per_s:g}", "STORMLAB_SECONDS": f"{left_s:.3f}"}
        given = {**context.variables, **settings, **addresses}
        argv: Sequence[str] = self.command
        if container is not None:
            argv = container_argv(*container, self.image, self.command, given)
        return await run_program(
            argv,
            {**os.environ, **given},
            context.home,
            max(0.0, left_s) + self.timeout_s,
            output.read_all,
            OutputLog(context.folder / f"{context.name}.log"),
        )


class ReportedOutput:
    """Writes the operations that a command prints into a log; lines that are none are its trouble."""

    def __init__(self, operations: OperationLog, begin_ns: int) -> None:
        self._operations = operations
        self._begin_ns = begin_ns
        self._bad = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is read: there were too many operations, or too many lines that are none."""
        return self._operations.has_refused or self._bad >= MOST_BAD_LINES

    async def read_all(self, output: asyncio.StreamReader) -> bool:
        """Read an output to its end, or until it `is_over`; returns whether it had an end."""
        lines = LineSplitter()
        while piece := await output.read(PIECE_BYTES):
            self._take(lines.feed(piece))
            if self.is_over:
                return False
            # A stream that always has more leaves the others their turns.
            await asyncio.sleep(0)
        self._take(lines.end())
        return True

    def _take(self, lines: Iterable[bytes | None]) -> None:
        for line in lines:
            try:
                if (found := reported(line, self._begin_ns, time.monotonic_ns())) is not None:
                    self._operations.operation(
                        op=found.op,
                        key=str(found.key),
                        value=found.value,
                        due_ns=found.due_ns or found.call_ns,
                        call_ns=found.call_ns,
                        return_ns=found.return_ns,
                        outcome=found.outcome,
                        process=found.process,
                        detail=found.detail,
                    )
            except ValueError as error:
                self._bad += 1
                self._operations.trouble(f"a line of its command was not read: {error}")
