"""What a command prints, in a container or on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from driver.errors import NotReadyError
from driver.observations.address import Target, TargetText, parse_target
from driver.observations.http import json_value
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.reading import Reader, ReadingError, Value
from driver.observations.values import number, shown, table
from driver.port_variables import port_variable
from driver.systems.system_access import Ran, SystemAccess, run_bounded


class CommandObservation(SystemObservation):
    """The output of one command."""

    name: ClassVar = "command"
    summary: ClassVar = "what a command prints, in a container, or on this machine"
    result: ClassVar = (
        "a number, lines as a table with the column `line`, or what the JSON has. A command that does not "
        "end with 0 is unknown, with the last line of its standard error"
    )
    example: ClassVar = "command: [ls, /data], in: worker, format: lines"
    rank: ClassVar = 400

    command: Annotated[
        list[str],
        Field(
            min_length=1,
            description="the command and its arguments. On this machine it starts in the scenario's folder, "
            "with a variable like WEB_8000=127.0.0.1:49153 for each port of a service",
        ),
    ]
    in_: Annotated[
        TargetText | None,
        Field(alias="in", description="the service in whose container it runs; without it on this machine"),
    ] = None
    format: Annotated[
        Literal["number", "lines", "json"], Field(description="what it prints: `number`, `lines`, or `json`")
    ] = "number"
    read: Annotated[str, Field(pattern=r"^\$", description="with `json`: a JSON path")] = "$"

    @property
    def tried(self) -> str:
        return f"{shown(' '.join(self.command))} {f'in {self.in_}' if self.in_ else 'on this machine'}"

    @property
    def targets(self) -> Mapping[str, Target]:
        return {} if self.in_ is None else {"in": parse_target(self.in_)}

    def reader(self, context: ReadingContext) -> Reader:
        def read() -> Value:
            ran = self._run(context)
            if ran.code != 0:
                last = (ran.err or ran.out).decode(errors="replace").strip().splitlines()[-1:] or [
                    "(nothing)"
                ]
                raise ReadingError(f"it ended with {ran.code}, and printed last: {shown(last[0])}")
            return self._value(ran.out)

        return read

    def _run(self, context: ReadingContext) -> Ran:
        if self.in_ is not None:
            target = parse_target(self.in_)
            return context.access.execute(target.service, self.command, target.number or 1, self.timeout_s)
        environment = {**os.environ, **_addresses(context.access)}
        return run_bounded(self.command, self.timeout_s, environment, context.home)

    def _value(self, out: bytes) -> Value:
        if self.format == "json":
            return json_value(out, self.read)
        text = out.decode(errors="backslashreplace")
        if self.format == "lines":
            return table(("line",), ([line] for line in text.splitlines()))
        return number(text.strip())


def _addresses(access: SystemAccess) -> dict[str, str]:
    """Return where each port of a service is reached now, beside the doors, by a variable."""
    found = {}
    for service, port in access.ports():
        with suppress(NotReadyError):
            found[port_variable(service, port)] = access.inside(service, port)
    return found
