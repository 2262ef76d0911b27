"""`python -m tests.conformance [--write] [WORD...]`: the suite; with --write its table is kept for the docs.

The words are pytest's. STORMLAB_CONFORMANCE=compose,process names the engines, and one that does not answer
fails then.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conformance import engines
from tests.conformance.record import RECORD


def main(words: list[str]) -> int:
    """Run the suite; returns pytest's exit code."""
    write = "--write" in words
    print("\n".join(engines.said()), flush=True)
    code = pytest.main([str(Path(__file__).parent), *(word for word in words if word != "--write")])
    if write:
        RECORD.write()
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
