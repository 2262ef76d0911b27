"""Claims about types that several threads use for the first time at once."""

from __future__ import annotations

import re
import subprocess
import sys

from driver.paths import project_root

THREADS_AT_ONCE = """
import sys, threading, msgspec
from driver.typed_json import decode_json
sys.setswitchinterval(1e-6)
for number in range(100):
    inner = msgspec.defstruct(f"Inner{number}", [(f"field_{one}", "list[int]", []) for one in range(12)])
    outer = msgspec.defstruct(f"Outer{number}", [("inner", list[inner])])
    together = threading.Barrier(8)
    def use():
        together.wait()
        decode_json(b'{"inner": [{"field_3": [1]}]}', outer)
    threads = [threading.Thread(target=use) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
print("whole")
"""


def test_threads_may_use_a_type_for_the_first_time_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", THREADS_AT_ONCE],
        cwd=project_root(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")


def test_the_driver_makes_no_decoder_of_a_type_elsewhere() -> None:
    driver = project_root() / "driver"
    found = [
        str(path.relative_to(driver))
        for path in driver.rglob("*.py")
        if re.search(r"json\.decode\([^\n]*type=", path.read_text())
    ]
    assert found == []
