"""What is drawn from, and which tests judge it before the simulation does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """Some files (globs from the root), how large a share of all mutants is drawn from them, and the tests
    that judge them; `seeds` of the simulation are run after these.
    """

    name: str
    globs: tuple[str, ...]
    share: float
    tests: tuple[str, ...]
    seeds: int = 0

    def files(self, root: Path) -> list[str]:
        """The files there are, as names from the root, in order."""
        found = {path.relative_to(root).as_posix() for glob in self.globs for path in root.glob(glob)}
        return sorted(file for file in found if not file.endswith("__init__.py"))

    def test_paths(self, root: Path) -> list[str]:
        """The tests that there are, by their paths from the root, in order."""
        return [path.relative_to(root).as_posix() for glob in self.tests for path in sorted(root.glob(glob))]


SEEDS = 300

WIRE = Room(
    "wire",
    ("wire/channel.py", "wire/priority.py", "wire/codec.py", "wire/compression.py", "wire/handshake.py"),
    0.12,
    ("tests/wire/test_*.py", "tests/coordinator/test_bad_frames.py", "tests/worker/test_core_session.py"),
    SEEDS,
)
COORDINATOR = Room(
    "coordinator",
    tuple(
        f"coordinator/{name}.py"
        for name in (
            "admission", "attempts", "core", "dispatch", "handshake", "journal_events", "ledger", "proofs",
            "recovery", "refusal_log", "session", "session_manager", "session_registry", "store",
            "submission", "task_memory", "task_queue", "timers", "timing", "token_bucket", "worker_selector",
        )
    ),
    0.20,
    tuple(
        f"tests/coordinator/test_{name}.py"
        for name in (
            "admission", "handshake", "ledger", "restart", "at_once", "sessions", "bad_frames", "store",
            "store_model", "task_memory", "refusal_log",
        )
    ),
    SEEDS,
)  # fmt: skip
WORKER = Room(
    "worker",
    (
        "wire/policies.py",
        *(
            f"worker/{name}.py"
            for name in (
                "attempts", "checkpoints", "core", "heartbeat", "phi", "reconnect", "session",
                "task_manager",
            )
        ),
    ),
    0.18,
    tuple(
        f"tests/worker/test_{name}.py"
        for name in (
            "heartbeat", "heartbeat_model", "reconnect", "reconnect_model", "phi", "policies", "session",
            "core_session", "core_work", "checkpoints",
        )
    ),
    SEEDS,
)  # fmt: skip
_RECEIPTS = tuple(
    f"tests/driver/scenario/test_{name}.py" for name in ("receipts*", "link_records", "container_gaps")
)
JUDGE = Room(
    "judge",
    ("driver/checks/*.py", "driver/metrics/*.py", "driver/judging/*.py"),
    0.25,
    ("tests/driver/judge/test_*.py", *_RECEIPTS, "tests/second_judge/test_*.py"),
)
FAULTS = Room(
    "faults",
    tuple(
        f"chaos/{name}.py"
        for name in (
            "attribution", "chunk_fault", "coverage", "delays", "directions", "evidence", "evidence_checks",
            "fault", "intervals", "model", "random_effects", "targets", "throughput", "units", "faults/*",
        )
    ),
    0.12,
    (
        *(f"tests/chaos/test_{name}.py" for name in ("catalogue", "coverage", "rules", "targets", "units")),
        "tests/chaos/test_faults_act.py",
        *_RECEIPTS,
        "tests/driver/judge/test_checks_lab.py",
        "tests/driver/judge/test_checks_damage.py",
        "tests/driver/judge/test_receipt_rebuild.py",
        "tests/driver/test_fault_names.py",
    ),
)  # fmt: skip
TOXICS = Room("toxics", ("chaos/toxiproxy/**/*.go",), 0.13, ())
ROOMS = (WIRE, COORDINATOR, WORKER, JUDGE, FAULTS, TOXICS)
