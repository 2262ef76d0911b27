"""What is special to the reference system: its lab, tasks, load, metrics, checks, controls, and its run.

Packages of the driver know services and links. They reach this one through the modules that
`tests/test_system_border.py` names: catalogues, which find what its packages declare, and commands, which
start its runs.
"""
