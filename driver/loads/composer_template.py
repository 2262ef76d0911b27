"""A directory of test commands: which file is what, and which of them one run takes.

The names are those of Antithesis' test composer, and so are the rules: before the drivers one `first_`
command runs, to its end; `parallel_driver_` commands run beside each other and beside `anytime_` ones, a
`serial_driver_` beside `anytime_` ones alone, and a `singleton_driver_` is the only driver of its run.
`finally_` and `eventually_` commands run without faults: the former once the drivers have ended by
themselves, the latter in any case, and last since they may change the system. Files that begin with
`helper_` are none of these. https://antithesis.com/docs/test_templates/test_composer_reference/
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chaos.explain import nearest, shown
from driver.histories.system_events import TEST_COMMANDS

HELPER = "helper_"
MOST_COMMANDS = 200


class CommandKind(StrEnum):
    """What a file's name begins with, without the last underscore."""

    first = "first"
    parallel_driver = "parallel_driver"
    serial_driver = "serial_driver"
    singleton_driver = "singleton_driver"
    anytime = "anytime"
    eventually = "eventually"
    final = "finally"


assert tuple(CommandKind) == TEST_COMMANDS, "checks find the operations of commands by these"

DRIVERS = (CommandKind.parallel_driver, CommandKind.serial_driver, CommandKind.singleton_driver)
ENOUGH = (*DRIVERS, CommandKind.anytime)
"""A directory has at least one command of these kinds."""


@dataclass(frozen=True)
class TemplateCommand:
    """One executable of the directory."""

    kind: CommandKind
    name: str


@dataclass(frozen=True)
class TemplatePlan:
    """The commands of one run. `singleton` excludes `drivers`, which are parallel and serial ones."""

    first: TemplateCommand | None
    singleton: TemplateCommand | None
    drivers: Sequence[TemplateCommand]
    anytime: Sequence[TemplateCommand]
    after: Sequence[TemplateCommand]


def template_commands(files: Mapping[str, bool]) -> list[TemplateCommand]:
    """Return the commands among files, given with whether each is executable. Raises ValueError."""
    found = []
    for name in sorted(files):
        kind = _kind(name)
        if kind is None:
            if files[name] and not name.startswith(HELPER):
                prefixes = [f"{one}_" for one in CommandKind]
                raise ValueError(
                    f"expected {shown(name)} to begin with {', '.join(prefixes)} or {HELPER}. "
                    f"{nearest(name, prefixes)}"
                )
            continue
        if not files[name]:
            raise ValueError(f"expected {shown(name)} to be executable: chmod +x {name}")
        found.append(TemplateCommand(kind, name))
    if not any(one.kind in ENOUGH for one in found):
        names = ", ".join(f"{one}_…" for one in ENOUGH)
        raise ValueError(f"expected at least one command of {names}; found {len(found)} commands")
    if len(found) > MOST_COMMANDS:
        raise ValueError(f"expected at most {MOST_COMMANDS} commands; found {len(found)}")
    return found


def plan_template(commands: Iterable[TemplateCommand], draw: random.Random) -> TemplatePlan:
    """Return the commands of a run: one of the first ones, and either a singleton or all other drivers."""
    of = {kind: [one for one in commands if one.kind is kind] for kind in CommandKind}
    others = of[CommandKind.parallel_driver] + of[CommandKind.serial_driver]
    choices: list[TemplateCommand | None] = [*of[CommandKind.singleton_driver], *([None] if others else [])]
    first = draw.choice(of[CommandKind.first]) if of[CommandKind.first] else None
    singleton = draw.choice(choices) if choices else None
    return TemplatePlan(
        first,
        singleton,
        [] if singleton else others,
        of[CommandKind.anytime],
        of[CommandKind.final] + of[CommandKind.eventually],
    )


def _kind(name: str) -> CommandKind | None:
    return next((one for one in CommandKind if name.startswith(f"{one}_")), None)
