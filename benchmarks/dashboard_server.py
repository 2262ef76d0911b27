"""The dashboard's server over a folder of journals, for bench_dashboard.py."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from driver.cli.dashboard import serve
from driver.cli.reference.lab_page import lab_page
from driver.engines.engine import Container, LabSpec
from tests.driver.fakes import SPEC, FakeEngine


class Folder(FakeEngine):
    """A lab of which there are only journals."""

    def __init__(self, folder: Path) -> None:
        super().__init__(project="bench")
        self._folder = folder

    def existing_spec(self) -> LabSpec | None:
        return replace(SPEC, journals=self._folder)

    def containers(self) -> list[Container]:
        names = sorted(path.stem for path in self._folder.glob("worker-*.jsonl"))
        return [Container(name, "worker", name, "image", "running", "") for name in names]


async def main(folder: Path) -> None:
    """Serve until SIGTERM."""
    await serve(lab_page(Folder(folder), read_only=True), "127.0.0.1", 0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
