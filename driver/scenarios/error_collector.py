"""Collects all errors of a file, so that one run reports them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from driver.scenarios.yaml_file import FileError, KeyPath, YamlFile

MOST_SHOWN = 20


class GroupedFileError(FileError):
    """Several errors of a file: fields of the first, and a line for each."""

    def __init__(self, errors: list[FileError]) -> None:
        first = errors[0]
        super().__init__(first.file, first.line, first.path, first.problem, first.hint)
        lines = [str(error) for error in errors[:MOST_SHOWN]]
        if len(errors) > MOST_SHOWN:
            lines.append(f"and {len(errors) - MOST_SHOWN} more")
        self.errors = errors
        self.sentence, self.hint = "\n".join(lines), ""
        self.args = (self.sentence,)


class ErrorCollector:
    """Collects errors of a file, one for each place."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, KeyPath], FileError] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added."""
        return not self._found

    def add(self, error: FileError) -> None:
        """Add one error, or a group."""
        for one in error.errors if isinstance(error, GroupedFileError) else [error]:
            self._found.setdefault((one.line, one.path), one)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Add the FileError that the block raises, and continue after it."""
        try:
            yield
        except FileError as error:
            self.add(error)

    def raise_all(self) -> None:
        """Raise the one error, or a GroupedFileError: unknown keys first, then by line."""
        found = sorted(self._found.values(), key=lambda one: (not one.unknown, one.line))
        if len(found) == 1:
            raise found[0]
        if found:
            raise GroupedFileError(found)


def error_at(file: YamlFile, quick: bool, path: KeyPath, text: str, hint: str = "") -> FileError:
    """Return the error at a key of a scenario, with the line that sets it, under `quick:` where that does."""
    inside = ("quick", *path)
    return file.error(inside if quick and inside in file.lines else path, text, hint)
