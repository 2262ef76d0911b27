"""All mistakes of a file at once: those whom they cost an hour want to hear of them in one go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from driver.scenarios.yaml_file import FileError, Path_, YamlFile

MOST_SHOWN = 20


class ManyFileError(FileError):
    """Several mistakes: as an error it is its first, with a line for each."""

    def __init__(self, errors: list[FileError]) -> None:
        first = errors[0]
        super().__init__(first.file, first.line, first.path, first.problem, first.hint)
        lines = [str(error) for error in errors[:MOST_SHOWN]]
        if len(errors) > MOST_SHOWN:
            lines.append(f"and {len(errors) - MOST_SHOWN} more")
        self.errors = errors
        self.sentence, self.hint = "\n".join(lines), ""
        self.args = (self.sentence,)


class Mistakes:
    """Collects what is wrong with a file; each place is told once."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, Path_], FileError] = {}

    def add(self, error: FileError) -> None:
        """Keep one mistake, or several that were collected elsewhere."""
        for one in error.errors if isinstance(error, ManyFileError) else [error]:
            self._found.setdefault((one.line, one.path), one)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep what the block raises, and go on after it."""
        try:
            yield
        except FileError as error:
            self.add(error)

    def raise_all(self) -> None:
        """Raise the one mistake, or all: unknown keys first, then in the order of the file."""
        found = sorted(self._found.values(), key=lambda one: (not one.unknown, one.line))
        if len(found) == 1:
            raise found[0]
        if found:
            raise ManyFileError(found)


def error_at(file: YamlFile, quick: bool, path: Path_, text: str, hint: str = "") -> FileError:
    """The error at a key of a scenario, on the line where that key was set: under `quick:`, where it was."""
    inside = ("quick", *path)
    return file.error(inside if quick and inside in file.lines else path, text, hint)
