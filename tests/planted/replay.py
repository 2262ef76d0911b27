"""`python -m tests.planted.replay FILE` runs the plan of a file in its own tree, and prints the breach."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.simulation.found_plans import load
from tests.simulation.shrink import broken_by


def main() -> int:
    """Print the breach, an empty line without one; return 0."""
    found = broken_by(load(Path(sys.argv[1])).plan)
    print(found[0] if found else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
