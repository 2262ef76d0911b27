"""Every link fault of the catalogue on each example system, by hand: python -m tests.example_faults

Each of a system's three links takes one fault after another, the three at once. A fault counts where `inject`
exits with 0, which it does for a fault with a receipt alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from chaos.catalogue import ALL
from chaos.fault import LinkFault
from driver.machine.example_images import ensure_example_images
from driver.paths import project_root
from driver.report.text import escape_markdown
from driver.scenarios.yaml_file import parse_yaml
from tests.proofs import commit, keep

FOR_S = 8
LIMIT_S = 240.0
LINKS = {
    "websocket": ("client[1]->server:8765", "client[2]->server:8765", "client[3]->server:8765"),
    "jetstream": ("publisher[1]->nats:4222", "worker[1]->nats:4222", "worker[2]->nats:4222"),
    "celery": ("shop[1]->redis:6379", "worker[1]->redis:6379", "worker[2]->redis:6379"),
}
KINDS = [kind for kind in ALL if issubclass(kind, LinkFault)]


@dataclass(frozen=True)
class Injected:
    """A fault that ran to its end on one link; `said` is what `inject` printed last."""

    fault: str
    link: str
    proved: bool
    said: str

    def __str__(self) -> str:
        return f"{self.fault:<16}{self.link:<26}{self.said}"


def words_of(kind: type[LinkFault]) -> list[str]:
    """The words of `inject` for a fault with the parameters of its example."""
    params: dict[str, Any] = parse_yaml(f"{{{kind.example}}}", kind.name).data or {}
    given = chain.from_iterable((f"--{name.replace('_', '-')}", str(value)) for name, value in params.items())
    return [kind.name, *given, *(["--for", f"{FOR_S}s"] if kind.lasting else [])]


def dealt(kinds: Sequence[type[LinkFault]], links: Sequence[str]) -> dict[str, list[type[LinkFault]]]:
    """Each kind on one of the links, in turn."""
    return {link: list(kinds[place :: len(links)]) for place, link in enumerate(links)}


class ExampleUnderFaults:
    """One example behind doors. Its methods run commands of lab.py."""

    def __init__(self, name: str, variables: dict[str, str]) -> None:
        self._file = project_root() / "examples" / name / "compose.yaml"
        self._links = LINKS[name]
        self._environment = {**os.environ, **variables}

    def injected(self) -> Iterator[Injected]:
        """Start the system, inject every fault, take the system down."""
        self._must("up", "--any-ports")
        try:
            with ThreadPoolExecutor(len(self._links)) as pool:
                for found in pool.map(
                    self._inject_all, *zip(*dealt(KINDS, self._links).items(), strict=True)
                ):
                    yield from found
        finally:
            self._must("down")

    def _inject_all(self, link: str, kinds: Sequence[type[LinkFault]]) -> list[Injected]:
        return [self._inject(link, kind) for kind in kinds]

    def _inject(self, link: str, kind: type[LinkFault]) -> Injected:
        done = self._lab_py("inject", *words_of(kind), "--links", link)
        lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["nothing"]
        return Injected(kind.name, link, done.returncode == 0, lines[-1])

    def _must(self, *words: str) -> None:
        done = self._lab_py(*words)
        if done.returncode != 0:
            raise RuntimeError(f"`{words[0]}` ended with {done.returncode}: {done.stderr[-600:]}")

    def _lab_py(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "lab.py", *words, "--system", str(self._file)]
        return subprocess.run(
            argv, cwd=project_root(), env=self._environment, capture_output=True, text=True, timeout=LIMIT_S
        )


def main() -> int:
    """Return 0 where every fault has its receipt on every system, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "systems", nargs="*", metavar="SYSTEM", help=f"of {', '.join(LINKS)}; all without one"
    )
    parser.add_argument("--write", action="store_true", help="write docs/proofs.md, after a success of all")
    given = parser.parse_args()
    named: list[str] = given.systems
    of = commit()
    if unknown := set(named) - set(LINKS):
        parser.error(f"no such system: {', '.join(sorted(unknown))}")
    variables = ensure_example_images(print, Path(project_root()))
    found: dict[str, list[Injected]] = {}
    for name in named or LINKS:
        print(f"{name}:", flush=True)
        found[name] = []
        for one in ExampleUnderFaults(name, variables).injected():
            print(f"  {one}", flush=True)
            found[name].append(one)
    missing = sum(not one.proved for every in found.values() for one in every)
    print(f"{missing} of the faults have no receipt" if missing else "every fault has its receipt")
    if given.write and not missing and not named:
        keep("example_faults", as_markdown(found), of)
    return 1 if missing else 0


def as_markdown(found: Mapping[str, Sequence[Injected]]) -> str:
    """Return the section of docs/proofs.md: each system, and each fault with what its receipt says."""
    lines = [f"Each fault was injected with `lab.py inject`, for {FOR_S} s where it lasts.", ""]
    for name, every in found.items():
        links = ", ".join(f"`{link}`" for link in LINKS[name])
        lines += [
            f"`examples/{name}`, faults on {links}:",
            "",
            "| fault | receipt |",
            "|---|---|",
        ]
        lines += [f"| {one.fault} | {escape_markdown(one.said)} |" for one in every]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
