"""What a supervisor that was killed leaves: empty control groups and the lab's folder. Both are removed."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path

from driver.engines.process.control_groups import find_parents, lab_folders

CLEAN_SCRIPT = """
read -r ended
folder=$1; shift
n=0
while [ $n -lt 200 ]; do
  n=$((n + 1)); left=
  for group in "$@"; do
    [ -d "$group" ] || continue
    for state in $(find "$group" -mindepth 2 -name freezer.state 2>/dev/null); do echo THAWED >"$state"; done
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -d "$group" ] || left=$group
  done
  [ -n "$left" ] || break
  sleep 0.05
done
for group in "$@"; do rmdir "${group%/*}" 2>/dev/null; done
rm -rf "$folder"
rmdir "${folder%/*}" 2>/dev/null
"""
"""Waits for the end of its standard input. Arguments: the lab's folder, then its folders of control
groups.
"""
CLEAN_WITHIN_S = 30.0
POLL_S = 0.02
CLEANER = "stormlab-cleaner"
"""The name of the shell that runs the script."""
PROC = Path("/proc")


def lab_remains(folder: Path, project: str) -> list[Path]:
    """Return what is there of a lab: its folder, and its folders of control groups."""
    groups = lab_folders(find_parents(), project).values()
    return [one for one in (folder, *groups) if one.exists()]


def remove_remains(folder: Path, project: str) -> list[str]:
    """Remove what a lab whose supervisor has ended left, once its cleaner has ended. Returns what remains."""
    deadline_s = time.monotonic() + CLEAN_WITHIN_S
    # A cleaner that goes on would remove the folder of the next lab.
    while _has_cleaner(folder) and time.monotonic() < deadline_s:
        time.sleep(POLL_S)
    if not lab_remains(folder, project):
        return []
    groups = [str(one) for one in lab_folders(find_parents(), project).values()]
    subprocess.run(
        ["/bin/sh", "-c", CLEAN_SCRIPT, CLEANER, str(folder), *groups],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=CLEAN_WITHIN_S,
    )  # fmt: skip
    return [str(one) for one in lab_remains(folder, project)]


def _has_cleaner(folder: Path) -> bool:
    """Return whether a cleaner of this folder runs."""
    words = f"\0{CLEANER}\0{folder}\0".encode()
    for path in PROC.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if words in path.read_bytes():
                return True
    return False
