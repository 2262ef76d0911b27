"""A browser for the tests of pages: `python -m driver.machine.browser` installs one if missing."""

from __future__ import annotations

import os
import shutil
import sys

from driver.machine.apt import install_own
from driver.machine.shell import MachineError, Say

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Return the path of a Chromium (STORMLAB_CHROMIUM first); None without one."""
    return os.environ.get("STORMLAB_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def ensure_browser(say: Say) -> str:
    """Return a Chromium, installed from the host's own packages if missing.

    Raises MachineError with the command to run where this process cannot install.
    """
    found = find_browser()
    if found is not None:
        return found
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise MachineError(
            "The tests of pages need Chromium, which is missing. "
            "Run: sudo apt-get install chromium    (or name one: STORMLAB_CHROMIUM=/path/to/chromium)"
        )
    install_own(("chromium",), say)
    found = find_browser()
    if found is None:
        raise MachineError("Chromium was installed and is not on the PATH. Name it: STORMLAB_CHROMIUM=…")
    return found


def main() -> int:
    """Return 0 with a browser, 70 without."""
    try:
        ensure_browser(lambda text: print(f"stormlab: {text}", flush=True))
    except MachineError as error:
        print(f"stormlab: {error}", file=sys.stderr)
        return 70
    return 0


if __name__ == "__main__":
    sys.exit(main())
