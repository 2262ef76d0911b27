"""Every error that the lab tells a person: one sentence, what to do next, and the exit status."""

from __future__ import annotations

from chaos.explain import shortened
from driver.exit_codes import ExitCode

MAX_CHARACTERS = 4_000


class LabError(Exception):
    """The lab cannot go on. `sentence` says what was expected and found; `hint` says what to do next."""

    exit_code = ExitCode.LAB_BROKE
    kept = ""
    """The folder's name of a run that was kept all the same."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        # Whatever a file or a flag holds, a sentence stays one.
        sentence, hint = shortened(sentence, MAX_CHARACTERS), shortened(hint, MAX_CHARACTERS)
        super().__init__(f"{sentence} {hint}".strip())
        self.sentence = sentence
        self.hint = hint


class UsageError(LabError):
    """The command, a flag or a file asks for something that cannot be."""

    exit_code = ExitCode.WRONG_USE


class PortInUseError(UsageError):
    """A port to publish on belongs to somebody else."""


class LabInUseError(UsageError):
    """Another command holds the lab."""


class NoLabError(UsageError):
    """The command needs a lab that is up, and none is."""


class EngineError(LabError):
    """The engine refused, or could not do, what it was asked."""


class SubnetInUseError(EngineError):
    """Another lab took the addresses that this one was about to use."""


class AddressInUseError(EngineError):
    """A container asks for an address that another one got while it was down."""


class ContainerGoneError(EngineError):
    """A container is not there, or no longer."""


class EngineGoneError(EngineError):
    """No engine answers, or it stopped answering."""


class LinksError(LabError):
    """Toxiproxy did not answer, or refused."""


class CoordinatorError(LabError):
    """The coordinator's control API did not answer, or refused."""


class NotReadyError(LabError):
    """A condition was not reached before its deadline."""


class RunAbortedError(LabError):
    """One of the run's own `abort_when` conditions held: the sentence says which."""

    exit_code = ExitCode.INCONCLUSIVE


class InterruptedCommandError(LabError):
    """The person at the keyboard stopped the command."""

    exit_code = ExitCode.INCONCLUSIVE
