"""Packet captures must find receipts true: `python -m tests.captures --each 1000 --write`.

Needs root and Docker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from driver.cli.options import engine_of
from driver.reference.run_subject import ReferenceSubject
from driver.results.run_folder import PLAN
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.scenarios.plan import Plan
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import load_scenario, resolved_yaml
from driver.terminal import Terminal
from tests.captures.beside import PACKETS, Beside
from tests.captures.compare import LIMITS, Seen, Truth, compare
from tests.captures.hosts import hosts
from tests.captures.scenario import KINDS, write
from tests.captures.streams import links
from tests.captures.tap import lost, read
from tests.ports import reserved_pair
from tests.proofs import commit, keep
from wire.address import link_port, worker_name

SERVER_PORT = 8765
PROBER, LIMITS_READ = "prober.json", "limits.json"
MOST_REPEATS = 16
MOST_TOLD = 40


def one_run(copies: int, repeat: int, seed: int, folder: Path) -> list[Truth]:
    """One lab, captured from its start to its end, and what came of each receipt. Raises RuntimeError where
    the capture is not whole.
    """
    path = folder / "every_kind.yaml"
    path.write_text(write(copies, repeat))
    loaded = load_scenario(path)
    plan = resolve(loaded, seed)
    project = f"captures-{os.getpid()}"
    limited = sorted({fault.targets[0] for fault in plan.faults if fault.fault in LIMITS})
    beside = Beside(project, plan.clients, limited, folder)
    request = RunRequest(plan, resolved_yaml(loaded), folder / "results")

    async def whole_run() -> None:
        with Terminal() as terminal:
            port = reserved_pair("127.0.0.1")
            await run(request, ReferenceSubject(plan, engine_of(project), terminal, port=port), terminal)

    beside.start()
    try:
        asyncio.run(whole_run())
    finally:
        beside.finish()
    if beside.trouble:
        raise RuntimeError(f"no capture: {beside.trouble}")
    (folder / PROBER).write_text(json.dumps(beside.prober))
    (folder / LIMITS_READ).write_text(json.dumps(beside.limits))
    return truths_of(folder)


def truths_of(folder: Path) -> list[Truth]:
    """What the packets kept in a folder say of the receipts of its run."""
    packets = folder / PACKETS
    if dropped := lost(packets):
        raise RuntimeError(f"the kernel dropped {dropped} packets: the capture proves nothing")
    results = folder / "results" / "latest"
    plan = Plan.model_validate_json((results / PLAN).read_bytes())
    ports = {link_port(index): worker_name(index) for index in range(1, plan.clients + 1)}
    found = hosts(read(packets), ports, json.loads((folder / PROBER).read_text()))
    for name, limits in json.loads((folder / LIMITS_READ).read_text()).items():
        found[name].limits = limits
    lines = (results / "journals" / "driver.jsonl").read_bytes().splitlines()
    return compare(
        Seen(
            links=links(read(packets), ports, SERVER_PORT),
            hosts=found,
            params={fault.id: dict(fault.build()) for fault in plan.faults},
            receipts=[json.loads(line) for line in lines if b'"event":"receipt"' in line],
        )
    )


def table(truths: Sequence[Truth]) -> str:
    """What came of them, by kind, as Markdown."""
    lines = [
        "| kind | faults | proved by their receipts | true by the packets "
        "| its begin and its first packet: median, worst | its last packet and its end: median, worst "
        "| size, receipt and packets: worst |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        mine = [one for one in truths if one.kind == kind]
        proved = [one for one in mine if one.proved]
        true = [one for one in proved if not one.against]
        begins = [abs(one.begin_ms) for one in true if one.begin_ms is not None]
        ends = [abs(one.end_ms) for one in true if one.end_ms is not None]
        off = [abs(one.off) for one in true if one.off is not None]
        lines.append(
            f"| {kind} | {len(mine):,} | {len(proved):,} | {len(true):,} | {_ms(begins)} | {_ms(ends)} | "
            f"{f'{max(off):.1%}' if off else '–'} |"
        )
    open_ones = [one for one in truths if one.against or not one.proved]
    reasons = "\n".join(
        f"- `{one.fault}`: {f'not true: {one.against}' if one.against else f'not proved: {one.because}'}"
        for one in open_ones[:MOST_TOLD]
    )
    return "\n".join(lines) + (f"\n\nNot proved, or not true:\n\n{reasons}" if open_ones else "")


def _ms(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f} ms, {max(values):.0f} ms" if values else "–"


def main() -> int:
    """0 when every receipt is true and says proved, 1 when one is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.captures", description=__doc__)
    parser.add_argument("--each", type=int, default=2, help="faults of each kind")
    parser.add_argument("--copies", type=int, default=1, help="links of each kind in one run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="keep the table in docs/proofs.md")
    parser.add_argument("--keep", type=Path, help="keep the last run's packets and results in this folder")
    parser.add_argument("--again", type=Path, help="only compare what such a folder holds")
    asked = parser.parse_args()
    if asked.again is not None:
        print(table(truths_of(asked.again)))
        return 0
    of = commit()
    truths: list[Truth] = []
    left, number, failures = asked.each, 0, 0
    while left > 0:
        repeat = min(MOST_REPEATS, -(-left // asked.copies))
        number += 1
        try:
            with tempfile.TemporaryDirectory(prefix="captures-") as name:
                folder = Path(name) if asked.keep is None else asked.keep
                folder.mkdir(parents=True, exist_ok=True)
                truths += one_run(asked.copies, repeat, asked.seed + number, folder)
        except RuntimeError as error:
            failures += 1
            print(f"run {number}: {error}", file=sys.stderr)
            if failures > 3:
                return 1
            continue
        left -= repeat * asked.copies
        wrong = [one for one in truths if one.against or not one.proved]
        print(f"{len(truths):,} receipts, {len(wrong)} not proved or not true", file=sys.stderr)
        for one in wrong[-20:]:
            print(f"  {one.fault}: {one.against or one.because}", file=sys.stderr)
    text = table(truths)
    print(text)
    if asked.write:
        keep("receipts", text, of)
    return int(any(one.against or not one.proved for one in truths))


if __name__ == "__main__":
    sys.exit(main())
