"""Two commands at once on one lab, drawn by a seed: python -m tests.two_terminals --pairs 20 --seed 1

After each pair the lab is free, `status` says what Docker says, and the lab is one that a command asked for.
At the end `down` leaves nothing. In one pair of five the first command is killed (SIGKILL).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driver.engines.engine import HOST
from driver.host_ports import is_free
from driver.labs.lab_lock import lock_holders
from tests.e2e.conftest import SHORT_HERD, CommandLine, docker
from tests.proofs import commit, keep
from tests.waiting import eventually_in_thread

LIMIT_S, HOLDS_WITHIN_S = 240.0, 60.0
LATEST_S = 4.0
KILLED_SHARE, MEANWHILE_SHARE, ON_A_LAB_SHARE = 0.2, 0.7, 0.7
REFUSALS = ("is in use by", "No lab named")
UP_2, UP_3 = ("up", "--workers", "2"), ("up", "--workers", "3")
DOWN, DOWN_FORCE = ("down",), ("down", "--force")
REFUSE = ("inject", "refuse", "--workers", "1", "--for", "3s")
PAUSE = ("inject", "pause", "worker-1", "--for", "3s")
SCENARIO = ("scenario", str(SHORT_HERD), "--seed", "7", "--duration", "11", "--var", "rounds=1", "--replace")
LOOKS = (("status",), ("faults",), ("logs",), ("top", "--once"))
CHANGES = (UP_2, UP_3, DOWN, DOWN_FORCE, REFUSE, PAUSE, ("heal",))
WORKERS = {UP_2: 2, UP_3: 3, DOWN: 0, DOWN_FORCE: 0}

Words = tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two commands, the second `later_s` after the first; the first is killed after `kill_s`.

    `meanwhile`: both times count from when the first holds the lab, not from its start. `on_a_lab`: a lab is
    started before where none is up.
    """

    first: Words
    second: Words
    later_s: float
    kill_s: float | None = None
    meanwhile: bool = True
    on_a_lab: bool = False


@dataclass(frozen=True)
class Ended:
    """A command as it ended."""

    words: Words
    code: int
    said: str

    def __str__(self) -> str:
        why = re.search(r"is in use by `\w+|No lab named", self.said) if self.code == 64 else None
        reason = f", {why[0].replace('`', '')}" if why else ""
        return f"{' '.join(Path(word).name for word in self.words[:3])} → {self.code}{reason}"


class NotTrueError(Exception):
    """Something is not as it should be after a pair."""


def drawn(
    seed: int, count: int, commands: Sequence[Words], killed_share: float = KILLED_SHARE
) -> Iterator[Pair]:
    """Draw `count` pairs. One command of each changes the lab; the other is any."""
    chance = random.Random(seed)
    for _ in range(count):
        pair = [chance.choice(commands), chance.choice([*commands, *LOOKS])]
        kill_s = chance.uniform(0.5, LATEST_S) if chance.random() < killed_share else None
        meanwhile, on_a_lab = chance.random() < MEANWHILE_SHARE, chance.random() < ON_A_LAB_SHARE
        if not meanwhile:
            chance.shuffle(pair)
        yield Pair(pair[0], pair[1], chance.uniform(0.0, LATEST_S), kill_s, meanwhile, on_a_lab)


def run_pairs(line: CommandLine, pairs: Sequence[Pair]) -> Iterator[str]:
    """Run the pairs in order. Yield a line for each. Raises NotTrueError."""
    before = 0
    for number, pair in enumerate(pairs, 1):
        began = time.monotonic()
        if pair.on_a_lab and before == 0:
            check_end(run(line, UP_2), (), pair)
            before = check_lab(line, {2})
        ended = run_pair(line, pair)
        for one in ended:
            check_end(one, ended, pair)
        is_up = check_status(line)
        if pair.kill_s is None:
            after = check_lab(line, expected(before, ended))
        else:
            # What a killed command leaves is not promised, but for the truth about it and an end to it.
            check_end(run(line, DOWN), (), pair)
            after = check_lab(line, {0})
        killed = "" if pair.kill_s is None else f", the first killed after {pair.kill_s:.1f} s"
        when = f"{pair.later_s:.1f} s {'into it' if pair.meanwhile else 'later'}"
        left = f"{after} workers" if pair.kill_s is None else f"{'a lab' if is_up else 'no lab'}, taken down"
        yield (
            f"[{number:>2} of {len(pairs)}] {before} workers: {ended[0]}; {when} {ended[1]}{killed}; "
            f"then {left} ({time.monotonic() - began:.0f} s)"
        )
        before = after


def run_pair(line: CommandLine, pair: Pair) -> tuple[Ended, Ended]:
    """Both commands, to their ends."""
    first = line.started(*pair.first)
    if pair.meanwhile:
        holds_or_ended = f"{pair.first} to hold the lab or to end"
        try:
            eventually_in_thread(
                lambda: first.poll() is not None or lock_holders(line.project), holds_or_ended, HOLDS_WITHIN_S
            )
        except AssertionError as error:
            raise NotTrueError(str(error)) from None
    killer = threading.Timer(pair.kill_s, first.kill) if pair.kill_s is not None else None
    if killer is not None:
        killer.start()
    # The second terminal's time is part of the draw, no condition to wait for.
    time.sleep(pair.later_s)
    second = line.started(*pair.second)
    ended = []
    for words, process in ((pair.first, first), (pair.second, second)):
        try:
            said, _ = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise NotTrueError(f"{words} did not end within {LIMIT_S:.0f} s") from None
        ended.append(Ended(words, process.returncode, said))
    if killer is not None:
        killer.cancel()
    return ended[0], ended[1]


def run(line: CommandLine, words: Words) -> Ended:
    """One command alone."""
    done = line(*words)
    return Ended(words, done.returncode, done.stdout + done.stderr)


def check_end(one: Ended, pair: Sequence[Ended], drawn_pair: Pair) -> None:
    """A command ends with its effect, with a refusal by name, or because `down --force` stopped it."""
    stopped = any(other.words == DOWN_FORCE and other is not one for other in pair)
    killed = drawn_pair.kill_s is not None and pair and one is pair[0]
    # One that is stopped before it began leaves its end to the signal.
    ends = [2, -signal.SIGTERM] if stopped else [2] if one.words == SCENARIO else []
    fine = {0, *ends, *([-signal.SIGKILL] if killed else [])}
    refused = one.code == 64 and any(refusal in one.said for refusal in REFUSALS)
    if "Traceback" in one.said or "has a bug" in one.said or not (one.code in fine or refused):
        raise NotTrueError(f"{one}:\n{one.said}")


def check_status(line: CommandLine) -> bool:
    """What `status` says is what Docker says, and no command holds the lab; whether it calls the lab up."""
    found = json.loads(run(line, ("status", "--json")).said)
    label = f"label=com.docker.compose.project={line.project}"
    listed = docker("ps", "-a", "--filter", label, "--format", "{{.Names}} {{.State}}").split("\n")
    there = dict(row.split(" ") for row in listed if row)
    said = {_name_in_docker(line, one["name"]): one["status"] for one in found["containers"]}
    if said != there:
        raise NotTrueError(f"status says {said}, and Docker {there}")
    core = all(f"{line.project}-{name}-1" in there for name in ("coordinator", "toxiproxy"))
    if found["up"] is not core or found["in_use_by"]:
        raise NotTrueError(f"status calls a lab of {there} up: {found['up']}, in use by {found['in_use_by']}")
    return bool(found["up"])


def check_lab(line: CommandLine, expected_workers: set[int]) -> int:
    """A lab is whole or gone, and has as many workers as a command asked for; how many."""
    shown = json.loads(run(line, ("status", "--json")).said)
    workers = [one["name"] for one in shown["containers"] if one["name"].startswith("worker-")]
    if len(workers) not in expected_workers:
        raise NotTrueError(f"expected {expected_workers} workers; found {workers}")
    if not shown["up"]:
        if left := line.leftovers():
            raise NotTrueError(f"the lab is down, and this is left: {left}")
        return 0
    sick = [one for one in shown["containers"] if one["status"] != "running"]
    connected = {one["name"] for one in shown["coordinator"]["workers"] if one["state"] == "connected"}
    # The coordinator remembers workers that were scaled away.
    away = set(workers) - connected
    links = sorted(one["name"] for one in shown["links"] if one["enabled"] and not one["faults"])
    if sick or away or links != sorted(workers):
        raise NotTrueError(f"not whole: {sick}, {away}, links {links} for {workers}")
    return len(workers)


def expected(before: int, ended: Sequence[Ended]) -> set[int]:
    """How many workers the lab may have: what a command that succeeded asked for, or what there were."""
    asked = {WORKERS[one.words] for one in ended if one.words in WORKERS and one.code == 0}
    # A run that replaced a lab leaves as many as it found; a stopped `up` of a new lab leaves none.
    return asked or {before}


def _name_in_docker(line: CommandLine, name: str) -> str:
    return f"{line.project}-{name}" if name.startswith("worker-") else f"{line.project}-{name}-1"


def own_port() -> int:
    """The first of two ports that other labs do not choose while ours is down between two pairs."""
    first = 21_000 + os.getpid() % 4_000 * 2
    ports = (first + step for step in range(0, 2_000, 2))
    return next(port for port in ports if is_free(HOST, port) and is_free(HOST, port + 1))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the pairs that the flags ask for; 1 where something was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.two_terminals", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="keep the pairs in docs/proofs.md")
    flags: Any = parser.parse_args(argv)
    of, said = commit(), []
    with tempfile.TemporaryDirectory() as results:
        line = CommandLine(f"two-terminals-{os.getpid()}", Path(results), port=own_port())
        commands = [*CHANGES, SCENARIO, SCENARIO, UP_2, UP_3]
        pairs = list(drawn(flags.seed, flags.pairs, commands))
        try:
            for found in run_pairs(line, pairs):
                said.append(f"- {found}")
                print(found, flush=True)
        except NotTrueError as error:
            print(f"NOT TRUE: {error}", flush=True)
            return 1
        finally:
            ended = run(line, DOWN_FORCE)
        left = line.leftovers()
        said.append(
            f"\n{len(pairs)} pairs; `down` ended with {ended.code}; left behind: {left or 'nothing'}."
        )
        print(said[-1].strip(), flush=True)
    if left or ended.code:
        return 1
    if flags.write:
        keep("two_terminals", "\n".join(said), of)
    return 0


if __name__ == "__main__":
    sys.exit(main())
