"""The driver: starts labs, injects faults, runs scenarios, judges and compares runs; the command line.

Imports `chaos` and `wire`; never `coordinator` or `worker`, which it runs in containers. Its own modules at
this level (errors, paths, terminal …) may be imported by each of its packages.
Begin with `cli.main`, or with docs/walk.md, which follows one scenario through the code.
"""
