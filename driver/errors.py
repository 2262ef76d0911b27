"""The errors that a command reports: one sentence, a hint what to do next, and the exit code."""

from __future__ import annotations

from chaos.explain import shortened
from driver.exit_codes import ExitCode

MAX_CHARACTERS = 4_000


class LabError(Exception):
    """The lab failed. `sentence` says what was expected and found; `hint` says what to do next."""

    exit_code = ExitCode.LAB_BROKE
    kept = ""
    """The folder's name of a run whose results were kept; "" for none."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        # A value from a file or a flag may be of any length.
        sentence, hint = shortened(sentence, MAX_CHARACTERS), shortened(hint, MAX_CHARACTERS)
        super().__init__(f"{sentence} {hint}".strip())
        self.sentence = sentence
        self.hint = hint

    def add(self, second: LabError) -> None:
        """Add an error that followed from this one: its sentence and its hint come after this one's."""
        LabError.__init__(self, f"{self.sentence} {second.sentence}", f"{self.hint} {second.hint}".strip())


class UsageError(LabError):
    """A command, flag or file is invalid, or asks for what is not possible."""

    exit_code = ExitCode.WRONG_USE


class PortInUseError(UsageError):
    """Another process or container listens on a port that the lab is to publish."""


class LabInUseError(UsageError):
    """Another command holds the lab's lock."""


class NoLabError(UsageError):
    """No lab is up, and the command needs one."""


class EngineError(LabError):
    """A call of the engine failed."""


class SubnetInUseError(EngineError):
    """Another network has the subnet that this lab was to use."""


class AddressInUseError(EngineError):
    """A container's address was given to another one while it was down."""


class ContainerGoneError(EngineError):
    """A container does not exist, or no longer."""


class NoFileError(EngineError):
    """A container has no file at a path."""


class EngineGoneError(EngineError):
    """The engine does not answer."""


class LinksError(LabError):
    """Toxiproxy does not answer, or refused a request."""


class ControlError(LabError):
    """The control API of a system under test does not answer, or refused a request."""


class NotReadyError(LabError):
    """A condition did not hold before its deadline."""


class RunAbortedError(LabError):
    """One of the run's `abort_when` conditions held; the sentence names it."""

    exit_code = ExitCode.INCONCLUSIVE


class InterruptedCommandError(LabError):
    """A signal (Ctrl-C) or the user's answer ended the command."""

    exit_code = ExitCode.INCONCLUSIVE
