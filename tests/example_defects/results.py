"""What came of the runs, a line each in a file: a trial of an hour can be split, ended and gone on with."""

from __future__ import annotations

from pathlib import Path

import msgspec

from driver.paths import state_dir
from tests.example_defects.trial import Planned, Trial, digest_of


class _Line(msgspec.Struct, frozen=True):
    """`digest` names the code of the example with its defect, and the run."""

    run: str
    digest: str
    trial: Trial


class Results:
    """The runs that are kept. One counts while the code of its example and its defect are the same."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or state_dir() / "example-defects.jsonl"
        self._file.parent.mkdir(parents=True, exist_ok=True)

    def known(self, run: Planned) -> Trial | None:
        """Return what came of a run earlier, None where it is still to be made. Raises DefectError."""
        return {line.digest: line.trial for line in self._read()}.get(digest_of(run))

    def keep(self, run: Planned, trial: Trial) -> None:
        """Append a line: several processes may do so at once."""
        with self._file.open("ab") as lines:
            lines.write(msgspec.json.encode(_Line(str(run), digest_of(run), trial)) + b"\n")

    def _read(self) -> list[_Line]:
        lines = self._file.read_bytes().splitlines(keepends=True) if self._file.exists() else []
        # The last line is cut short where the process was killed while it wrote.
        return [msgspec.json.decode(line, type=_Line) for line in lines if line.endswith(b"\n")]
