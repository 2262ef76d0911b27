"""The command line: a catalogue of commands; each error is one sentence, each end an exit code."""

from __future__ import annotations

import errno
import importlib
import io
import keyword
import logging
import os
import sys
import traceback

import click
from click.shell_completion import CompletionItem

from chaos.explain import did_you_mean
from driver.errors import InterruptedCommandError, LabError, UsageError
from driver.exit_codes import MEANING, ExitCode
from driver.paths import PROGRAM
from driver.terminal import Terminal, print_lines
from wire.declarations import DeclarationError

CATALOGUE = {
    "setup": "make this machine ready: a Docker engine, base images",
    "build": "build the lab's images that are missing or out of date",
    "doctor": "check what a lab needs of this machine, with the cure",
    "up": "start a lab, or scale the one that is up",
    "status": "show the lab: containers, sessions, tasks, links under faults",
    "logs": "show the containers' logs, in order of time",
    "down": "remove a lab: containers, networks, volumes, faults",
    "links": "show every link of a system: connections, bytes, faults",
    "learn": "watch which services of a Compose file connect, and write stormlab.yaml",
    "try": "hurt a system from its Compose file one thing at a time, and say what does not come back",
    "search": "draw timelines of faults, run and judge each, and keep the smallest that breaks a system",
    "shrink": "make what failed in a stored run small: fewer faults, shorter, simpler",
    "load": "submit tasks to a lab at a steady rate",
    "inject": "inject one fault by hand into a lab that is up",
    "faults": "show the faults that are on, on which links, until when",
    "heal": "end every fault of a lab that is up, and verify it",
    "dashboard": "live dashboard: watch the lab, inject faults, heal",
    "top": "live table of the workers, in the terminal",
    "scenarios": "list the scenarios with their claims and last verdicts",
    "scenario": "run a scenario on real containers, and judge it",
    "validate": "check scenario files, without running them",
    "suite": "run the tests and every scenario, one after the other, to one summary",
    "compare": "compare runs: what differs, and whether it is worse",
    "judge": "judge a stored run again, without Docker",
    "report": "write the report of a stored run again, and open it",
    "replay": "run the stored plan of a run again",
    "completion": "print the script that completes commands at the Tab key",
}
"""Command → its summary. The command is `command` of its module in this package (`module_of`)."""

COMPLETE_VARIABLE = "_STORMLAB_COMPLETE"
"""The environment variable with which a shell asks for completions."""
_MACHINE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENAMETOOLONG),
    }
)
"""Errors of a machine without space, memory or permission: no defect of the lab."""
_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code.value:<4}{text}" for code, text in MEANING.items())


def module_of(name: str) -> str:
    """Return the module of a command in this package: `up`, and `try_`, since `try` is a word of Python."""
    return f"{name}_" if keyword.iskeyword(name) else name


class _Commands(click.Group):
    """Imports only the command that is called, so that `down` works when another module fails."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(CATALOGUE)

    def get_command(self, context: click.Context, name: str) -> click.Command:
        if name not in CATALOGUE:
            hint = did_you_mean(name, CATALOGUE) or "See: python lab.py --help"
            raise UsageError(f"There is no command {name!r}.", hint)
        found = importlib.import_module(f"driver.cli.{module_of(name)}").command
        assert isinstance(found, click.Command)
        return found

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        offered = [
            CompletionItem(name, help=text) for name, text in CATALOGUE.items() if name.startswith(incomplete)
        ]
        return offered or click.Command.shell_complete(self, context, incomplete)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(CATALOGUE.items()))


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        # Imported here: only this option needs it.
        from driver.version import own_version

        print_lines([f"stormlab {own_version()}"])
        context.exit()


commands = _Commands(
    "lab.py",
    help="A lab for network chaos: real workers, a real coordinator, and Toxiproxy between them.",
    epilog=_EPILOG,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_print_version,
            help="Which Stormlab this is.",
        )
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """Run the command line, and exit with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # An ASCII terminal shows `\xb5s` instead of raising an error.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Run one command; returns the exit code. An error is one sentence on standard error."""
    try:
        code = commands.main(argv, prog_name=PROGRAM, complete_var=COMPLETE_VARIABLE, standalone_mode=False)
        return int(code or ExitCode.PASSED)
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path.removeprefix(PROGRAM) if error.ctx else ""
        return _fail(UsageError(error.format_message(), f"See: python lab.py{command} --help"))
    except click.ClickException as error:
        return _fail(UsageError(error.format_message()))
    except LabError as error:
        return _fail(error)
    except DeclarationError as error:
        return _fail(UsageError(f"{error}."))
    except (KeyboardInterrupt, click.Abort):
        return _fail(InterruptedCommandError("Stopped."))
    except BrokenPipeError:
        # The reader of the output (`| head`) has ended; the flush at the exit must not fail on that too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PASSED
    except OSError as error:
        return _fail(_refused_by_machine(error) if error.errno in _MACHINE else _bug(error))
    except MemoryError:
        return _fail(LabError("This machine has no memory left for it.", "See: python lab.py doctor"))
    except Exception as error:
        return _fail(_bug(error))


def _fail(error: LabError) -> int:
    if logging.getLogger("stormlab").isEnabledFor(logging.DEBUG):
        traceback.print_exc()
    Terminal().fail(error.sentence, error.hint)
    return error.exit_code


def _refused_by_machine(error: OSError) -> LabError:
    what = f"{error.filename}: " if error.filename else ""
    return LabError(f"This machine refused: {what}{error.strerror}.", "See: python lab.py doctor")


def _bug(error: Exception) -> LabError:
    """Return an unexpected error as a bug of the lab, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    return LabError(
        f"The lab itself has a bug: {type(error).__name__}: {error} ({where}).",
        "Remove the lab: python lab.py down. With --log-level DEBUG the error has its traceback.",
    )
