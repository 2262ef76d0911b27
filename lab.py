#!/usr/bin/env python3
"""Stormlab's command line: `python lab.py --help`.

Any Python may start it: one that lacks the packages hands over to `.venv`, which is made where it is missing.
"""

try:
    from driver.cli.main import main
except ModuleNotFoundError as missing:
    from driver.machine.virtualenv import go_on_inside

    go_on_inside(missing)

if __name__ == "__main__":
    main()
