"""The worker: receives tasks from the coordinator, runs them, and reports each result until it is
acknowledged.

It imports `wire` alone. Begin with core.py, which makes every decision without I/O; runtime.py gives it
sockets, a clock and a disk.
"""
