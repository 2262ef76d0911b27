#!/usr/bin/env python3
"""Stormlab's command line: `python lab.py --help`."""

from driver.cli.main import main

if __name__ == "__main__":
    main()
