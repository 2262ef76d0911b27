"""`lab.py inject`: one fault, by hand, on a lab that is up."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from chaos.actuator import name_list
from chaos.catalogue import FAULTS, choices, parameters
from chaos.directions import Direction
from chaos.explain import nearest
from chaos.fault import Fault
from chaos.units import format_seconds, unit_of
from driver.cli import completers, options, options_run, options_system
from driver.cli.options_system import refuse_options
from driver.cli.places import place_of, restore_stale_of
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.labs.end_request import EndRequest
from driver.labs.injection_effect import InjectionEffect
from driver.labs.injection_plan import LONGEST_S
from driver.labs.lab_lock import lab_lock, reading_unlocked
from driver.labs.machine_monitor import machine_load_text
from driver.labs.manual_injection import EndedInjection, EndReason, await_effect, inject
from driver.labs.needed_abilities import refuse_lacking
from driver.labs.unused_links import unused_links
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.paths import as_called
from driver.scenarios.anchor_flag import parse_anchor
from driver.scenarios.flag_values import MAX_SEED, parse_duration
from driver.scenarios.plan import PlannedFault
from driver.scenarios.yaml_file import FileError, scalar
from driver.terminal import Terminal, print_json, print_lines, print_table

_METAVARS = {"ms": "TIME", "s": "TIME", "B": "SIZE", "B/s": "RATE", "byte": "SHARE"}
"""The metavar of an option, by the unit of its parameter."""
FOR_HELP = f"How long, like 20s; else until Ctrl-C, {format_seconds(LONGEST_S)} at most."

WHEN_HELP = (
    "Begin at a message: the keys of `when:` in a scenario, like "
    "'frame: 3, connection: 1' or 'link: api->db, pattern: COMMIT'."
)


class _Faults(click.Group):
    """A command for each fault of the catalogue, with the fault's parameters as its options."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(FAULTS)

    def get_command(self, context: click.Context, name: str) -> click.Command:
        if name not in FAULTS:
            raise UsageError(f"There is no fault {name!r}.", nearest(name, FAULTS))
        return _command_of(FAULTS[name])

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Faults"):
            formatter.write_dl([(name, _in_help(kind)) for name, kind in FAULTS.items()])


command = _Faults(
    "inject",
    help=as_called(
        "Inject one fault by hand into a lab that is up. A lasting fault goes on until --for is over, or "
        "until Ctrl-C or `lab.py heal` in another terminal ends it; if this process is killed, faults on "
        "links end within seconds, and `lab.py heal` restores containers.\n\n"
        "It ends with what the fault did and with its receipt: what the prober saw of it. Exits with 0 when "
        "the fault is proved, with 2 when it is not, or when `heal` ended it before its time.\n\n"
        "\b\nExamples:\n"
        "  lab.py inject partition --workers 30% --for 20s\n"
        "  lab.py inject latency --mean 200ms --direction to_worker --workers 3,7-9\n"
        "  lab.py inject kill coordinator --for 5s\n"
        "  lab.py inject stall --links 'api->db' --for 20s --system compose.yaml\n"
        "  lab.py inject pause db --for 10s --system compose.yaml\n"
        "  lab.py inject reset --links 'a->db' --when 'pattern: COMMIT' --system a.yaml\n\n"
        "TIME is like 200ms or 10s, SIZE like 64KB, RATE like 1MB/s, SHARE like 1e-4 or 5%."
    ),
)


def _in_help(kind: type[Fault]) -> str:
    own = "  ".join(f"{_flag(name)}={_metavar(kind, name)}" for name in parameters(kind))
    return f"{kind.summary}\n\n{own}" if own else kind.summary


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _help(name: str, text: str) -> str:
    """Return the help of a parameter, with the words that it has on a system."""
    return f"{text}; of a system to_client, to_server or both" if name == "direction" else text


def _metavar(kind: type[Fault], name: str) -> str:
    field = next(field for field, info in kind.model_fields.items() if name in (info.alias, field))
    named = choices(kind, name)
    if name == "direction":
        # A system's links have a client and a server; those of the reference lab's have names of their own.
        named += [one.in_systems for one in Direction if one is not Direction.both]
    return "|".join(named) or _METAVARS.get(unit_of(field), "VALUE")


def _command_of(kind: type[Fault]) -> click.Command:
    own = [
        click.Option([_flag(name), f"param_{name}"], metavar=_metavar(kind, name), help=_help(name, text))
        for name, text in parameters(kind).items()
    ]
    return click.Command(
        kind.name,
        callback=lambda **given: _inject(kind, given),
        params=[
            click.Argument(
                ["targets"], required=False, metavar="[TARGETS]", shell_complete=completers.targets
            ),
            click.Option(
                ["--workers"],
                metavar="TARGETS",
                help="3,7-9, 30%, random 3, coordinator, …  [default: all]",
            ),
            click.Option(
                ["--links"],
                metavar="TARGETS",
                help="Of a system: api->db, *->db, 30% of api->db, …",
                shell_complete=completers.targets,
            ),
            *own,
            click.Option(["--for", "for_text"], metavar="TIME", help=FOR_HELP),
            click.Option(["--when"], metavar="ANCHOR", help=WHEN_HELP),
            click.Option(["--seed"], callback=options_run.seed_value, metavar="N", help="Fixes every draw."),
            click.Option(["--dry-run"], is_flag=True, help="Only name the targets."),
            *_shared(),
        ],
        help=f"{kind.summary[0].upper()}{kind.summary[1:]}.\n\n{kind.visible_effect}",
    )


def _shared() -> list[click.Parameter]:
    """Return the options that all commands have."""

    @click.command()
    @options.project
    @options.engine
    @options_system.system
    @options.as_json
    @options.log_level
    def carrier(project: str, system: Path | None, as_json: bool) -> None: ...

    return carrier.params


def _inject(kind: type[Fault], given: dict[str, Any]) -> int:
    dry_run, seed, as_json = given["dry_run"], given["seed"], given["as_json"]
    params = {
        name.removeprefix("param_"): _value(name, text)
        for name, text in given.items()
        if name.startswith("param_") and text is not None
    }
    refuse_options(given["system"], with_system=("links",), without=("workers", "project"))
    place = place_of(given["project"], given["system"])
    with reading_unlocked(place.project):
        site = place.site()
        restore_stale_of(place, Terminal())
        planned, there_are = place.plan(
            kind.name,
            params,
            _selection(given["targets"], given["links"] or given["workers"]),
            parse_duration("--for", given["for_text"]),
            secrets.randbelow(MAX_SEED) if seed is None else seed,
            None if given["when"] is None else parse_anchor(given["when"]),
        )
    refuse_lacking(planned, place.engine().abilities)
    if dry_run:
        if as_json:
            print_json(json.dumps({"planned": [one.model_dump(mode="json") for one in planned]}))
        else:
            _show(planned, there_are)
        return ExitCode.PASSED
    with Terminal() as terminal:
        if unused := unused_links(site.journals, planned[0].targets):
            terminal.warn(
                f"No connection has ever used {name_list(unused)}: a fault that shows in traffic alone is "
                "not proved there. Send traffic that uses it first."
            )
        terminal.info(f"{kind.name} on {name_list(planned[0].targets)}")
        # Made before the lock is taken: a `heal` that finds the lock must be able to end this command.
        request = EndRequest(place.project)
        with lab_lock(place.project, "inject", kind.name, *place.words, shared=True, say=terminal.info):
            # The lab may have been replaced while this command waited.
            site = place.site()
            injection = asyncio.run(inject(site, planned, request, terminal))
        if injection.reason is EndReason.missed:
            terminal.info(f"{kind.name} did not begin: {injection.detail}.")
            if as_json:
                print_json(
                    json.dumps(ending_as_dict(kind.name, planned[0].targets, injection, InjectionEffect()))
                )
            return ExitCode.INCONCLUSIVE
        # The lab is no longer changed: other commands may have the lock.
        effect = asyncio.run(await_effect(site, injection, planned, terminal))
    if as_json:
        print_json(json.dumps(ending_as_dict(kind.name, planned[0].targets, injection, effect)))
    else:
        end = _end_sentence(kind.name, given["for_text"], planned[0].targets, injection)
        print_lines(ending_lines(end, effect))
    as_asked = injection.reason is not EndReason.healed and effect.is_proved
    return ExitCode.PASSED if as_asked else ExitCode.INCONCLUSIVE


def ending_as_dict(
    name: str, targets: Sequence[str], injection: EndedInjection, effect: InjectionEffect
) -> dict[str, Any]:
    """Return an injection as --json prints it: its end, its effect, and whether it is proved."""
    return {
        "fault": name,
        "targets": list(targets),
        "ended": injection.reason.value,
        "lasted_s": injection.lasted_s,
        "effect": effect.text,
        "cut_off": list(effect.cut_off),
        "not_back": list(effect.away),
        "back_s": effect.back_s,
        "unknown": list(effect.unknown),
        "connections": None if effect.hit is None else asdict(effect.hit),
        "proved": effect.is_proved,
        "proof": effect.proof_text if effect.proofs or effect.unproved else "",
    }


def ending_lines(ended: str, effect: InjectionEffect) -> list[str]:
    """Return the report of an injection: its end, its effect, and its receipt."""
    # A machine that is too busy is the usual reason for a fault that is not proved.
    load = [machine_load_text()] if effect.proofs and not effect.is_proved else []
    return [ended, f"effect: {effect.text}", effect.proof_text, *load]


def _end_sentence(name: str, asked: str | None, targets: Sequence[str], injection: EndedInjection) -> str:
    """Return the sentence on an injection's end."""
    lasted = f"after {write(injection.lasted_s, Unit.seconds)}{f' of {asked}' if asked else ''}"
    ended = {
        EndReason.over: "is over",
        EndReason.stopped: f"was stopped {lasted}",
        EndReason.healed: f"was ended elsewhere {lasted}",
    }[injection.reason]
    return f"{name} {ended}; {name_list(targets)} healed."


def _value(name: str, text: str) -> Any:
    try:
        return scalar(text)
    except FileError as error:
        raise UsageError(f"{_flag(name.removeprefix('param_'))}: {error.problem}.") from None


def _selection(targets: str | None, option: str | None) -> str:
    if targets and option:
        raise UsageError("The targets are given twice.", "Either as an argument, or with an option.")
    return targets or option or ""


def _show(planned: list[PlannedFault], there_are: str) -> None:
    hit = planned[0].targets
    rows = [
        [
            format_seconds(fault.at_s),
            "" if fault.for_s is None else format_seconds(fault.for_s),
            fault.words,
        ]
        for fault in planned
    ]
    print_table(["at", "for at most", "fault"], rows)
    if (when := planned[0].when) is not None:
        print_lines([f"It would begin {when.words}."])
    print_lines([f"It would hit {', '.join(hit)}; {there_are}."])
